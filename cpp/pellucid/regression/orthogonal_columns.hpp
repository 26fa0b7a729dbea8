// Takes out of outputs what columns explain that are orthogonal under the law of the rows: no Gram matrix, no solve.
//
//   y <- y - sum over s of s (s'(y - mean y)) / (s's)      for the columns s in turn, four at a time
//
// Columns that are orthogonal to each other, to 1 and to the parts of a regression under the law of its rows leave its
// coefficients where they are, and on a net, whose sums of one and two coordinates are those of the law up to O(1/n),
// one sweep is the least squares fit.
#pragma once

#include "pellucid/types.hpp"

namespace pellucid {

// store (slots, n) holds columns as rows; slots names those to take out, in their order; values (n, k) is changed.
void take_out_columns(MatrixIn store, IndicesIn slots, MatrixOut values);

}  // namespace pellucid
