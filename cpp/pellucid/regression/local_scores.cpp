// The sandwich of LocalRegression: what each row, or pair of rows, adds to the error of the coefficients.
#include <cmath>
#include <limits>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"
#include "pellucid/regression/local_regression.hpp"
#include "pellucid/regression/tile_product.hpp"

namespace pellucid {
namespace {

constexpr Index row_chunk = 1024;
constexpr Index block = 64;  // rows of scores that stay in the cache; even, so that no pair is cut
constexpr double least = 1e-8;

PELLUCID_SIMD void scale_rows(const double* influence, const double* score, Index rows, Index width, double* out) {
    for (Index i = 0; i < rows; ++i)
        for (Index j = 0; j < width; ++j) out[i * width + j] = score[i] * influence[i * width + j];
}

PELLUCID_SIMD void add_squares(const double* __restrict scores, Index rows, Index width, double* __restrict sum) {
    for (Index i = 0; i < rows; ++i)
        for (Index j = 0; j < width; ++j) sum[j] += scores[i * width + j] * scores[i * width + j];
}

}  // namespace

// score_i = w_i r_i / (1 - h_i), or sqrt(w) (I - H_c)^-1 sqrt(w) r of the pair.
void LocalRegression::weigh_residuals(Index output, const Targets& targets) {
    Vector leverage = leverage_, across = across_;
    if (!own_.empty()) add_leverage(own_[static_cast<std::size_t>(output)], leverage, across);
    double squares = 0.0;
    Index told = 0;
    std::vector<Index> fixed;
    const Index step = pairs_ ? 2 : 1;
    for (Index i = 0; i < rows_; i += step) {
        const double a = 1.0 - leverage[i], root = std::sqrt(w_[i]), r = root * targets.residual(i, output);
        if (!pairs_) {
            if (w_[i] == 0.0) continue;
            if (a < least) {
                fixed.push_back(i);
                continue;
            }
            score_(output, i) = root * (r / a);
            squares += r / a * (r / a);
            ++told;
            continue;
        }
        const double c = 1.0 - leverage[i + 1], cross = across[i];
        const double root2 = std::sqrt(w_[i + 1]), r2 = root2 * targets.residual(i + 1, output);
        if (w_[i] == 0.0 && w_[i + 1] == 0.0) continue;
        if (0.5 * (a + c - std::hypot(a - c, 2.0 * cross)) < least) {
            fixed.push_back(i);
            fixed.push_back(i + 1);
            continue;
        }
        const double determinant = a * c - cross * cross;
        const double first = (c * r + cross * r2) / determinant, second = (cross * r + a * r2) / determinant;
        score_(output, i) = root * first;
        score_(output, i + 1) = root2 * second;
        squares += first * first + second * second;
        told += (w_[i] > 0.0) + (w_[i + 1] > 0.0);
    }
    const double noise =
        told > 0 ? std::sqrt(squares / static_cast<double>(told)) : std::numeric_limits<double>::quiet_NaN();
    for (const Index i : fixed) {
        score_(output, i) = std::sqrt(w_[i]) * noise;
        alone_(output, i) = 1;
    }
    fixed_rows_ = std::max(fixed_rows_, static_cast<Index>(fixed.size()));
}

// score times influence of the rows first .. last - 1, a pair in its first row unless each stands alone.
Matrix LocalRegression::scores(Index output, Index first, Index last) const {
    const Index rows = last - first, width = influence_.cols();
    const double* score = score_.data() + output * rows_ + first;
    Matrix out(rows, width);
    scale_rows(influence_.data() + first * width, score, rows, width, out.data());
    if (!own_.empty()) {
        const Border& border = own_[static_cast<std::size_t>(output)];
        Matrix t = border.t.middleRows(first, rows);
        for (Index i = 0; i < rows; ++i) t.row(i) *= -score[i];
        add_tiles({t.data(), t.cols(), 1}, rows, t.cols(), border.d.data(), width, width, out.data(), width);
    }
    for (Index i = 0; pairs_ && i < rows; i += 2) {
        if (is_alone(first + i, output)) continue;
        out.row(i) += out.row(i + 1);
        out.row(i + 1).setZero();
    }
    return out;
}

void LocalRegression::sum_squares(Index output) {
    const Index width = influence_.cols(), chunks = (rows_ + row_chunk - 1) / row_chunk;
    Matrix sums = Matrix::Zero(chunks, width);
    parallel_for(rows_, row_chunk, [&](Index first, Index last) {
        for (Index at = first; at < last; at += block) {
            const Matrix some = scores(output, at, std::min(at + block, last));
            add_squares(some.data(), some.rows(), width, sums.data() + first / row_chunk * width);
        }
    });
    Vector variance = Vector::Zero(width);
    for (Index c = 0; c < chunks; ++c) variance += sums.row(c).transpose();
    for (std::size_t a = 0; a < active_.size(); ++a) std_err_(active_[a], output) = std::sqrt(variance[a]);
    intercept_error_[output] = std::sqrt(variance[static_cast<Index>(active_.size())]);
}

Matrix LocalRegression::covariance(Index output) const {
    require(output >= 0 && output < outputs_, "output must be from 0 to ", outputs_ - 1, ", got ", output);
    const Matrix all = scores(output, 0, rows_);
    Matrix sum = Matrix::Zero(all.cols(), all.cols());
    add_cross(all, Vector::Ones(rows_), all, true, sum);
    sum.triangularView<Eigen::StrictlyLower>() = sum.transpose();
    Matrix found = Matrix::Zero(parts_, parts_);
    for (std::size_t a = 0; a < active_.size(); ++a)
        for (std::size_t b = 0; b < active_.size(); ++b) found(active_[a], active_[b]) = sum(a, b);
    return found;
}

}  // namespace pellucid
