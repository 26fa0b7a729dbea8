// Random inputs of the driver: each is named by a seed and a row.
#pragma once

#include <cstdint>

#include "pellucid/random.hpp"
#include "pellucid/types.hpp"

namespace pellucid::driver {

inline Matrix normal_matrix(std::uint64_t seed, std::uint64_t row, Index rows, Index cols) {
    RowStream stream(seed, 0, row, StreamOf::test);
    Matrix values(rows, cols);
    for (Index i = 0; i < values.size(); ++i) values.data()[i] = stream.normal();
    return values;
}

inline Index below(RowStream& stream, Index bound) {
    return static_cast<Index>(stream.uniform() * static_cast<double>(bound));
}

}  // namespace pellucid::driver
