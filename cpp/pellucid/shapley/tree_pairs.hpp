// Exact baseline Shapley values of trees, for one explained row x against each background row b by itself.
//
// In the game of x and b a leaf is worth its value to the coalitions that hold all players A which its path decides
// for x and none of those it decides for b, B. With a = |A| and b = |B| every player of A gets
// (a - 1)! b! / (a + b)! of the value, and every player of B loses a! (b - 1)! / (a + b)! of it [lundberg2020].
// Only nodes that a row mixed from x and b can reach are visited. Where x and b part and the player is not decided yet,
// both ways are walked, and the sums of what the leaves below give to one more player of A or take from one of B are
// carried up, so that a leaf costs the same however long its path is.
#pragma once

#include "pellucid/trees/forest.hpp"
#include "pellucid/types.hpp"

namespace pellucid {

// x (d), background (B, d); player_of_feature (d), the player of each feature. Returns (B, players * k), player by
// player: margins of x less those of b, shared by the players; a player in whom x and b agree gets 0.
Matrix tree_pair_values(const Forest& forest, ColumnsIn player_of_feature, Index players, VectorIn x,
                        MatrixIn background);

}  // namespace pellucid
