// One Shapley regression for all draws: a mixed-effects model whose draws borrow strength from each other.
//
//   t_b = D_b / n + P_b (X_b c + delta_b),  X_b = [I, diag(z_b)],  delta_b ~ N(0, s^2 / lambda)
// P_b centres over the players that are active under draw b; z_b says how far the explained row is from the draw in
// each player's feature. c is shared and never shrunk, delta_b is what a draw has of its own: lambda -> 0 is a
// regression for every draw, lambda -> infinity one whose coefficients move with z. lambda is chosen by restricted
// maximum likelihood (Patterson and Thompson, Biometrika 58, 1971) for every output, among those that leave a quarter
// of the pairs as degrees of freedom of the residuals, without which a fit that interpolates would pass for one without
// error.
//
// Values: the mean of t_b over all draws, played or not; a draw of which every pair was played has its exact t_b. The
// bias of each, which is much the same under all draws, is taken off as in ClusterRegression.
// Variance: HC3 as in ClusterRegression, with the operators of this fit. A draw that moves the shared coefficients so
// much that it fits itself adds what the fit without it gets wrong about it instead.
#pragma once

#include <vector>

#include "pellucid/shapley/estimate.hpp"
#include "pellucid/shapley/pair_rows.hpp"

namespace pellucid {

struct MixedEstimate : ShapleyEstimate {
    Vector shrinkage;         // (k,), lambda of each output
    Vector residual_squares;  // (k,), weighted squares that the fit leaves, over those of the targets
};

class MixedRegression {
  public:
    // shrink: with effects of the draws, which costs an eigendecomposition for each; otherwise lambda = infinity.
    MixedRegression(const PairedDesign& design, bool shrink);

    // targets (pairs, k), gaps (draws, k), contrasts (draws, players) or (draws, 0) for X_b = I.
    MixedEstimate solve(MatrixIn targets, MatrixIn gaps, MatrixIn contrasts) const;

    // What the fit with these lambdas (k,) leaves of the targets, (pairs, k) in the order of the design.
    Matrix residuals(MatrixIn targets, MatrixIn gaps, MatrixIn contrasts, VectorIn shrinkage) const;
    Vector pair_weights() const;  // in the order of the design
    // The pairs of the design in an order that does not depend on how it grew: by draw, then by size.
    Indices order() const { return Eigen::Map<const Indices>(rows_.position.data(), rows_.size()); }

  private:
    friend class MixedFit;
    void check(MatrixIn targets, MatrixIn gaps, MatrixIn contrasts) const;

    PairRows rows_;
    bool shrink_;
    std::vector<double> scale_;             // of the weights of a draw: its expected pairs over their mean
    std::vector<Eigen::MatrixXd> vectors_;  // (draws), the range of G_b = sum w u u' over its pairs,
    std::vector<Vector> values_;            // and its eigenvalues; empty without `shrink`
    std::vector<Index> first_draw_;         // of every chunk, and one past the last
};

}  // namespace pellucid
