// Boosted regression trees on masks, cross-fitted over blocks of consecutive rows, whose linear limit is exact.
//
//   g_f(z) = sum over trees of the value of the leaf that z falls into        f: a block the trees have not seen
//
// Squared loss with weights, after a linear fit has been taken out: trees find what is not linear. A tree grows best
// first to `leaves` leaves, at most `most_depth` splits deep; a leaf holds at least the weight of `least_weight` mean
// rows, and moves by `rate` of its mean residual. Friedman, Annals of Statistics 29 (2001). On binary features the sums
// of a node over {z_j = 1} are all there is to know; they are summed row by row, in the order of the rows, for all j at
// once, and those of the larger child are the parent's less its sibling's. Cost: about trees (m + leaves) p / 8 steps.
//
// A leaf is a product of parts, on for A and off for B, so its limit is a closed form: see mask_limit.hpp.
#pragma once

#include <vector>

#include "pellucid/regression/mask_limit.hpp"
#include "pellucid/types.hpp"

namespace pellucid {

class MaskTrees {
  public:
    static constexpr Index leaves = 15;
    static constexpr Index most_depth = 8;
    static constexpr double least_weight = 5.0;
    static constexpr double rate = 0.1;
    static constexpr double ridge = 1.0;

    // masks (m, p) of 0 and 1; targets (m, k); weights (m) >= 0; block f is rows starts[f] .. starts[f + 1] - 1.
    MaskTrees(MasksIn masks, MatrixIn targets, VectorIn weights, const Indices& starts, Index trees);

    Index blocks() const { return blocks_; }

    // (m, k) for any masks, by the trees that have not seen the block (m).
    Matrix evaluate(MasksIn masks, IndicesIn blocks) const;

    // (p + 1, k): intercept and coefficients of the limit of the trees of one block.
    Matrix limits(Index block, const Matrix& alpha, const Vector& inverse) const;

  private:
    // A leaf has feature -1; a split sends z_feature = 0 to `child` and z_feature = 1 to `child` + 1.
    struct Node {
        Index feature = -1;
        Index child = 0;
        double value = 0.0;
    };
    using Tree = std::vector<Node>;
    friend class TreeGrower;

    const std::vector<Tree>& trees(Index block, Index output) const {
        return trees_[static_cast<std::size_t>(block * outputs_ + output)];
    }

    Index parts_, outputs_, blocks_;
    std::vector<std::vector<Tree>> trees_;
};

}  // namespace pellucid
