// Ridge fits for a whole grid from one tridiagonal form G = Q T Q': after O(p^3) once, a ridge costs O(p) for the
// degrees of freedom and O(p) an output for the residual, where eigenvalues would cost several times as much. Elden,
// "A note on the computation of the generalized cross-validation function", BIT 24 (1984).
#pragma once

#include "pellucid/types.hpp"

namespace pellucid {

class TridiagonalRidge {
  public:
    TridiagonalRidge(MatrixIn gram, MatrixIn right);  // (p, p), (p, k)

    // tr G (G + ridge I)^-1
    double freedom(double ridge) const;
    // y'y - 2 a'r + a'G a with a = (G + ridge I)^-1 r, for each output; squares = y'y (k)
    Vector residual_squares(double ridge, VectorIn squares) const;

  private:
    Vector diagonal_, beside_;
    Matrix rotated_;  // Q' right
};

}  // namespace pellucid
