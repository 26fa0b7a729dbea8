#pragma once

#include <vector>

#include "pellucid/types.hpp"

namespace pellucid {

// The sum of parts of equal shape, at least one, which is left in the first. Adding them in pairs keeps the rounding
// error at the logarithm of their number.
inline const Matrix& pairwise_sum(std::vector<Matrix>& parts) {
    for (std::size_t step = 1; step < parts.size(); step *= 2)
        for (std::size_t i = 0; i + step < parts.size(); i += 2 * step) parts[i] += parts[i + step];
    return parts[0];
}

}  // namespace pellucid
