#include "pellucid/shapley/ridge_regression.hpp"

#include <algorithm>

#include "pellucid/regression/factor.hpp"

namespace pellucid {
namespace {

constexpr Index block_rows = 256;

}  // namespace

RidgeRegression::RidgeRegression(const PairedDesign& design) : rows_(design) {
    rows_.require_all_active();
}

Matrix RidgeRegression::solve(MatrixIn targets, MatrixIn gaps) const {
    rows_.check_shapes(targets, gaps);
    const Index n = rows_.players, k = targets.cols();
    Matrix gram = Matrix::Zero(n, n), response = Matrix::Zero(n, k);
    Vector squares = Vector::Zero(k);
    for (Index first = 0; first < rows_.size(); first += block_rows) {
        const Index count = std::min(block_rows, rows_.size() - first);
        const Matrix u = rows_.centred(first, count);
        Vector w(count);
        Matrix y(count, k);
        for (Index i = 0; i < count; ++i) {
            w[i] = rows_.weight[first + i] * rows_.draw_weights[rows_.draw[first + i]];
            for (Index o = 0; o < k; ++o) y(i, o) = rows_.target(targets, gaps, first + i, o);
        }
        add_gram(u, w, gram);
        response.noalias() += u.transpose() * w.asDiagonal() * y;
        squares.noalias() += y.cwiseAbs2().transpose() * w;
    }
    gram.triangularView<Eigen::StrictlyUpper>() = gram.transpose();
    Matrix fit = RidgePath::solve_gcv(gram, response, squares, rows_.size()).coefficients;
    fit.rowwise() -= fit.colwise().mean();
    return rows_.equal_split(gaps) + fit;
}

}  // namespace pellucid
