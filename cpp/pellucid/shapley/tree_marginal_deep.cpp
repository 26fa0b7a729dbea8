#include "pellucid/shapley/tree_marginal_deep.hpp"

#include <algorithm>
#include <bit>

namespace pellucid {
namespace {

void add_members(const std::uint64_t* words, Index count, std::vector<std::int32_t>& members) {
    for (Index w = 0; w < count; ++w)
        for (std::uint64_t rest = words[w]; rest != 0; rest &= rest - 1)
            members.push_back(static_cast<std::int32_t>(64 * w + std::countr_zero(rest)));
}

}  // namespace

DeepPatterns deep_background(const MarginalPlan& plan, const TreeBackground& background, Index item) {
    const auto i = static_cast<std::size_t>(item);
    const DeepLeaf& leaf = plan.deep[i];
    return {leaf.players, background.deep_starts[i + 1] - background.deep_starts[i], leaf.words(),
            background.deep_words.data() + background.deep_word_starts[i],
            background.deep_weights.data() + background.deep_starts[i]};
}

DeepPairs::DeepPairs(const DeepPatterns& background, const BetaWeights& beta, bool interactions)
    : background_(background), beta_(beta), interactions_(interactions) {
    const Index p = background.players;
    result_.resize(static_cast<std::size_t>(interactions ? p * (p - 1) / 2 : p));
    across_.resize(static_cast<std::size_t>(interactions ? p : 0));
    failed_.reserve(static_cast<std::size_t>(p));
    weights_.reserve(static_cast<std::size_t>(background.count));
    member_starts_.push_back(0);
    for (Index i = 0; i < background.count; ++i) {
        weights_.push_back(static_cast<double>(background.units[i]) * weight_unit);
        add_members(background.failed + i * background.words, background.words, members_);
        member_starts_.push_back(static_cast<Index>(members_.size()));
    }
}

bool DeepPairs::meet(const std::uint64_t* satisfied) {
    const Index words = background_.words;
    failed_.clear();
    bool any = false;
    for (Index i = 0; i < background_.count; ++i) {
        const std::uint64_t* const pattern = background_.failed + i * words;
        std::uint64_t outside = 0;
        for (Index w = 0; w < words; ++w) outside |= pattern[w] & ~satisfied[w];
        if (outside != 0) continue;
        if (!any) {
            any = true;
            std::fill(result_.begin(), result_.end(), 0.0);
            std::fill(across_.begin(), across_.end(), 0.0);
            of_failed_ = 0.0;
            for (Index j = 0; j < background_.players; ++j)
                if (((satisfied[j / 64] >> (j % 64)) & 1) == 0) failed_.push_back(static_cast<std::int32_t>(j));
        }
        const auto at = static_cast<std::size_t>(i);
        const Index a = member_starts_[at + 1] - member_starts_[at], b = static_cast<Index>(failed_.size());
        if (interactions_)
            add_pairs(i, weights_[at], a, b);
        else
            add_values(i, weights_[at], a, b);
    }
    if (any && interactions_) finish_pairs();
    if (any && !interactions_) finish_values();
    return any;
}

void DeepPairs::add_values(Index pattern, double weight, Index a, Index b) {
    if (b > 0) of_failed_ += weight * beta_(a, b - 1);
    if (a == 0) return;
    const double share = weight * beta_(a - 1, b);
    const auto first = members_.begin() + member_starts_[static_cast<std::size_t>(pattern)];
    for (auto i = first; i != first + a; ++i) result_[static_cast<std::size_t>(*i)] += share;
}

void DeepPairs::finish_values() {
    for (const std::int32_t i : failed_) result_[static_cast<std::size_t>(i)] = -of_failed_;
}

void DeepPairs::add_pairs(Index pattern, double weight, Index a, Index b) {
    if (b > 1) of_failed_ += weight * beta_(a, b - 2);
    const auto first = members_.begin() + member_starts_[static_cast<std::size_t>(pattern)];
    if (a > 0 && b > 0) {
        const double share = weight * beta_(a - 1, b - 1);
        for (auto i = first; i != first + a; ++i) across_[static_cast<std::size_t>(*i)] += share;
    }
    if (a < 2) return;
    const double share = weight * beta_(a - 2, b);
    const Index p = background_.players;
    for (auto i = first; i != first + a; ++i) {
        const Index row = Index{*i} * (2 * p - *i - 1) / 2 - *i - 1;
        for (auto j = i + 1; j != first + a; ++j) result_[static_cast<std::size_t>(row + *j)] += share;
    }
}

void DeepPairs::finish_pairs() {
    const Index p = background_.players;
    const auto at = [p](Index i, Index j) { return static_cast<std::size_t>(i * (2 * p - i - 1) / 2 + j - i - 1); };
    for (std::size_t f = 0; f < failed_.size(); ++f) {
        const Index failed = failed_[f];
        for (std::size_t g = f + 1; g < failed_.size(); ++g) result_[at(failed, failed_[g])] = of_failed_;
        for (Index i = 0; i < p; ++i) {
            if (std::binary_search(failed_.begin(), failed_.end(), static_cast<std::int32_t>(i))) continue;
            result_[at(std::min(i, failed), std::max(i, failed))] = -across_[static_cast<std::size_t>(i)];
        }
    }
}

}  // namespace pellucid
