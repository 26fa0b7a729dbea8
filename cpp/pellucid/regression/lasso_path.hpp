// The lasso for every penalty at once, from the Gram matrix: Efron, Hastie, Johnstone and Tibshirani, "Least angle
// regression", Annals of Statistics 32 (2004), with the lasso modification.
//
//   minimise 1/2 b'Gb - c'b + lambda |b|_1       is linear in lambda between the knots that are returned
//
// Cost O(steps p^2). Exact ties enter one after the other, by steps of length zero.
#pragma once

#include "pellucid/types.hpp"

namespace pellucid {

struct LassoPath {
    Vector lambdas;       // (t,) knots, falling from max |c| to 0
    Matrix coefficients;  // (t, p) at the knots, exact zeros where a column is not in
    bool complete;        // false when ties sent the path round in circles; the knots so far are right
};

// gram (p, p) of centred columns, response (p,). A column that is a combination of the active ones (pivot below 1e-10
// of its diagonal) stays out, and so does a constant one.
LassoPath lasso_path(MatrixIn gram, VectorIn response);

// The last knot with at most k columns: the rule of the package lime for its feature selection by the lasso.
Index last_knot_of_size(const LassoPath& path, Index k);

}  // namespace pellucid
