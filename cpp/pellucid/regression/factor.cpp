#include "pellucid/regression/factor.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "pellucid/check.hpp"
#include "pellucid/eigenpairs.hpp"
#include "pellucid/parallel.hpp"
#include "pellucid/random.hpp"

namespace pellucid {
namespace {

constexpr Index panel = 96;
constexpr int probes = 16;
constexpr double smallest_pivot = 1e-12;
constexpr double smallest_eigenvalue = 1e-10;
constexpr int large_grid_size = 11;  // 1e-3 to 1e2, two steps a decade
constexpr int grid_size = 41;        // ridge from 1e-8 to 1e2 of the mean eigenvalue, four steps a decade

}  // namespace

Factor::Factor(MatrixIn gram, double ridge) : lower_(gram) {
    require(gram.rows() == gram.cols(), "gram must be square, got ", gram.rows(), " by ", gram.cols());
    require(std::isfinite(ridge) && ridge >= 0.0, "ridge must be a number >= 0, got ", ridge);
    lower_.diagonal().array() += ridge;
    const Vector diagonal = lower_.diagonal();
    const Index n = lower_.rows();
    for (Index k = 0; k < n; k += panel) {
        const Index width = std::min(panel, n - k), below = k + width;
        const Eigen::LLT<Matrix> corner(lower_.block(k, k, width, width));
        const Matrix top = corner.matrixL();
        const bool regular =
            corner.info() == Eigen::Success &&
            (top.diagonal().array().square() > smallest_pivot * diagonal.segment(k, width).array()).all();
        require<NumericalError>(regular, "the design is singular: draw more samples or set ridge > 0");
        lower_.block(k, k, width, width) = top;
        parallel_for(n - below, panel, [&](Index first, Index last) {
            auto rows = lower_.block(below + first, k, last - first, width);
            top.triangularView<Eigen::Lower>().transpose().solveInPlace<Eigen::OnTheRight>(rows);
        });
        parallel_for(n - below, panel, [&](Index first, Index last) {
            lower_.block(below + first, below, last - first, last).noalias() -=
                lower_.block(below + first, k, last - first, width) * lower_.block(below, k, last, width).transpose();
        });
        poll_interrupt();
    }
}

Matrix Factor::solve(MatrixIn right) const {
    Matrix solution = lower_.triangularView<Eigen::Lower>().solve(right);
    lower_.triangularView<Eigen::Lower>().transpose().solveInPlace(solution);
    return solution;
}

Matrix Factor::solve_with_total(MatrixIn right, VectorIn total) const {
    const Matrix free = solve(right);
    const Vector direction = solve(Vector::Ones(right.rows()));
    const Vector gap = total - free.colwise().sum().transpose();
    return free + direction * gap.transpose() / direction.sum();
}

RidgePath::RidgePath(MatrixIn gram) {
    const Eigenpairs eigen = eigenpairs(gram);
    require<NumericalError>(eigen.converged, "the eigenvalues of the design did not converge");
    vectors_ = eigen.vectors;
    values_ = eigen.values.cwiseMax(0.0);
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
            const double residual =
                squares[o] - 2.0 * rotated_fit.dot(rotated.col(o)) + rotated_fit.cwiseAbs2().dot(values_);
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

RidgePath::Fit RidgePath::solve_gcv_large(MatrixIn gram, MatrixIn right, VectorIn squares, Index rows) {
    const Index p = gram.rows(), k = right.cols();
    Matrix signs(p, probes);
    for (Index j = 0; j < p; ++j) {
        RowStream stream(0, 0, static_cast<std::uint64_t>(j), StreamOf::probes);
        for (int c = 0; c < probes; ++c) signs(j, c) = stream.bits() >> 63 ? 1.0 : -1.0;
    }
    const double scale = gram.trace() / static_cast<double>(p);
    Fit fit{Matrix::Zero(p, k), Vector::Zero(k), Vector::Zero(k)};
    Vector best = Vector::Constant(k, std::numeric_limits<double>::infinity());
    for (int g = 0; g < large_grid_size; ++g) {
        const double ridge = scale * std::pow(10.0, -3.0 + 0.5 * g);
        const Factor factor(gram, ridge);
        // df = p - ridge tr (G + ridge I)^-1
        const double trace = signs.cwiseProduct(factor.solve(signs)).sum() / probes;
        const double freedom = static_cast<double>(p) - ridge * trace;
        const double left = static_cast<double>(rows) - freedom;
        if (left <= 0.0) continue;
        const Matrix solution = factor.solve(right);
        const Matrix image = gram * solution;
        for (Index o = 0; o < k; ++o) {
            const double residual =
                squares[o] - 2.0 * solution.col(o).dot(right.col(o)) + solution.col(o).dot(image.col(o));
            const double score = std::max(residual, 0.0) / (left * left);
            if (score >= best[o]) continue;
            best[o] = score;
            fit.ridge[o] = ridge;
            fit.freedom[o] = freedom;
            fit.coefficients.col(o) = solution.col(o);
        }
    }
    return fit;
}

RidgePath::Fit RidgePath::solve_gcv(MatrixIn gram, MatrixIn right, VectorIn squares, Index rows) {
    require<NumericalError>(right.allFinite() && squares.allFinite(), "the responses are not finite");
    if (gram.rows() > most_eigen) return solve_gcv_large(gram, right, squares, rows);
    return RidgePath(gram).solve_gcv(right, squares, rows);
}

Matrix RidgePath::inverse(double ridge) const {
    return vectors_ * inverse_values(ridge).asDiagonal() * vectors_.transpose();
}

}  // namespace pellucid
