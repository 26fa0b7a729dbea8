// Leaves with too many players for a table: every pattern of a row meets every pattern of the background.
//
// A pair of patterns matters where the players the background row fails, a of them, are all satisfied by the explained
// row, which fails b others. Then the leaf's game is v(S) = [the a within S, none of the b in S], and with
// beta(x, y) = x! y! / (x + y + 1)! the a have beta(a - 1, b) each and the b have -beta(a, b - 1); pairs of players
// interact by beta(a - 2, b), beta(a, b - 2), and -beta(a - 1, b - 1) across.
#pragma once

#include <cstdint>
#include <vector>

#include "pellucid/shapley/tree_marginal_background.hpp"
#include "pellucid/shapley/tree_marginal_weights.hpp"

namespace pellucid {

// The patterns of a background at a deep leaf.
struct DeepPatterns {
    Index players, count, words;
    const std::uint64_t* failed;  // (count, words)
    const std::int64_t* units;    // (count)
};

DeepPatterns deep_background(const MarginalPlan& plan, const TreeBackground& background, Index item);

class DeepPairs {
  public:
    DeepPairs(const DeepPatterns& background, const BetaWeights& beta, bool interactions);

    // Of a row that satisfies these players, for a leaf of value 1: one number for each player, or for each pair
    // (0, 1), (0, 2), ..., (1, 2), ...; false where all are 0.
    bool meet(const std::uint64_t* satisfied);
    const double* result() const { return result_.data(); }
    Index size() const { return static_cast<Index>(result_.size()); }

  private:
    void add_values(Index pattern, double weight, Index a, Index b);
    void add_pairs(Index pattern, double weight, Index a, Index b);
    void finish_values();
    void finish_pairs();

    const DeepPatterns background_;
    const BetaWeights& beta_;
    const bool interactions_;
    std::vector<double> weights_, result_, across_;
    std::vector<std::int32_t> members_, failed_;  // players of each pattern; those the row fails
    std::vector<Index> member_starts_;
    double of_failed_ = 0.0;
};

}  // namespace pellucid
