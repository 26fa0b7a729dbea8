#include "pellucid/regression/tridiagonal_ridge.hpp"

#include <algorithm>

#include "pellucid/check.hpp"

namespace pellucid {

TridiagonalRidge::TridiagonalRidge(MatrixIn gram, MatrixIn right) {
    require(gram.rows() == gram.cols() && gram.rows() >= 1, "gram must be square, got ", gram.rows(), " by ",
            gram.cols());
    require(right.rows() == gram.rows(), "right must have ", gram.rows(), " rows, got ", right.rows());
    const Eigen::Tridiagonalization<Eigen::MatrixXd> form{Eigen::MatrixXd(gram)};
    diagonal_ = form.diagonal();
    beside_ = form.subDiagonal();
    rotated_ = form.matrixQ().adjoint() * Eigen::MatrixXd(right);
}

double TridiagonalRidge::freedom(double ridge) const {
    // The pivots of T + ridge I from above and from below meet in the diagonal of its inverse.
    const Index p = diagonal_.size();
    Vector below(p);
    below[p - 1] = diagonal_[p - 1] + ridge;
    for (Index i = p - 1; i-- > 0;) below[i] = diagonal_[i] + ridge - beside_[i] * beside_[i] / below[i + 1];
    double above = diagonal_[0] + ridge, trace = 1.0 / below[0];
    for (Index i = 1; i < p; ++i) {
        above = diagonal_[i] + ridge - beside_[i - 1] * beside_[i - 1] / above;
        trace += 1.0 / (above + below[i] - diagonal_[i] - ridge);
    }
    return static_cast<double>(p) - ridge * trace;
}

Vector TridiagonalRidge::residual_squares(double ridge, VectorIn squares) const {
    const Index p = diagonal_.size(), k = rotated_.cols();
    Vector pivot(p);
    Matrix a = rotated_;
    pivot[0] = diagonal_[0] + ridge;
    for (Index i = 1; i < p; ++i) {
        const double factor = beside_[i - 1] / pivot[i - 1];
        pivot[i] = diagonal_[i] + ridge - factor * beside_[i - 1];
        a.row(i) -= factor * a.row(i - 1);
    }
    a.row(p - 1) /= pivot[p - 1];
    for (Index i = p - 1; i-- > 0;) a.row(i) = (a.row(i) - beside_[i] * a.row(i + 1)) / pivot[i];
    // a'G a = a'r - ridge a'a
    Vector result(k);
    for (Index o = 0; o < k; ++o)
        result[o] = std::max(0.0, squares[o] - a.col(o).dot(rotated_.col(o)) - ridge * a.col(o).squaredNorm());
    return result;
}

}  // namespace pellucid
