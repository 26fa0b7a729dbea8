#include "pellucid/shapley/cluster_regression.hpp"

#include <algorithm>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"

namespace pellucid {
namespace {

constexpr Index gram_rows = 256;

// A block costs block_rows times players^2 operations: short enough to answer Ctrl-C between two of them.
Index block_rows(Index players) {
    return std::clamp<Index>((Index{1} << 27) / (players * players), 16, 256);
}

constexpr double highest_leverage = 0.98;  // above it 1 / (1 - h)^2 says more about rounding than about the error

PELLUCID_SIMD void add_scaled(const float* __restrict operators, double a, Index stride, double* __restrict sum) {
    for (Index j = 0; j < stride; ++j) sum[j] += a * static_cast<double>(operators[j]);
}

// Adds up the parts of the blocks in order, whatever thread made them.
Matrix ordered_sum(const std::vector<Matrix>& parts, Index rows, Index cols) {
    Matrix sum = Matrix::Zero(rows, cols);
    for (const Matrix& part : parts) sum += part;
    return sum;
}

}  // namespace

ClusterRegression::ClusterRegression(const PairedDesign& design, bool by_draw) : rows_(design), by_draw_(by_draw) {
    const Index clusters = by_draw ? rows_.draws : 1;
    cluster_weight_ = by_draw ? rows_.draw_weights : Vector::Ones(1);
    factors_.resize(static_cast<std::size_t>(clusters));
    const auto rows_of = [&](Index c) {
        return by_draw ? std::pair{rows_.draw_start[c], rows_.draw_start[c + 1]} : std::pair{Index{0}, rows_.size()};
    };
    const Index step = block_rows(rows_.players);
    for (Index c = 0; c < clusters; ++c)
        for (auto [first, last] = rows_of(c); first < last; first += step)
            blocks_.push_back({c, first, std::min(first + step, last)});

    const auto factorise_cluster = [&](Index c) {
        const auto [first, last] = rows_of(c);
        factorise(c, first, last);
    };
    if (clusters == 1)
        factorise_cluster(0);  // the parallel work is inside
    else
        parallel_for(clusters, 1, [&](Index c, Index) { factorise_cluster(c); });
    prepare_operators();
}

double ClusterRegression::row_weight(Index row) const {
    return by_draw_ ? rows_.weight[row] : rows_.weight[row] * rows_.draw_weights[rows_.draw[row]];
}

void ClusterRegression::factorise(Index cluster, Index first, Index last) {
    const Index n = rows_.players;
    Matrix gram = Matrix::Zero(n, n);
    for (Index row = first; row < last; row += gram_rows) {
        const Index count = std::min(gram_rows, last - row);
        Vector w(count);
        for (Index i = 0; i < count; ++i) w[i] = row_weight(row + i);
        add_gram(rows_.centred(row, count), w, gram);
    }
    gram.triangularView<Eigen::StrictlyUpper>() = gram.transpose();
    // The rows are orthogonal to 1: giving that direction the eigenvalue 1 makes the matrix regular and changes
    // nothing.
    gram.array() += 1.0 / static_cast<double>(n);
    factors_[static_cast<std::size_t>(cluster)].emplace(gram, 0.0);
}

void ClusterRegression::prepare_operators() {
    const Index floats = checked_product(rows_.size(), rows_.stride, "the standard errors");
    require<BudgetError>(floats <= Index{1} << 29, "the standard errors of ", rows_.size(), " pairs of ", rows_.players,
                         " players need ", floats / (1 << 28), " GiB, the limit is 2: lower the budget");
    squared_operators_.assign(static_cast<std::size_t>(floats), 0.0f);
    parallel_for(static_cast<Index>(blocks_.size()), 1, [&](Index k, Index) {
        const Block& block = blocks_[static_cast<std::size_t>(k)];
        const Matrix u = rows_.centred(block.first, block.last - block.first);
        const Matrix solved = factors_[static_cast<std::size_t>(block.cluster)]->solve(u.transpose());
        for (Index i = 0; i < u.rows(); ++i) {
            const Index row = block.first + i;
            const double w = row_weight(row);
            const double leverage = std::min(w * u.row(i).dot(solved.col(i)), highest_leverage);
            const double scale = cluster_weight_[block.cluster] * w / (1.0 - leverage);
            float* out = squared_operators_.data() + row * rows_.stride;
            for (Index j = 0; j < rows_.players; ++j) {
                const double entry = scale * solved(j, i);
                out[j] = static_cast<float>(rows_.missing[row] * entry * entry);
            }
        }
    });
}

ShapleyEstimate ClusterRegression::solve(MatrixIn targets, MatrixIn gaps) const {
    rows_.check_shapes(targets, gaps);
    const Index n = rows_.players, k = targets.cols(), stride = rows_.stride;
    const auto blocks = static_cast<Index>(blocks_.size());

    std::vector<Matrix> parts(blocks_.size());
    parallel_for(blocks, 1, [&](Index c, Index) {
        const Block& block = blocks_[static_cast<std::size_t>(c)];
        Matrix sum = Matrix::Zero(k, stride);
        for (Index row = block.first; row < block.last; ++row)
            for (Index o = 0; o < k; ++o)
                add_mask(rows_.mask(row), row_weight(row) * rows_.target(targets, gaps, row, o), stride, &sum(o, 0));
        parts[static_cast<std::size_t>(c)] = std::move(sum);
    });

    // t_c = G^-1 (sum of w y u): sums to 0 over the players because u does. Rows of `fits` are padded like the masks.
    std::vector<Matrix> fits(factors_.size(), Matrix::Zero(k, stride));
    Matrix values = rows_.equal_split(gaps);
    for (Index c = 0; c < blocks; ++c)
        fits[static_cast<std::size_t>(blocks_[c].cluster)] += parts[static_cast<std::size_t>(c)];
    for (std::size_t c = 0; c < factors_.size(); ++c) {
        Matrix right = fits[c].leftCols(n).transpose();
        right.rowwise() -= right.colwise().mean();
        Matrix fit = factors_[c]->solve(right);
        fit.rowwise() -= fit.colwise().mean();
        values += cluster_weight_[static_cast<Index>(c)] * fit;
        fits[c].leftCols(n) = fit.transpose();
    }

    parallel_for(blocks, 1, [&](Index c, Index) {
        const Block& block = blocks_[static_cast<std::size_t>(c)];
        const Matrix& fit = fits[static_cast<std::size_t>(block.cluster)];
        Matrix sum = Matrix::Zero(k, stride);
        for (Index row = block.first; row < block.last; ++row) {
            const float* operators = squared_operators_.data() + row * stride;
            for (Index o = 0; o < k; ++o) {
                const double error =
                    rows_.target(targets, gaps, row, o) - dot_mask(rows_.mask(row), &fit(o, 0), stride);
                add_scaled(operators, error * error, stride, &sum(o, 0));
            }
        }
        parts[static_cast<std::size_t>(c)] = std::move(sum);
    });
    return {values, ordered_sum(parts, k, stride).leftCols(n).transpose()};
}

}  // namespace pellucid
