// The pairwise Shapley interaction index from the values of all 2^n coalitions.
//   I_ij = sum over S without i and j of |S|! (n - |S| - 2)! / (n - 1)!  (v(S+i+j) - v(S+i) - v(S+j) + v(S))
// Grabisch and Roubens, Int. J. Game Theory 28 (1999).
#pragma once

#include "pellucid/types.hpp"

namespace pellucid {

// values: (2^n, k) in counting order (bit j of the row number says whether player j is in). Returns (n (n - 1) / 2, k),
// the pairs in the order (0, 1), (0, 2), ..., (1, 2), ... Cost: n^2 / 2 additions for each value.
Matrix exact_interactions(MatrixIn values, Index players);

}  // namespace pellucid
