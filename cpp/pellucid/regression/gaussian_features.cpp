#include "pellucid/regression/gaussian_features.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "pellucid/check.hpp"
#include "pellucid/random.hpp"

namespace pellucid {
namespace {

PELLUCID_SIMD void kernel_row(const double* __restrict z, Index columns, const double* __restrict landmarks,
                              Index stride, double rate, double* __restrict out) {
    for (Index first = 0; first < stride; first += GaussianFeatures::lanes) {
        double sum[GaussianFeatures::lanes] = {};
        for (Index j = 0; j < columns; ++j) {
            const double* __restrict c = landmarks + j * stride + first;
            for (Index l = 0; l < GaussianFeatures::lanes; ++l) {
                const double gap = z[j] - c[l];
                sum[l] += gap * gap;
            }
        }
        for (Index l = 0; l < GaussianFeatures::lanes; ++l) out[first + l] = exp_minus(rate * sum[l]);
    }
}

PELLUCID_SIMD void multiply_row(const double* __restrict z, const Index* __restrict columns, Index count,
                                const double* __restrict landmarks, Index stride, double rate, double* __restrict out) {
    for (Index first = 0; first < stride; first += GaussianFeatures::lanes) {
        double sum[GaussianFeatures::lanes] = {};
        for (Index i = 0; i < count; ++i) {
            const double* __restrict c = landmarks + columns[i] * stride + first;
            for (Index l = 0; l < GaussianFeatures::lanes; ++l) {
                const double gap = z[columns[i]] - c[l];
                sum[l] += gap * gap;
            }
        }
        for (Index l = 0; l < GaussianFeatures::lanes; ++l) out[first + l] *= exp_minus(rate * sum[l]);
    }
}

}  // namespace

Indices chosen(Index n, Index count, std::uint64_t seed, Choice lane) {
    Indices order = Indices::LinSpaced(n, 0, n - 1);
    if (count >= n) return order;
    RowStream stream(seed, 0, 0, StreamOf::landmarks, static_cast<std::uint64_t>(lane));
    for (Index i = 0; i < count; ++i)
        std::swap(order[i], order[i + static_cast<Index>(stream.below(static_cast<std::uint64_t>(n - i)))]);
    std::sort(order.data(), order.data() + count);
    return order.head(count);
}

GaussianFeatures::GaussianFeatures(MatrixIn rows, Index landmarks, std::uint64_t seed) {
    const Index n = rows.rows(), d = rows.cols();
    require(n >= 1 && d >= 1, "rows must have at least one row and one column, got ", n, " by ", d);
    require(landmarks >= 1, "landmarks must be at least 1, got ", landmarks);
    require(!rows.array().isInf().any(), "rows must hold numbers or NaN, got an infinity");
    centre_ = Vector::Zero(d);
    scale_ = Vector::Zero(d);
    for (Index j = 0; j < d; ++j) {
        double low = INFINITY, high = -INFINITY, sum = 0.0, squares = 0.0, count = 0.0;
        for (Index i = 0; i < n; ++i) {
            const double value = rows(i, j);
            if (std::isnan(value)) continue;
            low = std::min(low, value);
            high = std::max(high, value);
            sum += value;
            count += 1.0;
        }
        if (!(low < high)) continue;  // compared, because rounding gives a constant column a tiny deviation
        const double mean = sum / count;
        for (Index i = 0; i < n; ++i)
            if (!std::isnan(rows(i, j))) squares += (rows(i, j) - mean) * (rows(i, j) - mean);
        const double scale = 1.0 / std::sqrt(squares / count);
        if (!std::isfinite(mean) || !std::isfinite(scale) || scale == 0.0) continue;  // sums beyond the doubles
        centre_[j] = mean;
        scale_[j] = scale;
        ++varying_;
    }
    const Indices rows_chosen = chosen(n, landmarks, seed, Choice::landmarks);
    landmarks_ = rows_chosen.size();
    by_column_ = Matrix::Zero(d, (landmarks_ + lanes - 1) / lanes * lanes);
    Vector z(d);
    for (Index c = 0; c < landmarks_; ++c) {
        standardise(rows.row(rows_chosen[c]).data(), z.data());
        by_column_.col(c) = z;
    }
}

void GaussianFeatures::standardise(const double* row, double* out) const {
    for (Index j = 0; j < columns(); ++j) out[j] = std::isnan(row[j]) ? 0.0 : (row[j] - centre_[j]) * scale_[j];
}

void GaussianFeatures::write(const double* z, double rate, double* buffer, double* out) const {
    kernel_row(z, columns(), by_column_.data(), stride(), rate, buffer);
    std::copy_n(buffer, landmarks_, out);
    std::copy_n(z, columns(), out + landmarks_);
}

void GaussianFeatures::multiply(const double* z, const Index* columns, Index count, double rate, double* out) const {
    multiply_row(z, columns, count, by_column_.data(), stride(), rate, out);
}

}  // namespace pellucid
