// Random orders of the players, and the coalitions that a player joins on the way through an order and back.
#pragma once

#include "pellucid/types.hpp"

namespace pellucid {

// Orders first .. first + count - 1 of the sequence that `seed` names, (count, players).
IndexMatrix random_permutations(std::uint64_t seed, Index players, Index first, Index count);

// For each order the n - 1 proper prefixes, then the n - 1 proper suffixes shortest first (the prefixes of the
// reversed order): (count * 2 (n - 1), n). Antithetic pairs, Mitchell et al., JMLR 23 (2022).
Masks antithetic_coalitions(IndexMatrixIn orders);

// Which draw of the background the antithetic pairs first .. first + count - 1 are played against: systematic
// sampling of the weights, every cycle of `draws` pairs going through all draws of equal weight once.
Indices systematic_draws(std::uint64_t seed, VectorIn weights, Index first, Index count);

}  // namespace pellucid
