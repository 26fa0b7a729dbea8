#include "pellucid/regression/weighted_least_squares.hpp"

#include <algorithm>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"

namespace pellucid {

WeightedLeastSquares::WeightedLeastSquares(Index features, Index outputs) {
    require(features >= 1 && outputs >= 1, "features and outputs must be positive, got ", features, " and ", outputs);
    z_.resize(chunk, features);
    y_.resize(chunk, outputs);
    w_.resize(chunk);
    sums_ = {Matrix::Zero(features, features), Matrix::Zero(features, outputs), Vector::Zero(outputs)};
}

void WeightedLeastSquares::Sums::add(MatrixIn z, MatrixIn y, VectorIn w) {
    const Matrix weighted = w.asDiagonal() * z;
    gram.triangularView<Eigen::Lower>() += weighted.transpose() * z;
    response.noalias() += weighted.transpose() * y;
    squares.noalias() += y.cwiseAbs2().transpose() * w;
}

void WeightedLeastSquares::add(MatrixIn z, MatrixIn y, VectorIn w) {
    require(z.cols() == z_.cols(), "z must have ", z_.cols(), " columns, got ", z.cols());
    require(y.cols() == y_.cols(), "y must have ", y_.cols(), " columns, got ", y.cols());
    require(y.rows() == z.rows() && w.size() == z.rows(), "z, y and w must have the same rows, got ", z.rows(), ", ",
            y.rows(), " and ", w.size());
    require((w.array() >= 0.0).all() && w.allFinite(), "w must be finite and not negative");
    require(z.allFinite() && y.allFinite(), "z and y must be finite");
    for (Index row = 0; row < z.rows();) {
        const Index take = std::min(z.rows() - row, chunk - pending_);
        z_.middleRows(pending_, take) = z.middleRows(row, take);
        y_.middleRows(pending_, take) = y.middleRows(row, take);
        w_.segment(pending_, take) = w.segment(row, take);
        pending_ += take;
        row += take;
        if (pending_ == chunk) {
            sums_.add(z_, y_, w_);
            pending_ = 0;
            poll_interrupt();
        }
    }
    rows_ += z.rows();
}

WeightedLeastSquares::Sums WeightedLeastSquares::total() const {
    Sums all = sums_;
    if (pending_ > 0) all.add(z_.topRows(pending_), y_.topRows(pending_), w_.head(pending_));
    all.gram.triangularView<Eigen::StrictlyUpper>() = all.gram.transpose();
    return all;
}

Matrix WeightedLeastSquares::gram() const {
    return total().gram;
}
Matrix WeightedLeastSquares::response() const {
    return total().response;
}
Vector WeightedLeastSquares::squares() const {
    return total().squares;
}

Matrix WeightedLeastSquares::solve(double ridge) const {
    const Sums all = total();
    return Factor(all.gram, ridge).solve(all.response);
}

Matrix WeightedLeastSquares::solve_with_total(double ridge, VectorIn sums) const {
    require(sums.size() == y_.cols(), "total must have ", y_.cols(), " entries, got ", sums.size());
    const Sums all = total();
    return Factor(all.gram, ridge).solve_with_total(all.response, sums);
}

RidgePath::Fit WeightedLeastSquares::solve_gcv() const {
    const Sums all = total();
    return RidgePath::solve_gcv(all.gram, all.response, all.squares, rows_);
}

}  // namespace pellucid
