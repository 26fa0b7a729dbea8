// One Shapley regression for all draws whose coefficients may move with the draw, for few pairs per draw.
//
//   t_b = D_b / n + P (c1 + z_b * c2)      P centres over the players
// z_b says how far the explained row is from draw b in each player's feature, so a model that is linear in its features
// is fitted without error from any few pairs, and a smooth one nearly so. Values: the mean of t_b over all draws,
// played or not. Variance: HC3 as in ClusterRegression, with the operators of this fit; a draw with a leverage above
// 1/2 adds what the fit without it gets wrong about it instead.
#pragma once

#include <vector>

#include "pellucid/shapley/estimate.hpp"
#include "pellucid/shapley/pair_rows.hpp"

namespace pellucid {

class ContrastRegression {
  public:
    explicit ContrastRegression(const PairedDesign& design);

    // targets (pairs, k), gaps (draws, k), contrasts (draws, players).
    ShapleyEstimate solve(MatrixIn targets, MatrixIn gaps, MatrixIn contrasts) const;

  private:
    template <typename Body>
    void for_draws(const Body& body) const;  // body(chunk, draw), in parallel over chunks of draws

    PairRows rows_;
    std::vector<Index> first_draw_;  // of every chunk, and one past the last
};

}  // namespace pellucid
