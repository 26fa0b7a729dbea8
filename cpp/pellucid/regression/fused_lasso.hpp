// Least squares whose coefficients change little from one column to the next: Tibshirani, Saunders, Rosset, Zhu and
// Knight, "Sparsity and smoothness via the fused lasso", Journal of the Royal Statistical Society B 67 (2005).
//
//   minimise 1/2 b'Gb - c'b + lambda TV(b),       TV(b) = sum_{j >= 2} |b_j - b_{j-1}|
//
// With b = L theta, L the lower triangle of ones, it is a lasso on the differences theta with a free first one, whose
// Gram matrix L'GL is a two-dimensional suffix sum of G. Coordinate descent brings in the worst differences, some at a
// time; then the minimum on the present signs is found by a solve, which goes through a change of sign only where that
// lowers the objective. So every step lowers it, from any start.
#pragma once

#include "pellucid/types.hpp"

namespace pellucid {

struct FusedLassoFit {
    Vector coefficients;     // (p,), equal to the last bit where neighbours are fused
    double penalty = 0.0;    // the lambda that they belong to
    double variation = 0.0;  // TV(b)
    double residual = 0.0;   // how far the optimality conditions are violated at most, over max |L'c|
    Index passes = 0;
};

// (p, p) L'GL and (p,) L'c.
Matrix suffix_sums(MatrixIn gram);
Vector suffix_sums(VectorIn response);

// gram (p, p) of centred columns, response (p,), start (p,) coefficients to begin with. Cost O(p^2) a pass and O(a^3) a
// solve with a differences.
FusedLassoFit fused_lasso(MatrixIn gram, VectorIn response, double penalty, VectorIn start);

// minimise 1/2 b'Gb - c'b with TV(b) <= bound: the least penalty that meets the bound, by Newton steps on the piecewise
// linear TV(lambda), kept inside a bracket.
FusedLassoFit fused_lasso_bounded(MatrixIn gram, VectorIn response, double bound, VectorIn start);

}  // namespace pellucid
