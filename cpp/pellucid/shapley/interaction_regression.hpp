// The pairwise Shapley interaction index from paired coalitions, by a regression and what it leaves over.
//
// Dividing the terms of I_ij (interaction_rows.hpp) by e_bs, the expected pairs, instead of by all there are, is an
// estimate without bias; its variance is that of h (Horvitz and Thompson, J. Am. Stat. Assoc. 47, 1952). So cuts are
// fitted first, and the sum corrects what they leave:
//   I = sum_b w_b (c + d_b) + sum over pairs of a_s / e_bs (h - fitted h),   fitted h_b = U (c + d_b),
// with ridge penalties on c, which all draws have in common, and on d_b, the draw's own. Residuals are those of the
// fit without the pair itself, e / (1 - leverage): the fit is then independent of what it is corrected by, and there
// is next to no bias, however few the pairs and whatever the penalties. Where a size was played whole there is nothing
// to leave out, and with all sizes so the result is exact. It is exact too where a draw has a regular fit of its own
// and the game no interactions of four players or more. Variance: sum of missing (a_s / e_bs)^2 (e / (1 - leverage))^2.
// The result is linear in the game, and the design costs its factorisations once.
#pragma once

#include <optional>
#include <vector>

#include "pellucid/regression/factor.hpp"
#include "pellucid/shapley/interaction_rows.hpp"

namespace pellucid {

class InteractionRegression {
  public:
    // As InteractionRows; from `enough` pairs for each edge on the fit of a draw has no ridge.
    InteractionRegression(MasksIn masks, IndicesIn draws, VectorIn expected, MasksIn active, VectorIn draw_weights,
                          double enough);

    // "by draw": every draw has a fit of its own, without ridge. "shrunk": ridges, toward the common fit where there
    // are many draws. "none": a fit would take more than 3 10^10 operations, so h itself is summed.
    const char* kind() const { return !fitted_ ? "none" : shrunk_ ? "shrunk" : "by draw"; }

    // targets (pairs, k): h, in the order of the masks.
    InteractionEstimate solve(MatrixIn targets) const;

  private:
    struct Own {  // the system of one draw, T = (I + U U' / ridge)^-1
        double ridge = 0.0;
        bool in_rows = false;          // whether it has as many equations as rows, or as edges
        std::optional<Factor> factor;  // of I + U U' / ridge, or of U'U + ridge I
    };
    struct OwnFit {
        Matrix error;         // T y (count, k)
        Matrix coefficients;  // d (edges, k)
    };

    void choose_ridges(double pairs_per_edge);
    void factorise();
    void find_leverages();
    Matrix reduced(Index b, const Matrix& u) const;
    OwnFit own_fit(Index b, const Matrix& y) const;
    Matrix common_fit(const std::vector<Matrix>& y) const;
    template <typename Body>
    void for_draws(const Body& body) const;  // body(chunk, draw), in parallel over chunks of draws
    template <typename Body>
    void for_blocks(Index b, const Body& body) const;  // body(first, U of so many rows from there)

    InteractionRows rows_;
    bool fitted_ = false, shrunk_ = false, common_ = false;
    std::vector<Own> own_;
    std::vector<Index> first_draw_;  // of every chunk, and one past the last
    double common_ridge_ = 0.0;
    std::optional<Factor> common_factor_;  // of sum_b U' T U + ridge I
    Vector leverage_;
};

}  // namespace pellucid
