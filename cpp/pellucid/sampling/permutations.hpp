// Random orders of the players, and the coalitions that a player joins on the way through an order and back.
#pragma once

#include "pellucid/types.hpp"

namespace pellucid {

// Orders first .. first + count - 1 of the sequence that `seed` names, (count, players).
IndexMatrix random_permutations(std::uint64_t seed, Index players, Index first, Index count);

// For each order its n - 1 proper prefixes, then those of its antithetic twin: (count * 2 (n - 1), n). The twin is the
// reversed order where every order may be; Mitchell et al., JMLR 23 (2022).
Masks antithetic_coalitions(IndexMatrixIn orders, IndexMatrixIn twins);

// InputError unless both hold players, and have the same shape.
void require_orders(IndexMatrixIn orders, IndexMatrixIn twins);

// Which draw of the background the antithetic pairs first .. first + count - 1 are played against: systematic
// sampling of the weights, every cycle of `draws` pairs going through all draws of equal weight once.
Indices systematic_draws(std::uint64_t seed, VectorIn weights, Index first, Index count);

}  // namespace pellucid
