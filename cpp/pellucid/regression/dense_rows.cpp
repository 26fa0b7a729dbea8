#include "pellucid/regression/dense_rows.hpp"

#include "pellucid/regression/tile_product.hpp"

namespace pellucid {

DenseRows::DenseRows(MatrixIn z, VectorIn w, const std::vector<Index>& columns)
    : w_(w), mean_(static_cast<Index>(columns.size())) {
    const Index m = z.rows(), p = this->columns();
    centred_ = Matrix::Zero(m, padded(p));
    for (Index i = 0; i < m; ++i)
        for (Index j = 0; j < p; ++j) centred_(i, j) = z(i, columns[static_cast<std::size_t>(j)]);
    // Twice, and from the first row on: the mean of a column far from 0 is then as exact as its spread.
    const Vector first = centred_.row(0);
    centred_.rowwise() -= first.transpose();
    const Vector shift = centred_.transpose() * w_ / w_.sum();
    centred_.rowwise() -= shift.transpose();
    mean_ = (first + shift).head(p);
}

Matrix DenseRows::gram() const {
    Matrix sum = Matrix::Zero(centred_.cols(), centred_.cols());
    add_cross(centred_, w_, centred_, true, sum);
    sum.triangularView<Eigen::StrictlyLower>() = sum.transpose();
    return sum.topLeftCorner(columns(), columns());
}

Matrix DenseRows::cross(const Matrix& t) const {
    Matrix sum = Matrix::Zero(centred_.cols(), t.cols());
    add_cross(centred_, w_, t, false, sum);
    return sum.topRows(columns());
}

void DenseRows::add_product(const Matrix& c, Matrix& out) const {
    add_rows(centred_, c, false, out);
}

Vector DenseRows::forms(const Matrix& influence, Index flip) const {
    const Index p = columns();
    const double intercept = 1.0 / w_.sum();
    Vector form = Vector::Zero(size());
    for (Index i = 0; i + flip < size(); i += 1 + flip)
        form[i] = intercept + centred_.row(i).head(p).dot(influence.row(i + flip).head(p));
    return form;
}

}  // namespace pellucid
