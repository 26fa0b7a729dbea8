// Shapley values from the values of all 2^n coalitions.
//   phi_i = sum over S without i of |S|! (n - |S| - 1)! / n!  (v(S + i) - v(S))      Shapley (1953)
#pragma once

#include "pellucid/types.hpp"

namespace pellucid {

// values: (2^n, k) in counting order (bit j of the row number says whether player j is in). Returns (n, k).
Matrix exact_shapley(MatrixIn values, Index players);

}  // namespace pellucid
