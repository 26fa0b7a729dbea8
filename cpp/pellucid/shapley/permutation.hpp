// Shapley values from walks through the players, forth and back.
#pragma once

#include "pellucid/types.hpp"

namespace pellucid {

// What each antithetic pair says of each player: the mean of its two marginal contributions.
// orders and twins (m, n); values (m * 2 (n - 1), k) as played by `antithetic_coalitions`; empty and full (m, k), the
// value of nobody and of everybody for the draw of that pair. Returns (m, n * k), player by player.
Matrix antithetic_contributions(IndexMatrixIn orders, IndexMatrixIn twins, MatrixIn values, MatrixIn empty,
                                MatrixIn full);

}  // namespace pellucid
