// Products of masks (m, p) with numbers, whose bits depend neither on the number of rows nor on the width of vectors.
#pragma once

#include "pellucid/types.hpp"

namespace pellucid {

// fit = (a, b_1 .. b_p): values[i] = a + z_i'b for `count` rows.
void linear_values(const std::uint8_t* masks, Index count, Index parts, const double* fit, double* values);

// sums[0] += sum_i x_i, sums[j] += sum_i x_i z_ij for `count` rows.
void add_moments(const std::uint8_t* masks, Index count, Index parts, const double* x, double* sums);

// (m, k): each column of fits (p + 1, k) is such a fit.
Matrix linear_predictions(MasksIn masks, MatrixIn fits);

}  // namespace pellucid
