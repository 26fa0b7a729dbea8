// Weighted ridge regression fed batch by batch; memory is O(p^2 + p k), never O(n).
//   argmin_B  sum_i w_i |y_i - z_i B|^2 + ridge |B|^2      z_i: (p,)  y_i: (k,)  B: (p, k)
// Rows are summed in chunks aligned to their absolute number, so the bits do not depend on the batches.
#pragma once

#include "pellucid/regression/factor.hpp"
#include "pellucid/types.hpp"

namespace pellucid {

class WeightedLeastSquares {
  public:
    WeightedLeastSquares(Index features, Index outputs);

    void add(MatrixIn z, MatrixIn y, VectorIn w);  // (n, p), (n, k), (n,)

    Matrix solve(double ridge) const;                             // (p, k)
    Matrix solve_with_total(double ridge, VectorIn total) const;  // columns sum to total (k,) exactly
    RidgePath::Fit solve_gcv() const;                             // the ridge by generalised cross-validation

    Index rows() const { return rows_; }
    Matrix gram() const;      // sum w z z'
    Matrix response() const;  // sum w z y'
    Vector squares() const;   // sum w y^2 per output

  private:
    static constexpr Index chunk = 256;

    struct Sums {
        Matrix gram, response;
        Vector squares;
        void add(MatrixIn z, MatrixIn y, VectorIn w);
    };
    Sums total() const;

    Index rows_ = 0, pending_ = 0;
    Matrix z_, y_;  // the rows of the chunk that is not full yet
    Vector w_;
    Sums sums_;
};

}  // namespace pellucid
