// Shapley values of a linear model under a normal law, as a mean over orders of the columns.
//
// With Sigma = L L' in the order in which columns enter, the expectation of X - mu given one column more moves by
// L_r z_r, z = L^-1 (x - mu). So column r gains beta' L_r z_r: its values are linear in x - mu, and one factorisation
// serves all coalitions of an order and all rows x. Aas, Jullum and Loland (2021) solve each coalition instead.
#pragma once

#include "pellucid/types.hpp"

namespace pellucid {

// covariance (m, m), positive definite; coefficients (m, k); orders (g * per_group, m) of the m columns. Row i of the
// result (g, m * m * k) is the sum over orders i * per_group, ... of the matrices Q (m, m, k): column r is worth
// sum_c Q(r, c, o) (x_c - mu_c) for output o. Throws NumericalError where the covariance is singular.
// Cost: m^3 / 3 products for each order.
Matrix gaussian_linear_orders(MatrixIn covariance, MatrixIn coefficients, IndexMatrixIn orders, Index per_group);

}  // namespace pellucid
