// A forest as the kernels that evaluate it read it.
#pragma once

#include <cstdint>
#include <vector>

#include "pellucid/trees/cells.hpp"
#include "pellucid/trees/evaluation_kernels.hpp"
#include "pellucid/trees/forest.hpp"

namespace pellucid::evaluation {

// All nodes, numbered as in the forest.
struct WalkProgram {
    WalkProgram(const Forest& forest, const Cells& cells);

    std::vector<WalkNode> nodes;
    std::vector<WalkSet> sets;
};

// The trees of few leaves, whose leaves are numbered from left to right.
class MaskProgram {
  public:
    MaskProgram(const Forest& forest, const Cells& cells);

    bool holds(Index tree) const { return number_[static_cast<std::size_t>(tree)] >= 0; }
    const Tree64& tree(Index tree) const {
        return trees_[static_cast<std::size_t>(number_[static_cast<std::size_t>(tree)])];
    }
    // Of a tree: nodes of the forest that its leaves are, and their values where they have one each.
    const std::int32_t* leaf_nodes(Index tree) const {
        return leaf_nodes_.data() + first_leaf_[static_cast<std::size_t>(tree)];
    }
    const double* leaf_values(Index tree) const {
        return leaf_values_.data() + first_leaf_[static_cast<std::size_t>(tree)];
    }
    bool empty() const { return trees_.empty(); }
    bool wide() const { return wide_; }  // cells of two bytes
    const std::vector<Set64>& sets() const { return sets_; }
    const std::vector<std::uint16_t>& borders() const { return borders_; }

  private:
    bool takes(const Forest& forest, const Cells& cells, Index tree) const;
    void add(const Forest& forest, const Cells& cells, Index tree);
    std::int32_t add_set(const Cells& cells, const Cells::Rule& rule);

    bool wide_ = false;
    std::vector<std::int32_t> number_;
    std::vector<std::int64_t> first_leaf_;
    std::vector<Tree64> trees_;
    std::vector<Question64> questions_;
    std::vector<std::uint16_t> places_, borders_;
    std::vector<Set64> sets_;
    std::vector<std::int32_t> leaf_nodes_;
    std::vector<double> leaf_values_;
};

}  // namespace pellucid::evaluation
