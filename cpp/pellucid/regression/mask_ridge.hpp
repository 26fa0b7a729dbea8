// Cross-fitted linear fits on masks, of blocks of consecutive rows: what is fitted for block f has not seen it.
//
//   argmin_{a, b}  sum_{i not in block f} w_i (y_i - a - z_i'b)^2 + ridge |b|^2
//
// The Gram matrix of each block is summed once, in single precision by chunks of rows and in double over the chunks.
// Cost: m p^2 / 2 for the Gram matrices, p^3 / 3 a block.
#pragma once

#include <vector>

#include "pellucid/types.hpp"

namespace pellucid {

// Rows starts[f] .. starts[f + 1] - 1 are block f; of at least two blocks none is empty.
void require_blocks(const Indices& starts, Index rows);

// For every block (p + 1, k): the intercept, then the coefficients. masks (m, p), targets (m, k), weights (m).
std::vector<Matrix> mask_ridge(MasksIn masks, MatrixIn targets, VectorIn weights, const Indices& starts, double ridge);

}  // namespace pellucid
