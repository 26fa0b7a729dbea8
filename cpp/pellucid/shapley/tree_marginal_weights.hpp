// Weights of coalitions in the Shapley value and the interaction index of one leaf.
//
// The leaf's game, for a row that satisfies the players p of its path, is v(S) = [S within p] G(S), G(S) being the
// weight of the background rows that satisfy all players but those of S. With w(s) = s! (k - s - 1)! / k!,
//     P(p) = sum over S within p of w(|S| - 1) G(S),   M(p) = sum over S within p of (w(|S| - 1) + w(|S|)) G(S),
// phi_i = P(p) - M(p without i), whether p has i or not. With w2(s) = s! (k - s - 2)! / (k - 1)! and U, V, W the same
// sums under w2(|S| - 2), w2(|S| - 2) + w2(|S| - 1) and w2(|S| - 2) + 2 w2(|S| - 1) + w2(|S|),
//     I_ij = U(p) - V(p without i) - V(p without j) + W(p without both).
// All terms of these sums are positive, so that each is as exact as its numbers.
#pragma once

#include <vector>

#include "pellucid/types.hpp"

namespace pellucid {

class CoalitionWeights {
  public:
    // For up to most_players players; pairs: of U, V and W instead of P and M.
    CoalitionWeights(Index most_players, bool pairs);

    Index parts() const { return parts_; }
    // 2^players weights, one for each coalition.
    const double* of(Index players, Index part) const {
        return weights_.data() + parts_ * ((Index{1} << players) - 1) + part * (Index{1} << players);
    }

  private:
    Index parts_;
    std::vector<double> weights_;
};

// x! y! / (x + y + 1)! for x + y < size.
class BetaWeights {
  public:
    explicit BetaWeights(Index size);
    double operator()(Index x, Index y) const { return weights_[static_cast<std::size_t>(x * size_ + y)]; }

  private:
    Index size_;
    std::vector<double> weights_;
};

}  // namespace pellucid
