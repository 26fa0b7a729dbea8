// What a block adds to the values of a row, for every pattern that occurs among the rows.
#pragma once

#include <cstdint>
#include <vector>

#include "pellucid/shapley/tree_marginal_background.hpp"
#include "pellucid/shapley/tree_marginal_weights.hpp"

namespace pellucid {

// Where the numbers of a block go in a row of a table: entry i at places[i] + output.
struct TableRows {
    const std::uint32_t* seen;  // patterns
    Index count;
    const Index* places;
    Index width;
    double* out;  // (count, width), zeros
};

// Sums over the subsets of every pattern, for each leaf of a block: what only the background decides.
class LeafSums {
  public:
    explicit LeafSums(const CoalitionWeights& weights) : weights_(weights), kernels_(marginal_kernels()) {}

    // (leaves + 1) where those of each leaf of a tree begin, [part][pattern].
    std::vector<Index> starts(const MarginalPlan& plan) const;
    // Of the leaves of one block, the first at `out`.
    void fill(const MarginalPlan& plan, const TreeBackground& background, Index block, double* out);

  private:
    const CoalitionWeights& weights_;
    const MarginalKernels& kernels_;
    std::vector<std::int64_t> mass_;
    std::vector<double> game_;
};

class BlockTables {
  public:
    BlockTables(const Forest& forest, const CoalitionWeights& weights);

    // What is asked next is about blocks of this tree; `kept` are the sums of all its leaves, or null.
    void enter(const MarginalPlan& plan, const TreeBackground& background, const double* kept);
    void prepare(Index block);
    // Entries are the players of the block.
    void values(Index output, Index place, const TableRows& rows);
    // Entries are the pairs of players of the block, (0, 1), (0, 2), ..., (1, 2), ...
    void interactions(Index output, Index place, const TableRows& rows);

  private:
    const TableLeaf& leaf(Index i) const { return plan_->leaves[static_cast<std::size_t>(block_.first_leaf + i)]; }
    const LeafView* views(Index i) const { return plan_->views.data() + block_.first_view + (i << block_.questions); }
    std::int32_t own(const TableLeaf& leaf, Index i) const {
        return plan_->own[static_cast<std::size_t>(leaf.first_own + i)];
    }
    const double* sums(Index l, Index part) const {
        const auto place = static_cast<std::size_t>(block_.first_leaf + l);
        return of_block_ + (starts_[place] - starts_[static_cast<std::size_t>(block_.first_leaf)]) +
               (part << (block_.path + leaf(l).own));
    }
    void values_of_surfaces(Index output, Index place, const TableRows& rows);
    void values_of_row(Index output, std::uint32_t pattern, const Index* places, double* out) const;
    double* surface(Index i) { return surfaces_.data() + i * size_; }
    void clear_surfaces(Index count);
    // Adds scale * part of the leaf to a surface, seen as patterns of the block, without the leaf's own players `less`.
    void add(Index surface, Index leaf, Index part, double scale, std::uint32_t less);

    const Forest& forest_;
    const CoalitionWeights& weights_;
    const MarginalKernels& kernels_;
    LeafSums filler_;
    const MarginalPlan* plan_ = nullptr;
    const TreeBackground* background_ = nullptr;
    const double *kept_ = nullptr, *of_block_ = nullptr;
    TableBlock block_;
    Index size_ = 0;  // patterns of the block
    std::vector<Index> starts_;
    std::vector<double> sums_, surfaces_;
};

}  // namespace pellucid
