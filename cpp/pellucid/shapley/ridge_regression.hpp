// One Shapley regression for all draws where there are too few pairs for least squares.
//
// Ridge by generalised cross-validation, shrinking toward an equal split of D. No variance: the shrinkage has a bias
// that the pairs cannot tell.
#pragma once

#include "pellucid/shapley/pair_rows.hpp"
#include "pellucid/types.hpp"

namespace pellucid {

class RidgeRegression {
  public:
    explicit RidgeRegression(const PairedDesign& design);

    // targets (pairs, k), gaps (draws, k); returns the values (players, k).
    Matrix solve(MatrixIn targets, MatrixIn gaps) const;

  private:
    PairRows rows_;
};

}  // namespace pellucid
