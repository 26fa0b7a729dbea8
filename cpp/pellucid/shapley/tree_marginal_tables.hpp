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

class BlockTables {
  public:
    BlockTables(const Forest& forest, const MarginalPlan& plan, const TreeBackground& background,
                const CoalitionWeights& weights);

    // Sums over the subsets of every pattern, for each leaf of the block.
    void prepare(Index block);
    // Entries are the players of the block.
    void values(Index output, Index place, const TableRows& rows);
    // Entries are the pairs of players of the block, (0, 1), (0, 2), ..., (1, 2), ...
    void interactions(Index output, Index place, const TableRows& rows);

  private:
    const TableLeaf& leaf(Index i) const { return plan_.leaves[static_cast<std::size_t>(block_.first_leaf + i)]; }
    const LeafView* views(Index i) const { return plan_.views.data() + block_.first_view + (i << block_.questions); }
    std::int32_t own(const TableLeaf& leaf, Index i) const {
        return plan_.own[static_cast<std::size_t>(leaf.first_own + i)];
    }
    const double* sums(Index leaf, Index part) const { return sums_.data() + (leaf * weights_.parts() + part) * size_; }
    double* surface(Index i) { return surfaces_.data() + i * size_; }
    void clear_surfaces(Index count);
    // Adds scale * part of the leaf to a surface, seen as patterns of the block, without the leaf's own players `less`.
    void add(Index surface, Index leaf, Index part, double scale, std::uint32_t less);

    const Forest& forest_;
    const MarginalPlan& plan_;
    const TreeBackground& background_;
    const CoalitionWeights& weights_;
    const MarginalKernels& kernels_;
    TableBlock block_;
    Index size_ = 0;  // patterns of the block
    std::vector<std::int64_t> mass_;
    std::vector<double> game_, sums_, surfaces_;
};

}  // namespace pellucid
