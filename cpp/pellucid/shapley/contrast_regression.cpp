#include "pellucid/shapley/contrast_regression.hpp"

#include <algorithm>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"
#include "pellucid/regression/factor.hpp"

namespace pellucid {
namespace {

constexpr Index block_rows = 256;
constexpr Index super_blocks = 16;  // partial sums held at once: fixed, so that the bits are
constexpr double highest_leverage = 0.98;

// Rows of the regression with their weights and targets, for a stretch of pairs.
struct Stretch {
    Matrix a, y;
    Vector w;
};

Stretch stretch(const PairRows& rows, MatrixIn targets, MatrixIn gaps, MatrixIn contrasts, Index first, Index last) {
    const Index n = rows.players, count = last - first;
    Stretch s{Matrix(count, 2 * n), Matrix(count, targets.cols()), Vector(count)};
    s.a.leftCols(n) = rows.centred(first, count);
    for (Index i = 0; i < count; ++i) {
        const Index row = first + i, b = rows.draw[row];
        s.a.row(i).tail(n) = s.a.row(i).head(n).cwiseProduct(contrasts.row(b));
        for (Index o = 0; o < targets.cols(); ++o) s.y(i, o) = rows.target(targets, gaps, row, o);
        s.w[i] = rows.weight[row] * rows.draw_weights[b];
    }
    return s;
}

}  // namespace

ContrastRegression::ContrastRegression(const PairedDesign& design) : rows_(design) {}

ShapleyEstimate ContrastRegression::solve(MatrixIn targets, MatrixIn gaps, MatrixIn contrasts) const {
    const Index n = rows_.players, k = targets.cols(), total = rows_.size();
    rows_.check_shapes(targets, gaps);
    require(contrasts.rows() == rows_.draws && contrasts.cols() == n, "contrasts must be ", rows_.draws, " by ", n);
    require(contrasts.allFinite(), "contrasts must be finite");
    // The unit of a contrast changes nothing but the eigenvalues, where far units would pass for a singular design.
    const Eigen::RowVectorXd size = contrasts.cwiseAbs().colwise().maxCoeff();
    const Matrix scaled = contrasts.array().rowwise() / (size.array() > 0.0).select(size.array(), 1.0);

    const Index chunk = std::max(block_rows, (total + super_blocks - 1) / super_blocks);
    const auto chunks = static_cast<std::size_t>((total + chunk - 1) / chunk);
    const auto for_blocks = [&](Index first, Index last, const auto& body) {
        for (Index row = first; row < last; row += block_rows) {
            body(row, stretch(rows_, targets, gaps, scaled, row, std::min(row + block_rows, last)));
            poll_interrupt();
        }
    };

    std::vector<Matrix> grams(chunks), responses(chunks);
    parallel_for(total, chunk, [&](Index first, Index last) {
        Matrix gram = Matrix::Zero(2 * n, 2 * n), response = Matrix::Zero(2 * n, k);
        for_blocks(first, last, [&](Index, const Stretch& s) {
            const Matrix weighted = s.w.asDiagonal() * s.a;
            gram.triangularView<Eigen::Lower>() += weighted.transpose() * s.a;
            response.noalias() += weighted.transpose() * s.y;
        });
        grams[static_cast<std::size_t>(first / chunk)] = std::move(gram);
        responses[static_cast<std::size_t>(first / chunk)] = std::move(response);
    });
    for (std::size_t c = 1; c < chunks; ++c) {
        grams[0] += grams[c];
        responses[0] += responses[c];
    }
    grams[0].triangularView<Eigen::StrictlyUpper>() = grams[0].transpose();
    const Matrix inverse = RidgePath(grams[0]).inverse(0.0);
    const Matrix coefficients = inverse * responses[0];

    // values = D / n + P (c1 + mean z * c2) = D / n + spread * coefficients
    const Vector mean_contrast = scaled.transpose() * rows_.draw_weights;
    Matrix spread(n, 2 * n);
    spread.leftCols(n) = Matrix::Identity(n, n).array() - 1.0 / static_cast<double>(n);
    spread.rightCols(n) = spread.leftCols(n) * mean_contrast.asDiagonal();
    const Matrix to_values = spread * inverse;

    std::vector<Matrix> variances(chunks);
    parallel_for(total, chunk, [&](Index first, Index last) {
        Matrix variance = Matrix::Zero(n, k);
        for_blocks(first, last, [&](Index row, const Stretch& s) {
            const Vector leverage = (s.a * inverse).cwiseProduct(s.a).rowwise().sum().cwiseProduct(s.w);
            Matrix error = s.y - s.a * coefficients;
            for (Index i = 0; i < error.rows(); ++i) {
                const double scale = s.w[i] / (1.0 - std::min(leverage[i], highest_leverage));
                error.row(i) = rows_.missing[row + i] * scale * scale * error.row(i).cwiseAbs2();
            }
            variance.noalias() += (s.a * to_values.transpose()).cwiseAbs2().transpose() * error;
        });
        variances[static_cast<std::size_t>(first / chunk)] = std::move(variance);
    });
    for (std::size_t c = 1; c < chunks; ++c) variances[0] += variances[c];

    return {rows_.equal_split(gaps) + spread * coefficients, variances[0]};
}

}  // namespace pellucid
