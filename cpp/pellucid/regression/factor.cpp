#include "pellucid/regression/factor.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "pellucid/check.hpp"

namespace pellucid {
namespace {

constexpr double smallest_pivot = 1e-12;
constexpr double smallest_eigenvalue = 1e-10;
constexpr int grid_size = 41;  // ridge from 1e-8 to 1e2 of the mean eigenvalue, four steps a decade

}  // namespace

Factor::Factor(MatrixIn gram, double ridge) {
    require(gram.rows() == gram.cols(), "gram must be square, got ", gram.rows(), " by ", gram.cols());
    require(std::isfinite(ridge) && ridge >= 0.0, "ridge must be a number >= 0, got ", ridge);
    Matrix damped = gram;
    damped.diagonal().array() += ridge;
    cholesky_.compute(damped);
    const Vector pivots = cholesky_.matrixLLT().diagonal().array().square();
    const bool regular = cholesky_.info() == Eigen::Success &&
                         (pivots.array() > smallest_pivot * damped.diagonal().array()).all();
    require<NumericalError>(regular, "the design is singular: draw more samples or set ridge > 0");
}

Matrix Factor::solve(MatrixIn right) const {
    return cholesky_.solve(right);
}

Matrix Factor::solve_with_total(MatrixIn right, VectorIn total) const {
    const Matrix free = cholesky_.solve(right);
    const Vector direction = cholesky_.solve(Vector::Ones(right.rows()));
    const Vector gap = total - free.colwise().sum().transpose();
    return free + direction * gap.transpose() / direction.sum();
}

Matrix Factor::inverse() const {
    return cholesky_.solve(Matrix::Identity(cholesky_.rows(), cholesky_.rows()));
}

RidgePath::RidgePath(MatrixIn gram) {
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(gram);
    require<NumericalError>(eigen.info() == Eigen::Success, "the eigenvalues of the design did not converge");
    vectors_ = eigen.eigenvectors();
    values_ = eigen.eigenvalues().cwiseMax(0.0);
}

Vector RidgePath::inverse_values(double ridge) const {
    const double floor = smallest_eigenvalue * values_.maxCoeff();
    return values_.unaryExpr([&](double value) { return value + ridge > floor ? 1.0 / (value + ridge) : 0.0; });
}

RidgePath::Fit RidgePath::solve_gcv(MatrixIn right, VectorIn squares, Index rows) const {
    const Matrix rotated = vectors_.transpose() * right;
    const double scale = values_.mean();
    Fit fit{Matrix::Zero(right.rows(), right.cols()), Vector::Zero(right.cols()), Vector::Zero(right.cols())};
    for (Index o = 0; o < right.cols(); ++o) {
        double best = std::numeric_limits<double>::infinity();
        for (int g = 0; g < grid_size; ++g) {
            const double ridge = scale * std::pow(10.0, -8.0 + 0.25 * g);
            const Vector inverse = inverse_values(ridge);
            const Vector rotated_fit = inverse.cwiseProduct(rotated.col(o));
            const double freedom = inverse.dot(values_);
            const double left = static_cast<double>(rows) - freedom;
            if (left <= 0.0) continue;
            const double residual = squares[o] - 2.0 * rotated_fit.dot(rotated.col(o)) +
                                    rotated_fit.cwiseAbs2().dot(values_);
            const double score = std::max(residual, 0.0) / (left * left);
            if (score < best) {
                best = score;
                fit.ridge[o] = ridge;
                fit.freedom[o] = freedom;
                fit.coefficients.col(o) = vectors_ * rotated_fit;
            }
        }
    }
    return fit;
}

Matrix RidgePath::inverse(double ridge) const {
    return vectors_ * inverse_values(ridge).asDiagonal() * vectors_.transpose();
}

}  // namespace pellucid
