#include "pellucid/shapley/contrast_regression.hpp"

#include <algorithm>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"
#include "pellucid/regression/factor.hpp"

namespace pellucid {
namespace {

constexpr Index chunks_at_most = 16;  // partial sums held at once: fixed, so that the bits are
// Above it the fit follows the pairs of a draw whatever they say, and their residuals tell nothing.
constexpr double highest_trusted_leverage = 0.5;
constexpr double least_freedom = 1e-6;  // of a direction of the residuals: below it they are rounding

// The pairs of one draw: u (m, n) centred, y (m, k) and the weights w (m,), the weight of the draw included.
struct PairsOfDraw {
    Matrix u, y;
    Vector w;
};

PairsOfDraw pairs_of(const PairRows& rows, MatrixIn targets, MatrixIn gaps, Index draw) {
    const Index first = rows.draw_start[draw], count = rows.draw_start[draw + 1] - first;
    PairsOfDraw pairs{rows.centred(first, count), Matrix(count, targets.cols()), Vector(count)};
    for (Index i = 0; i < count; ++i) {
        pairs.w[i] = rows.weight[first + i] * rows.draw_weights[draw];
        for (Index o = 0; o < targets.cols(); ++o) pairs.y(i, o) = rows.target(targets, gaps, first + i, o);
    }
    return pairs;
}

// [I; diag(z)] M [I, diag(z)] for a (2n, 2n) matrix M in blocks: what M says about u alone, for a draw with contrast z.
Matrix folded(const Matrix& m, const Vector& z) {
    const Index n = z.size();
    return m.topLeftCorner(n, n) + m.topRightCorner(n, n) * z.asDiagonal() +
           z.asDiagonal() * (m.bottomLeftCorner(n, n) + m.bottomRightCorner(n, n) * z.asDiagonal());
}

// The variance that one draw adds when it is judged by the fit to all other draws: its residuals without it are
// (I - H)^-1 e with H = W^1/2 U Q U' W^1/2 (CR3 of Bell and McCaffrey, Survey Methodology 28, 2002). A draw far from
// all others would otherwise be fitted without error from a handful of pairs, and pass for known.
Matrix left_out_variance(const PairsOfDraw& pairs, const Matrix& q, const Matrix& operators, const Matrix& error) {
    const Vector root = pairs.w.cwiseSqrt();
    const Eigen::MatrixXd rows = root.asDiagonal() * pairs.u;
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(rows * q * rows.transpose());
    const Vector freedom = (1.0 - eigen.eigenvalues().array()).max(least_freedom);
    const Eigen::MatrixXd rotated = eigen.eigenvectors().transpose() * (root.asDiagonal() * error);
    const Matrix left_out = root.asDiagonal() * (eigen.eigenvectors() * freedom.cwiseInverse().asDiagonal() * rotated);
    // The errors of a draw have one cause and add up; where they cancel by chance, they count one by one.
    const Matrix together = (operators.transpose() * left_out).cwiseAbs2();
    return together.cwiseMax(operators.cwiseAbs2().transpose() * left_out.cwiseAbs2());
}

}  // namespace

ContrastRegression::ContrastRegression(const PairedDesign& design) : rows_(design) {
    const Index per_chunk = (rows_.size() + chunks_at_most - 1) / chunks_at_most;
    first_draw_.push_back(0);
    for (Index b = 1; b <= rows_.draws; ++b)
        if (b == rows_.draws || rows_.draw_start[b] - rows_.draw_start[first_draw_.back()] >= per_chunk)
            first_draw_.push_back(b);
}

template <typename Body>
void ContrastRegression::for_draws(const Body& body) const {
    const auto chunks = static_cast<Index>(first_draw_.size()) - 1;
    parallel_for(chunks, 1, [&](Index c, Index) {
        for (Index b = first_draw_[c]; b < first_draw_[c + 1]; ++b) {
            body(static_cast<std::size_t>(c), b);
            poll_interrupt();
        }
    });
}

ShapleyEstimate ContrastRegression::solve(MatrixIn targets, MatrixIn gaps, MatrixIn contrasts) const {
    const Index n = rows_.players, k = targets.cols();
    rows_.check_shapes(targets, gaps);
    require(contrasts.rows() == rows_.draws && contrasts.cols() == n, "contrasts must be ", rows_.draws, " by ", n);
    require(contrasts.allFinite(), "contrasts must be finite");
    // The unit of a contrast changes nothing but the eigenvalues, where far units would pass for a singular design.
    const Eigen::RowVectorXd size = contrasts.cwiseAbs().colwise().maxCoeff();
    const Matrix scaled = contrasts.array().rowwise() / (size.array() > 0.0).select(size.array(), 1.0);

    // A row of the regression is [u, z u] with z the contrast of its draw, so the sums over the pairs of a draw are
    // those of u alone, scaled: a regression of 2n coefficients for the price of one of n.
    const std::size_t chunks = first_draw_.size() - 1;
    std::vector<Matrix> grams(chunks, Matrix::Zero(2 * n, 2 * n)), responses(chunks, Matrix::Zero(2 * n, k));
    for_draws([&](std::size_t chunk, Index b) {
        if (rows_.draw_start[b] == rows_.draw_start[b + 1]) return;
        const PairsOfDraw pairs = pairs_of(rows_, targets, gaps, b);
        const Vector z = scaled.row(b);
        const Matrix weighted = pairs.w.asDiagonal() * pairs.u;
        const Matrix gram = weighted.transpose() * pairs.u;
        const Matrix response = weighted.transpose() * pairs.y;
        grams[chunk].topLeftCorner(n, n) += gram;
        grams[chunk].bottomLeftCorner(n, n) += z.asDiagonal() * gram;
        grams[chunk].bottomRightCorner(n, n) += z.asDiagonal() * gram * z.asDiagonal();
        responses[chunk].topRows(n) += response;
        responses[chunk].bottomRows(n) += z.asDiagonal() * response;
    });
    for (std::size_t c = 1; c < chunks; ++c) {
        grams[0] += grams[c];
        responses[0] += responses[c];
    }
    grams[0].topRightCorner(n, n) = grams[0].bottomLeftCorner(n, n).transpose();
    const Matrix inverse = RidgePath(grams[0]).inverse(0.0);
    const Matrix coefficients = inverse * responses[0];

    // values = D / n + P (c1 + mean z * c2) = D / n + spread * coefficients
    const Vector mean_contrast = scaled.transpose() * rows_.draw_weights;
    Matrix spread(n, 2 * n);
    spread.leftCols(n) = Matrix::Identity(n, n).array() - 1.0 / static_cast<double>(n);
    spread.rightCols(n) = spread.leftCols(n) * mean_contrast.asDiagonal();
    const Matrix to_values = spread * inverse;

    std::vector<Matrix> variances(chunks, Matrix::Zero(n, k));
    for_draws([&](std::size_t chunk, Index b) {
        const PairsOfDraw pairs = pairs_of(rows_, targets, gaps, b);
        const Vector z = scaled.row(b);
        const Matrix fit = coefficients.topRows(n) + z.asDiagonal() * coefficients.bottomRows(n);
        const Matrix own_inverse = folded(inverse, z);
        if (pairs.w.size() == 0) {
            // Not played: nothing tells what the fit gets wrong about a draw that would have moved it.
            const double pair_weight = rows_.draw_weights[b] / std::max(rows_.expected[b], 1.0);
            if (pair_weight * own_inverse.trace() > 1.0) {
                const Matrix centred = fit.rowwise() - fit.colwise().mean();
                variances[chunk] += (rows_.draw_weights[b] * centred).cwiseAbs2();
            }
            return;
        }
        const Vector leverage = (pairs.u * own_inverse).cwiseProduct(pairs.u).rowwise().sum().cwiseProduct(pairs.w);
        const Matrix operators =
            pairs.u * (to_values.leftCols(n) + to_values.rightCols(n) * z.asDiagonal()).transpose();
        Matrix error = pairs.y - pairs.u * fit;
        if (leverage.maxCoeff() > highest_trusted_leverage) {
            // A draw of which every pair was played cannot change any more.
            const auto first = rows_.missing.begin() + rows_.draw_start[b];
            const double missing = *std::max_element(first, first + error.rows());
            variances[chunk] += missing * left_out_variance(pairs, own_inverse, operators, error);
            return;
        }
        for (Index i = 0; i < error.rows(); ++i) {
            const double scale = pairs.w[i] / (1.0 - leverage[i]);
            error.row(i) = rows_.missing[rows_.draw_start[b] + i] * scale * scale * error.row(i).cwiseAbs2();
        }
        variances[chunk].noalias() += operators.cwiseAbs2().transpose() * error;
    });
    for (std::size_t c = 1; c < chunks; ++c) variances[0] += variances[c];
    return {rows_.equal_split(gaps) + spread * coefficients, variances[0]};
}

}  // namespace pellucid
