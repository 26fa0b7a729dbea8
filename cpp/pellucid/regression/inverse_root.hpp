#pragma once

#include <vector>

#include "pellucid/types.hpp"

namespace pellucid {

// R with R R' = S^-1 for a symmetric S >= 0. Columns are first divided by their root of S_jj, so units do not matter.
//
// A column with S_jj <= floor_j holds nothing but rounding: its row of R is 0 (`empty`). Where the others are
// collinear, a pivot of the Cholesky factorisation below 1e-11, R R' is the pseudo-inverse in those units, that is
// the fit of minimum norm, from the eigenvalues above 1e-11 of the largest (`singular`).
struct InverseRoot {
    InverseRoot(const Matrix& s, const Vector& floor);

    Matrix root;  // (p, p)
    std::vector<Index> empty;
    Index rank;
    bool singular;
};

}  // namespace pellucid
