// Eight numbers side by side, in registers: compilers keep loops over small arrays in memory.
#pragma once

#include "pellucid/types.hpp"

namespace pellucid {

constexpr Index lanes = 8;
inline Index padded(Index columns) {
    return (columns + lanes - 1) / lanes * lanes;
}

#if defined(__GNUC__)
typedef double Four __attribute__((vector_size(32), aligned(8), may_alias));
#else
struct Four {
    double v[4];
    Four& operator+=(const Four& other) {
        for (int l = 0; l < 4; ++l) v[l] += other.v[l];
        return *this;
    }
    friend Four operator+(Four a, const Four& b) { return a += b; }
    friend Four operator*(double a, const Four& x) { return {{a * x.v[0], a * x.v[1], a * x.v[2], a * x.v[3]}}; }
};
#endif

inline const Four& four(const double* at) {
    return *reinterpret_cast<const Four*>(at);
}
inline Four& four(double* at) {
    return *reinterpret_cast<Four*>(at);
}

}  // namespace pellucid
