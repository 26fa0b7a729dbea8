// Rows z of zeros and ones as the design of a local regression, eight to a byte.
//
// Sums over rows and products with matrices go by tables of bytes (the method of the four Russians): a row of p bits
// costs p / 8 additions of table rows in place of p products. The Gram matrix counts the ones of z_j AND z_k, 64 rows
// at a time, for each distinct weight; integer counts have no rounding and no order.
#pragma once

#include <vector>

#include "pellucid/types.hpp"

namespace pellucid {

class BinaryRows {
  public:
    // Those of the columns of z (m, p) that `columns` names; w sums to more than 0.
    BinaryRows(MasksIn z, VectorIn w, const std::vector<Index>& columns);

    Index size() const { return w_.size(); }
    Index columns() const { return columns_; }
    const Vector& mean() const { return mean_; }

    // sum of w (z - mean) (z - mean)', and below what its diagonal is rounding.
    Matrix gram() const;
    Vector floor() const;

    // sum of w z t' for t (m, L) whose columns have weighted sums of 0; L is a multiple of `lanes`.
    Matrix cross(const Matrix& t) const { return sums(t, false); }

    // out (m, L) += (z - mean) c for c (p, L).
    void add_product(const Matrix& c, Matrix& out) const;

    // (1, z_i) A^-1 (1, z_l)' from the influences A^-1 (1, z_l)' of row l = i ^ flip, the intercept last. Of every row,
    // or with flip = 1 of the even rows.
    Vector forms(const Matrix& influence, Index flip) const;

  private:
    struct Group {
        double weight;
        Index first, last;  // of the rows in `order`
    };
    std::vector<Group> groups_of_weights(std::vector<Index>& order) const;
    Matrix counted(const std::vector<Group>& groups, const std::vector<Index>& order) const;
    Matrix summed() const;
    // sum of w z t', where `upper` is set only entries with a column of at least `lanes * (row / lanes)`.
    Matrix sums(const Matrix& t, bool upper) const;

    Index columns_, stride_, bytes_;  // stride_: columns padded; bytes_: of a packed row
    Vector w_, mean_;
    std::vector<std::uint8_t> masks_;   // (m, stride_)
    std::vector<std::uint8_t> packed_;  // (bytes_, m): one byte of all rows after the other
};

}  // namespace pellucid
