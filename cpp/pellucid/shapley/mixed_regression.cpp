#include "pellucid/shapley/mixed_regression.hpp"

#include <algorithm>
#include <cmath>

#include "pellucid/check.hpp"
#include "pellucid/eigenpairs.hpp"
#include "pellucid/parallel.hpp"
#include "pellucid/shapley/mixed_fit.hpp"

namespace pellucid {
namespace {

constexpr Index chunks_at_most = 16;  // partial sums held at once: fixed, so that the bits are

// The eigenvectors of G = rows' rows with eigenvalues above rounding; through rows rows' where that is smaller.
void spectrum_of(const Eigen::MatrixXd& rows, Eigen::MatrixXd& vectors, Vector& values) {
    const bool dual = rows.rows() < rows.cols();
    const Eigen::MatrixXd gram =
        dual ? Eigen::MatrixXd(rows * rows.transpose()) : Eigen::MatrixXd(rows.transpose() * rows);
    const Eigenpairs eigen = eigenpairs(gram);
    const Index size = gram.rows();
    const double least = 1e-8 * std::max(eigen.values[size - 1], 1e-300);
    Index rank = 0;
    while (rank < size && eigen.values[size - 1 - rank] > least) ++rank;
    values = eigen.values.tail(rank);
    vectors = eigen.vectors.rightCols(rank);
    if (dual) vectors = rows.transpose() * vectors * values.cwiseSqrt().cwiseInverse().asDiagonal();
}

}  // namespace

MixedRegression::MixedRegression(const PairedDesign& design, bool shrink) : rows_(design), shrink_(shrink) {
    double total = 0.0, playing = 0.0;
    for (Index b = 0; b < rows_.draws; ++b) {
        total += rows_.expected[b];
        playing += rows_.expected[b] > 0.0 ? 1.0 : 0.0;
    }
    for (Index b = 0; b < rows_.draws; ++b) scale_.push_back(rows_.expected[b] * playing / total);
    const Index per_chunk = (rows_.size() + chunks_at_most - 1) / chunks_at_most;
    first_draw_.push_back(0);
    for (Index b = 1; b <= rows_.draws; ++b)
        if (b == rows_.draws || rows_.draw_start[b] - rows_.draw_start[first_draw_.back()] >= per_chunk)
            first_draw_.push_back(b);
    if (!shrink) return;
    vectors_.resize(static_cast<std::size_t>(rows_.draws));
    values_.resize(static_cast<std::size_t>(rows_.draws));
    parallel_for(rows_.draws, 1, [&](Index b, Index) {
        const Index first = rows_.draw_start[b], count = rows_.draw_start[b + 1] - first;
        if (count == 0) {
            vectors_[b].resize(static_cast<Index>(rows_.active[b].size()), 0);
            values_[b].resize(0);
            return;
        }
        Vector root(count);
        for (Index i = 0; i < count; ++i) root[i] = std::sqrt(rows_.weight[first + i] * scale_[b]);
        spectrum_of(root.asDiagonal() * rows_.centred_active(b), vectors_[b], values_[b]);
        poll_interrupt();
    });
}

void MixedRegression::check(MatrixIn targets, MatrixIn gaps, MatrixIn contrasts) const {
    rows_.check_shapes(targets, gaps);
    require(contrasts.rows() == rows_.draws && (contrasts.cols() == rows_.players || contrasts.cols() == 0),
            "contrasts must be ", rows_.draws, " by ", rows_.players, " or ", rows_.draws, " by 0");
    require(contrasts.allFinite(), "contrasts must be finite");
}

MixedEstimate MixedRegression::solve(MatrixIn targets, MatrixIn gaps, MatrixIn contrasts) const {
    check(targets, gaps, contrasts);
    return MixedFit(*this, targets, gaps, contrasts).estimate();
}

Matrix MixedRegression::residuals(MatrixIn targets, MatrixIn gaps, MatrixIn contrasts, VectorIn shrinkage) const {
    check(targets, gaps, contrasts);
    require(shrinkage.size() == targets.cols() && (shrinkage.array() > 0.0).all(),
            "shrinkage must be a positive number for each of the ", targets.cols(), " outputs");
    return MixedFit(*this, targets, gaps, contrasts).residuals(shrinkage);
}

Vector MixedRegression::pair_weights() const {
    Vector weights(rows_.size());
    for (Index row = 0; row < rows_.size(); ++row)
        weights[rows_.position[row]] = rows_.weight[row] * scale_[rows_.draw[row]];
    return weights;
}

}  // namespace pellucid
