// Rows z of numbers as the design of a local regression, centred once: the same members as BinaryRows.
#pragma once

#include <vector>

#include "pellucid/types.hpp"

namespace pellucid {

class DenseRows {
  public:
    // Those of the columns of z (m, p) that `columns` names; w sums to more than 0.
    DenseRows(MatrixIn z, VectorIn w, const std::vector<Index>& columns);

    Index size() const { return centred_.rows(); }
    Index columns() const { return mean_.size(); }
    const Vector& mean() const { return mean_; }

    // sum of w (z - mean) (z - mean)', and below what its diagonal is rounding.
    Matrix gram() const;
    Vector floor() const { return Vector::Zero(columns()); }

    // sum of w z t' for t (m, L) whose columns have weighted sums of 0; L is a multiple of `lanes`.
    Matrix cross(const Matrix& t) const;

    // out (m, L) += (z - mean) c for c (p, L).
    void add_product(const Matrix& c, Matrix& out) const;

    // (1, z_i) A^-1 (1, z_l)' from the influences A^-1 (1, z_l)' of row l = i ^ flip, the intercept last. Of every row,
    // or with flip = 1 of the even rows.
    Vector forms(const Matrix& influence, Index flip) const;

  private:
    Vector w_, mean_;
    Matrix centred_;  // (m, columns padded with 0)
};

}  // namespace pellucid
