#include "pellucid/shapley/tree_marginal_rows.hpp"

namespace pellucid {

const std::uint8_t* MarginalRows::answers(Index node, bool left) {
    answers_.resize(static_cast<std::size_t>(rows_));
    const Cells::Rule& rule = cells_.rule(node);
    const std::int32_t* const cells = of_rows_ + rule.slot * stride_;
    for (Index i = 0; i < rows_; ++i)
        answers_[static_cast<std::size_t>(i)] = cells_.goes_left(rule, cells[i]) == left ? 1 : 0;
    return answers_.data();
}

void MarginalRows::narrow(Index node, bool left, std::uint32_t bit, bool repeated, const std::uint32_t* from,
                          std::uint32_t* to) {
    const Cells::Rule& rule = cells_.rule(node);
    if (rule.set >= 0) return kernels_.narrow_by(answers(node, left), rows_, bit, repeated, from, to);
    const std::int32_t shift = rule.missing_left ? 1 : 0;
    kernels_.narrow({of_rows_ + rule.slot * stride_, shift, rule.cell + shift, left}, rows_, bit, repeated, from, to);
}

const std::uint64_t* MarginalRows::deep_patterns(const MarginalPlan& plan, const DeepLeaf& leaf) {
    const Index words = leaf.words();
    words_.assign(static_cast<std::size_t>(words * rows_), ~std::uint64_t{0});
    if (const Index rest = leaf.players % 64; rest > 0)
        for (Index i = 0; i < rows_; ++i)
            words_[static_cast<std::size_t>((i + 1) * words - 1)] = (std::uint64_t{1} << rest) - 1;
    for (Index c = leaf.first_condition; c < leaf.first_condition + leaf.conditions; ++c) {
        const PathCondition& condition = plan.conditions[static_cast<std::size_t>(c)];
        const std::uint8_t* const satisfied = answers(condition.node, condition.left);
        std::uint64_t* const word = words_.data() + condition.player / 64;
        for (Index i = 0; i < rows_; ++i)
            word[i * words] &= ~(static_cast<std::uint64_t>(1 - satisfied[i]) << (condition.player % 64));
    }
    return words_.data();
}

}  // namespace pellucid
