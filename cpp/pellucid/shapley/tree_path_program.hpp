// A tree as a list of steps for the kernel of path-dependent Shapley values.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "pellucid/shapley/quadrature.hpp"
#include "pellucid/shapley/tree_path_steps.hpp"
#include "pellucid/trees/cells.hpp"

namespace pellucid {

// Players of a forest: which, and the columns in which their results are gathered.
struct PathPlayers {
    Columns of_feature;
    std::vector<std::int32_t> column;  // of a player, -1 where no tree asks for it
    Index players = 0, used = 0;
};

// What is to be known of a tree before it is compiled.
struct PathSurvey {
    // Most splits, most distinct players and most splits of one player, on a path.
    std::int32_t depth = 0, players = 0, repeats = 0;
    std::int64_t splits = 0, leaves = 0;
    std::vector<std::pair<std::int32_t, std::int64_t>> splits_of;  // columns of its players, and their splits
    std::vector<double> base, largest;                             // per output: mean by cover, largest |value|
};
PathSurvey survey_paths(const Forest& forest, Index tree, const PathPlayers& players);

template <typename Scalar>
class PathProgram {
  public:
    PathProgram() = default;
    // Of one output of a tree. With pairs it is the one of interactions: no blocks, numbers without weights.
    PathProgram(const Forest& forest, const Cells& cells, const PathPlayers& players, const Quadrature& quadrature,
                Index tree, Index output, bool pairs);

    PathView<Scalar> view() const;

  private:
    template <typename>
    friend class PathCompiler;
    struct alignas(64) Line {
        Scalar of[64 / sizeof(Scalar)];
    };

    std::vector<PathOp> ops_;
    std::vector<PathBlock> blocks_;
    std::vector<Line> lines_;
    std::vector<Scalar> away_, weight_;
    const std::uint64_t* bits_ = nullptr;
    std::int64_t first_pair_ = 0;
    std::int32_t nodes_ = 0, slots_ = 0, depth_ = 0, places_ = 0;
};

// The least that a product of shares counts: an absolute change of less than anything a sum notices, and what it is
// divided by does not vanish.
template <typename Scalar>
constexpr double least_ratio = sizeof(Scalar) == 4 ? 1e-30 : 1e-100;

}  // namespace pellucid
