#pragma once

#include "pellucid/types.hpp"

namespace pellucid {

// The quantile at `level` of max_j |t_j| for t normal with this correlation matrix (p, p), from `draws` counted draws:
// the order statistic, whose level misses the wanted one by about sqrt(level (1 - level) / draws).
double max_normal_quantile(MatrixIn correlation, double level, Index draws, std::uint64_t seed);

}  // namespace pellucid
