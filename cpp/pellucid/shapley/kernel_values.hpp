// Exact interventional Shapley values of a kernel ridge fit, for one explained row x against each background row b.
//
// The Gaussian kernel is a product over parts: with p_i = k(x_i, c_i) and q_i = k(b_i, c_i) the coalition S is worth
// prod_S p prod_{not S} q, and Owen's multilinear extension (Management Science 18, 1972) gives
//   phi_i = sum_c a_c int_0^1 (p_i - q_i) prod_{j != i} (t p_j + (1 - t) q_j) dt + w_i (x_i - b_i).
// The integrand has degree n - 1 in t for n parts that differ between x and b, so that Gauss-Legendre with
// ceil(n / 2) nodes is exact. At most 16 nodes are used: beyond 32 parts the rule is no longer exact, and what is then
// missing of the known sum s(x) - s(b) is shared equally by the parts that differ. Parts where x and b agree get 0.
#pragma once

#include "pellucid/regression/kernel_ridge.hpp"
#include "pellucid/types.hpp"

namespace pellucid {

constexpr Index most_nodes = 16;

// Nodes and weights on (0, 1), exact for polynomials of degree 2 n - 1: (n, 2).
Matrix gauss_legendre(Index n);

// x (d), background (B, d): numbers or NaN; part_of_column (d), the part of each column. Returns
// (folds * B, parts * k): fold by fold, row b by row b, and part by part. O(landmarks * nodes * parts) each b.
Matrix kernel_values(const KernelRidge& fit, VectorIn x, MatrixIn background, ColumnsIn part_of_column, Index parts);

}  // namespace pellucid
