// How the rows of a table meet one tree: a list of steps without branches, the same for background and explained rows.
//
// A pattern says which of the players on a path a row satisfies, a player being satisfied where all its questions on
// the path are. The steps carry patterns of all rows from the root down, and end in blocks: subtrees of at most three
// splits, or single leaves, whose pattern is that of the path and the answers to their own questions. Of two children
// the one of fewer splits comes first, so that few patterns are kept at a time.
#pragma once

#include <cstdint>
#include <vector>

#include "pellucid/trees/cells.hpp"

namespace pellucid {

struct MarginalStep {
    enum class Kind : std::uint8_t { narrow, block, deep };
    Kind kind = Kind::narrow;
    bool left = false;      // narrow: the side that counts as satisfied
    bool repeated = false;  // narrow: the player is on the path already
    std::int32_t from = 0, to = 0;
    std::uint32_t bit = 0;
    Index node = 0;  // narrow: whose question
    Index item = 0;  // of blocks or deep leaves
};

// A leaf of a block, with the players that its path has beyond that of the block.
struct TableLeaf {
    Index node = 0, first_own = 0, own = 0;
};

// What a leaf sees of a pattern: path & keep, with these bits of its own players.
struct LeafView {
    std::uint32_t keep = 0, own = 0;
};

struct TableBlock {
    Index first_player = 0, path = 0, fresh = 0;  // players of the path, then those that are new in the block
    Index first_question = 0, questions = 0;      // nodes
    Index first_leaf = 0, leaves = 0;
    Index first_view = 0;  // [leaf][answers]
    Index bits() const { return path + questions; }
};

struct PathCondition {
    Index node = 0;
    std::int32_t player = 0;  // place on the path
    bool left = false;
};

// A leaf of too many players for a table.
struct DeepLeaf {
    Index node = 0, first_player = 0, players = 0, first_condition = 0, conditions = 0;
    Index words() const { return (players + 63) / 64; }
};

struct MarginalPlan {
    std::vector<MarginalStep> steps;
    std::vector<TableBlock> blocks;
    std::vector<TableLeaf> leaves;
    std::vector<LeafView> views;
    std::vector<Index> questions;
    std::vector<std::int32_t> players;  // of blocks and deep leaves
    std::vector<std::int32_t> own;      // of leaves: places among the new players of the block
    std::vector<DeepLeaf> deep;
    std::vector<PathCondition> conditions;
    Index buffers = 1;       // of patterns
    Index most_bits = 0;     // of a block
    Index most_players = 0;  // on a path, that of a deep leaf too
};

// player_of_slot names the player of each used feature; a path of more than table_players players is deep.
MarginalPlan plan_marginal(const Forest& forest, const Cells& cells, const std::vector<std::int32_t>& player_of_slot,
                           Index tree, Index table_players);

}  // namespace pellucid
