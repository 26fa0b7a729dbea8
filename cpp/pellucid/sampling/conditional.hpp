// Rows completed by what a normal law says of the unknown columns U once the columns S of a coalition are known.
//
// Matheron's rule: if b has the law N(mu, Sigma), then b_U + Sigma_US Sigma_SS^-1 (x_S - b_S) has the law of X_U given
// X_S = x_S. A completed row is therefore b + A_S (x - b)_S with x itself on S, and the operator A_S belongs to the
// coalition alone: one Cholesky factorisation serves all draws b and all rows x.
//
// Interventions, do(X_S = x_S), are the same with another operator. The columns form components in causal order; those
// of U in a component are completed from all columns of earlier components, known or completed, and from those of S in
// their own component unless a common cause confounds it. The residual b_U - A b is independent of what it is
// conditioned on, so the steps may follow each other: Heskes, Sijben, Bucur and Claassen, "Causal Shapley values",
// NeurIPS 2020. A single component without confounding is conditioning.
#pragma once

#include <vector>

#include "pellucid/sampling/mask_cache.hpp"
#include "pellucid/types.hpp"

namespace pellucid {

class GaussianCompletion {
  public:
    // covariance (d, d), positive definite on the columns whose variance is positive; the others are constant, tell
    // nothing and are told nothing. part_of_column (d,) and component_of_column (d,) count from 0; confounded has an
    // entry for each component. Operators are kept up to `cache_bytes`.
    GaussianCompletion(MatrixIn covariance, ColumnsIn part_of_column, Index parts, ColumnsIn component_of_column,
                       ColumnsIn confounded, Index cache_bytes);

    // Row i completes x under mask i with draw chosen[i].
    void compose(VectorIn x, MatrixIn draws, MasksIn masks, IndicesIn chosen, MatrixOut out);

    // The same for every mask with each of the draws first_draw .. first_draw + draw_count - 1, mask by mask.
    void compose_grid(VectorIn x, MatrixIn draws, MasksIn masks, Index first_draw, Index draw_count, MatrixOut out);

    // A_S (d, d) of each mask in turn, zero but for the columns of S: its row c is what column c gains per unit of x -
    // b.
    Matrix operators(MasksIn masks) const;

  private:
    struct Operator {
        std::vector<Index> known, unknown;
        Matrix gains;  // (known, unknown)
    };

    Operator make(const std::uint8_t* mask) const;
    static void complete(const Operator& by, const double* x, const double* draw, std::vector<double>& gained,
                         double* out);
    // The same for consecutive draws, to the bit.
    static void complete_run(const Operator& by, const double* x, MatrixIn draws, std::vector<double>& scratch,
                             MatrixOut out);
    std::vector<const Operator*> kept(MasksIn masks);
    void check(VectorIn x, MatrixIn draws, MasksIn masks) const;

    Matrix covariance_;
    std::vector<std::int32_t> part_;
    std::vector<std::vector<Index>> components_;
    std::vector<bool> confounded_;
    Index parts_;
    MaskCache<Operator> cache_;
};

}  // namespace pellucid
