// A background as a tree sees it: for each of its blocks the patterns that occur, and their weights.
#pragma once

#include <cstdint>
#include <vector>

#include "pellucid/shapley/tree_marginal_rows.hpp"

namespace pellucid {

// Weights of the background are whole multiples of this, so that adding them up is exact in any order.
constexpr double weight_unit = 0x1p-62;

struct TreeBackground {
    std::vector<Index> starts;              // (blocks + 1) in patterns
    std::vector<std::uint32_t> patterns;    // of path and answers
    std::vector<std::int64_t> weights;      // in units
    std::vector<Index> deep_starts;         // (deep leaves + 1) in deep_weights
    std::vector<Index> deep_word_starts;    // (deep leaves + 1) in deep_words
    std::vector<std::uint64_t> deep_words;  // players not satisfied
    std::vector<std::int64_t> deep_weights;
};

// Patterns of rows of weights `units` (not negative); rows of weight 0 leave none.
TreeBackground tree_background(const MarginalPlan& plan, MarginalRows& rows, const std::vector<std::int64_t>& units);

}  // namespace pellucid
