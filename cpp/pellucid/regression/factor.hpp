// A symmetric positive definite matrix, factorised once and solved many times.
#pragma once

#include "pellucid/types.hpp"

namespace pellucid {

class Factor {
  public:
    // Cholesky of gram + ridge I, by blocks of columns in parallel; Ctrl-C is answered between them. The reciprocal
    // condition number that Eigen estimates misses some singular Gram matrices, so the pivots are checked one by one:
    // throws NumericalError when one is below 1e-12 of its diagonal.
    Factor(MatrixIn gram, double ridge);

    Matrix solve(MatrixIn right) const;

    // argmin of the same quadratic with 1'B = total, by one Lagrange step: exact, where a large penalty is not.
    Matrix solve_with_total(MatrixIn right, VectorIn total) const;

  private:
    Matrix lower_;
};

// Ridge solutions for a whole grid from one eigendecomposition, and the generalised cross-validation that picks
// one: N RSS / (N - df)^2 with df = sum of l / (l + ridge). Golub, Heath and Wahba, Technometrics 21 (1979).
class RidgePath {
  public:
    explicit RidgePath(MatrixIn gram);

    struct Fit {
        Matrix coefficients;  // (p, k)
        Vector ridge;         // (k,), the ridge of each output
        Vector freedom;       // (k,), its degrees of freedom
    };

    // More than `most_eigen` coefficients: a factorisation per ridge and a trace by random probes (Hutchinson, Commun.
    // Statist. Simul. 19, 1990) take the place of the eigenvalues, whose cost could not be interrupted.
    static constexpr Index most_eigen = 400;
    static Fit solve_gcv_large(MatrixIn gram, MatrixIn right, VectorIn squares, Index rows);

    // `squares` = sum of w y^2 per output, `rows` = how many rows the Gram was summed over.
    Fit solve_gcv(MatrixIn right, VectorIn squares, Index rows) const;

    // Picks the way by the size of the Gram matrix.
    static Fit solve_gcv(MatrixIn gram, MatrixIn right, VectorIn squares, Index rows);

    // (gram + ridge I)^-1, the pseudo-inverse where ridge is 0.
    Matrix inverse(double ridge) const;

  private:
    Vector inverse_values(double ridge) const;

    Matrix vectors_;
    Vector values_;
};

}  // namespace pellucid
