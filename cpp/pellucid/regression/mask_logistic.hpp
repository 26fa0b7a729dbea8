// A curve over a linear function of a mask, cross-fitted over blocks of consecutive rows:
//
//   g_f(z) = 1 / (1 + exp(-(a + z'b)))
//
// with (a, b) a weighted ridge fit of the logits of outputs within [0, 1]; weights w_i (y_i (1 - y_i) + .001), because
// a logit spreads by 1 / (y (1 - y)). It has no closed limit: that is estimated over a bank of masks of the target law,
// after the best quadratic in the logit has been taken out, whose limit is exact (mask_limit.hpp).
#pragma once

#include <vector>

#include "pellucid/types.hpp"

namespace pellucid {

class MaskLogistic {
  public:
    static constexpr double ridge = 1.0;
    static constexpr double floor = 1e-3;  // logits are taken of outputs within [floor, 1 - floor]

    // As MaskTrees; outputs (m, k) within [0, 1].
    MaskLogistic(MasksIn masks, MatrixIn outputs, VectorIn weights, const Indices& starts);

    Index blocks() const { return static_cast<Index>(fits_.size()); }
    Matrix evaluate(MasksIn masks, IndicesIn blocks) const;  // (m, k)

    // (p + 1, k) for one block; alpha (4, 4) or more, as in mask_limit.hpp.
    Matrix limits(Index block, MasksIn bank, VectorIn bank_weights, const Matrix& alpha, const Vector& inverse) const;

  private:
    std::vector<Matrix> fits_;  // of each block (p + 1, k)
};

}  // namespace pellucid
