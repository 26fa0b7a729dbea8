#include "pellucid/shapley/cluster_regression.hpp"

#include <algorithm>
#include <limits>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"
#include "pellucid/shapley/draw_spread.hpp"

namespace pellucid {
namespace {

constexpr Index gram_rows = 256;

// A block costs block_rows times players^2 operations: short enough to answer Ctrl-C between two of them.
Index block_rows(Index players) {
    return std::clamp<Index>((Index{1} << 27) / (players * players), 16, 256);
}

constexpr double highest_leverage = 0.98;  // above it 1 / (1 - h)^2 says more about rounding than about the error

PELLUCID_SIMD void add_operators(const float* __restrict operators, Index rows, Index stride,
                                 const double* __restrict a, double* __restrict sum) {
    for (Index i = 0; i < rows; ++i) {
        const float* __restrict row = operators + i * stride;
        for (Index j = 0; j < stride; ++j) sum[j] += a[i] * static_cast<double>(row[j]);
    }
}

// Adds up the parts of the blocks in order, whatever thread made them.
Matrix ordered_sum(const std::vector<Matrix>& parts, Index rows, Index cols) {
    Matrix sum = Matrix::Zero(rows, cols);
    for (const Matrix& part : parts) sum += part;
    return sum;
}

}  // namespace

ClusterRegression::ClusterRegression(const PairedDesign& design, bool by_draw) : rows_(design), by_draw_(by_draw) {
    rows_.require_all_active();
    const Index clusters = by_draw ? rows_.draws : 1;
    cluster_weight_ = by_draw ? rows_.draw_weights : Vector::Ones(1);
    factors_.resize(static_cast<std::size_t>(clusters));
    const auto rows_of = [&](Index c) {
        return by_draw ? std::pair{rows_.draw_start[c], rows_.draw_start[c + 1]} : std::pair{Index{0}, rows_.size()};
    };
    const Index step = block_rows(rows_.players);
    for (Index c = 0; c < clusters; ++c) {
        cluster_blocks_.push_back(static_cast<Index>(blocks_.size()));
        for (auto [first, last] = rows_of(c); first < last; first += step)
            blocks_.push_back({c, first, std::min(first + step, last)});
    }
    cluster_blocks_.push_back(static_cast<Index>(blocks_.size()));

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
    bias_weight_.resize(static_cast<std::size_t>(rows_.size()));
    parallel_for(static_cast<Index>(blocks_.size()), 1, [&](Index k, Index) {
        const Block& block = blocks_[static_cast<std::size_t>(k)];
        const Matrix u = rows_.centred(block.first, block.last - block.first);
        const Matrix solved = factors_[static_cast<std::size_t>(block.cluster)]->solve(u.transpose());
        for (Index i = 0; i < u.rows(); ++i) {
            const Index row = block.first + i;
            const double w = row_weight(row);
            const double leverage = std::min(w * u.row(i).dot(solved.col(i)), highest_leverage);
            bias_weight_[static_cast<std::size_t>(row)] = w * rows_.missing[row] * leverage;
            const double scale = cluster_weight_[block.cluster] * w / (1.0 - leverage);
            float* out = squared_operators_.data() + row * rows_.stride;
            for (Index j = 0; j < rows_.players; ++j) {
                const double entry = scale * solved(j, i);
                out[j] = static_cast<float>(rows_.missing[row] * entry * entry);
            }
        }
    });
}

// G^-1 of the sum of parts (k, stride), a sum of rows: sums to 0 over the players because these do. (players, k)
Matrix ClusterRegression::solve_centred(Index cluster, const std::vector<Matrix>& parts) const {
    Matrix right = ordered_sum(parts, parts[0].rows(), rows_.stride).leftCols(rows_.players).transpose();
    right.rowwise() -= right.colwise().mean();
    Matrix solved = factors_[static_cast<std::size_t>(cluster)]->solve(right);
    solved.rowwise() -= solved.colwise().mean();
    return solved;
}

ShapleyEstimate ClusterRegression::solve_cluster(Index cluster, MatrixIn targets, MatrixIn gaps) const {
    const Index n = rows_.players, k = targets.cols(), stride = rows_.stride;
    const Index first_block = cluster_blocks_[cluster], blocks = cluster_blocks_[cluster + 1] - first_block;
    const auto block_of = [&](Index c) { return blocks_[static_cast<std::size_t>(first_block + c)]; };
    std::vector<Matrix> parts(static_cast<std::size_t>(blocks)), y(static_cast<std::size_t>(blocks));

    parallel_for(blocks, 1, [&](Index c, Index) {
        const Block block = block_of(c);
        const Index rows = block.last - block.first;
        Matrix own(k, rows), sum = Matrix::Zero(k, stride);
        Vector weighted(rows);
        for (Index o = 0; o < k; ++o) {
            for (Index i = 0; i < rows; ++i) {
                own(o, i) = rows_.target(targets, gaps, block.first + i, o);
                weighted[i] = row_weight(block.first + i) * own(o, i);
            }
            add_masks(rows_.mask(block.first), rows, stride, weighted.data(), &sum(o, 0));
        }
        y[static_cast<std::size_t>(c)] = std::move(own);
        parts[static_cast<std::size_t>(c)] = std::move(sum);
    });

    // t = G^-1 (sum of w y u). Rows of `fit` are padded like the masks.
    Matrix values = solve_centred(cluster, parts);
    Matrix fit = Matrix::Zero(k, stride);
    fit.leftCols(n) = values.transpose();

    std::vector<Matrix> bias(static_cast<std::size_t>(blocks));
    parallel_for(blocks, 1, [&](Index c, Index) {
        const Block block = block_of(c);
        const Index rows = block.last - block.first;
        const Eigen::Map<const Vector> bias_weight(bias_weight_.data() + block.first, rows);
        Matrix sum = Matrix::Zero(k, stride), own_bias = sum;
        Vector error(rows), weighted(rows);
        for (Index o = 0; o < k; ++o) {
            dot_masks(rows_.mask(block.first), rows, stride, &fit(o, 0), error.data());
            error = y[static_cast<std::size_t>(c)].row(o).transpose() - error;
            weighted = bias_weight.cwiseProduct(error);
            add_masks(rows_.mask(block.first), rows, stride, weighted.data(), &own_bias(o, 0));
            error = error.cwiseAbs2();
            add_operators(squared_operators_.data() + block.first * stride, rows, stride, error.data(), &sum(o, 0));
        }
        parts[static_cast<std::size_t>(c)] = std::move(sum);
        bias[static_cast<std::size_t>(c)] = std::move(own_bias);
    });
    values += solve_centred(cluster, bias);
    return {values, ordered_sum(parts, k, stride).leftCols(n).transpose(), {}};
}

ShapleyEstimate ClusterRegression::solve(MatrixIn targets, MatrixIn gaps) const {
    rows_.check_shapes(targets, gaps);
    std::vector<ShapleyEstimate> parts(factors_.size());
    const auto solve_one = [&](Index c) { parts[static_cast<std::size_t>(c)] = solve_cluster(c, targets, gaps); };
    if (parts.size() == 1)
        solve_one(0);  // the parallel work is inside
    else
        parallel_for(static_cast<Index>(parts.size()), 1, [&](Index c, Index) { solve_one(c); });

    const Index n = rows_.players, k = targets.cols();
    ShapleyEstimate total{rows_.equal_split(gaps), Matrix::Zero(n, k),
                          Matrix::Constant(n, k, std::numeric_limits<double>::quiet_NaN())};
    for (std::size_t c = 0; c < parts.size(); ++c) {
        total.values += cluster_weight_[static_cast<Index>(c)] * parts[c].values;
        total.variance += parts[c].variance;
    }
    if (!by_draw_) return total;
    DrawSpread spread(n, k);
    for (Index b = 0; b < rows_.draws; ++b)
        spread.add(parts[static_cast<std::size_t>(b)].values.rowwise() + gaps.row(b) / static_cast<double>(n),
                   rows_.draw_weights[b]);
    total.background_variance = spread.variance(total.values);
    return total;
}

}  // namespace pellucid
