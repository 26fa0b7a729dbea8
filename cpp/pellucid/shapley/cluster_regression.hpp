// Shapley regression with one fit for each draw of the background, or one fit for all of them.
//
// The design does not depend on the row explained: the factorisations, the leverages h and the linear operators
// L = weight G^-1 u of all pairs are computed once and serve every row and every output. The variance is the
// sandwich HC3 with a finite-population factor: sum over pairs of missing L^2 e^2 / (1 - h)^2, so what is
// enumerated contributes nothing. MacKinnon and White, J. Econometrics 29 (1985).
//
// A fit to a sample is biased, because the same pairs make G and the right side: to first order in 1 / pairs by minus
// the expectation of sum missing h L e. Only pairs of sizes whose lines differ leave it over. It is much the same under
// all draws and does not average out, so sum missing h L e is added; it is zero where all pairs are in, and where all
// leverages are equal.
#pragma once

#include <optional>
#include <vector>

#include "pellucid/regression/factor.hpp"
#include "pellucid/shapley/estimate.hpp"
#include "pellucid/shapley/pair_rows.hpp"

namespace pellucid {

class ClusterRegression {
  public:
    // by_draw: a fit for each draw (every draw needs enough pairs), otherwise one for all.
    ClusterRegression(const PairedDesign& design, bool by_draw);

    // targets (pairs, k): (v(S) - v(complement)) / 2 in the order of the design; gaps (draws, k): D_b.
    ShapleyEstimate solve(MatrixIn targets, MatrixIn gaps) const;

  private:
    struct Block {
        Index cluster, first, last;
    };
    void factorise(Index cluster, Index first, Index last);
    void prepare_operators();
    Matrix solve_centred(Index cluster, const std::vector<Matrix>& parts) const;
    double row_weight(Index row) const;
    ShapleyEstimate solve_cluster(Index cluster, MatrixIn targets, MatrixIn gaps) const;

    PairRows rows_;
    bool by_draw_;
    std::vector<std::optional<Factor>> factors_;
    Vector cluster_weight_;
    std::vector<Block> blocks_;             // of rows, cluster by cluster
    std::vector<Index> cluster_blocks_;     // the first block of every cluster, and one past the last
    std::vector<double> bias_weight_;       // w missing h of every row
    std::vector<float> squared_operators_;  // (rows, stride), missing L^2 / (1 - h)^2; float is ample for a variance
};

}  // namespace pellucid
