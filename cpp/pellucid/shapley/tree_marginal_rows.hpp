// Rows on their way through the steps of a tree.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "pellucid/shapley/tree_marginal_kernels.hpp"
#include "pellucid/shapley/tree_marginal_plan.hpp"

namespace pellucid {

class MarginalRows {
  public:
    // cells[slot * stride + row]
    MarginalRows(const Cells& cells, const std::int32_t* of_rows, Index stride, Index rows)
        : cells_(cells), of_rows_(of_rows), stride_(stride), rows_(rows), kernels_(marginal_kernels()) {}

    Index rows() const { return rows_; }

    // Calls on_block(item, patterns), which may change the patterns, and on_deep(item).
    template <typename OnBlock, typename OnDeep>
    void walk(const MarginalPlan& plan, const OnBlock& on_block, const OnDeep& on_deep) {
        const auto size = static_cast<std::size_t>(plan.buffers * rows_);
        if (patterns_.size() < size) patterns_.resize(size);
        std::fill_n(patterns_.begin(), rows_, 0U);
        for (const MarginalStep& step : plan.steps) {
            if (step.kind == MarginalStep::Kind::deep) {
                on_deep(step.item);
                continue;
            }
            std::uint32_t* const to = buffer(step.to);
            if (step.kind == MarginalStep::Kind::narrow) {
                narrow(step.node, step.left, step.bit, step.repeated, buffer(step.from), to);
                continue;
            }
            const TableBlock& block = plan.blocks[static_cast<std::size_t>(step.item)];
            for (Index q = 0; q < block.questions; ++q)
                narrow(plan.questions[static_cast<std::size_t>(block.first_question + q)], true,
                       std::uint32_t{1} << (block.path + q), false, to, to);
            on_block(step.item, to);
        }
    }

    // words[row * leaf.words()]: the players of a deep leaf that a row satisfies.
    const std::uint64_t* deep_patterns(const MarginalPlan& plan, const DeepLeaf& leaf);

  private:
    std::uint32_t* buffer(std::int32_t i) { return patterns_.data() + static_cast<Index>(i) * rows_; }
    void narrow(Index node, bool left, std::uint32_t bit, bool repeated, const std::uint32_t* from, std::uint32_t* to);
    const std::uint8_t* answers(Index node, bool left);

    const Cells& cells_;
    const std::int32_t* of_rows_;
    Index stride_, rows_;
    const MarginalKernels& kernels_;
    std::vector<std::uint32_t> patterns_;
    std::vector<std::uint8_t> answers_;
    std::vector<std::uint64_t> words_;
};

}  // namespace pellucid
