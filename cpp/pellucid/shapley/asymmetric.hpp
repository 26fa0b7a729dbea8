// Asymmetric Shapley values from the values of all coalitions that a partial order allows.
//   phi_i = sum over ideals S, with S + i an ideal, of e(S) e(N - S - i) / e(N)  (v(S + i) - v(S))
// e counts the orders that respect the partial order. Faigle and Kern, "The Shapley value for cooperative games under
// precedence constraints", International Journal of Game Theory 21 (1992); Frye, Rowat and Feige, "Asymmetric Shapley
// values", NeurIPS 33 (2020).
#pragma once

#include "pellucid/sampling/order_ideals.hpp"
#include "pellucid/types.hpp"

namespace pellucid {

// values: (ideals, k) in the order of `ideals`, which must be complete. Returns (n, k).
Matrix asymmetric_shapley(const OrderIdeals& ideals, MatrixIn values);

}  // namespace pellucid
