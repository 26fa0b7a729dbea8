// The tables of a small subtree: what comes up from it for each answer to its questions, per node of the quadrature.
#pragma once

#include <vector>

#include "pellucid/shapley/tree_path_program.hpp"

namespace pellucid {

// A subtree laid open: its leaves with the edges that lead to them.
struct OpenBlock {
    struct Edge {
        std::int32_t split, player;  // numbered within the block
        bool left;
        double share;
    };
    struct Leaf {
        double value;
        Edge edges[block_answers];
        int depth;
    };
    Leaf leaves[block_answers + 1];
    int leaf_count = 0, splits = 0, players = 0, held = 0;
    int held_at[block_answers] = {};   // of a player: which of the held, -1 where it is new
    double ratio[block_answers] = {};  // of a player above the block, 1 where it is new
};

// tables[(1 + players) q + 0]: S, so that E = G S; [.. + 1 + j]: U of player j, whose part is sum_q G U. `above` is the
// product of f1 over the players above.
template <typename Scalar>
void fill_block(const OpenBlock& block, const Quadrature& quadrature, const double* above, double least,
                Scalar* tables);

}  // namespace pellucid
