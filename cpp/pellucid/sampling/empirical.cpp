#include "pellucid/sampling/empirical.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"
#include "pellucid/sampling/tabular.hpp"

namespace pellucid {

EmpiricalNeighbours::EmpiricalNeighbours(MatrixIn rows, VectorIn weights, MatrixIn correlation, VectorIn scale,
                                         ColumnsIn unordered, ColumnsIn part_of_column, Index parts, double sigma,
                                         double share, Index most, Index cache_bytes)
    : rows_(rows),
      standard_(rows),
      weights_(weights),
      scale_(scale),
      correlation_(correlation),
      unordered_(unordered.data(), unordered.data() + unordered.size()),
      part_(part_of_column.data(), part_of_column.data() + part_of_column.size()),
      parts_(parts),
      most_(most),
      sigma_(sigma),
      share_(share),
      cache_(cache_bytes) {
    const Index d = rows.cols();
    require(rows.rows() >= 1 && weights.size() == rows.rows() && (weights.array() > 0.0).all(),
            "weights must be positive, one for each of the ", rows.rows(), " rows");
    require(correlation.rows() == d && correlation.cols() == d && scale.size() == d && unordered.size() == d &&
                part_of_column.size() == d,
            "correlation, scale, unordered and part_of_column must speak of ", d, " columns");
    require(std::isfinite(sigma) && sigma > 0.0, "sigma must be a positive number, got ", sigma);
    require(share > 0.0 && share <= 1.0, "share must lie in (0, 1], got ", share);
    require(most >= 1, "most must be at least 1, got ", most);
    require(cache_bytes >= 0, "cache_bytes must not be negative, got ", cache_bytes);
    for (Index c = 0; c < d; ++c) {
        require(part_of_column[c] >= 0 && part_of_column[c] < parts, "part_of_column[", c, "] is ", part_of_column[c],
                ", there are ", parts, " parts");
        // From the first row, as a column far from 0 would lose its differences in the triangular solve.
        if (!unordered[c] && scale[c] > 0.0) standard_.col(c) = (rows.col(c).array() - rows(0, c)) / scale[c];
    }
}

EmpiricalNeighbours::Whitened EmpiricalNeighbours::make(const std::uint8_t* mask) const {
    Whitened result;
    for (Index c = 0; c < rows_.cols(); ++c) {
        const auto at = static_cast<std::size_t>(c);
        if (!mask[part_[at]]) continue;
        if (unordered_[at])
            result.unordered.push_back(c);
        else if (scale_[c] > 0.0)
            result.scaled.push_back(c);
    }
    if (result.scaled.empty()) return result;
    const Eigen::LLT<Eigen::MatrixXd> factor(Eigen::MatrixXd(correlation_(result.scaled, result.scaled)));
    require<NumericalError>(factor.info() == Eigen::Success,
                            "the covariance of the background is singular; add a ridge to its diagonal");
    result.factor = factor.matrixL();
    Eigen::MatrixXd columns = standard_(Eigen::all, result.scaled).transpose();
    factor.matrixL().solveInPlace(columns);
    result.rows = columns.transpose();
    return result;
}

void EmpiricalNeighbours::weigh(const Whitened& by, VectorIn x, double* result) const {
    const Index count = rows_.rows();
    const auto known = by.scaled.size() + by.unordered.size();
    if (known == 0) {
        std::copy_n(weights_.data(), count, result);
        return;
    }
    Vector white(static_cast<Index>(by.scaled.size()));
    for (std::size_t a = 0; a < by.scaled.size(); ++a)
        white[static_cast<Index>(a)] = (x[by.scaled[a]] - rows_(0, by.scaled[a])) / scale_[by.scaled[a]];
    if (!by.scaled.empty()) by.factor.triangularView<Eigen::Lower>().solveInPlace(white);

    std::vector<double> distances(static_cast<std::size_t>(count));
    for (Index b = 0; b < count; ++b) {
        double sum = 0.0;
        for (Index a = 0; a < white.size(); ++a) sum += (white[a] - by.rows(b, a)) * (white[a] - by.rows(b, a));
        for (const Index c : by.unordered) {
            const double here = x[c], there = rows_(b, c);
            sum += here == there || (std::isnan(here) && std::isnan(there)) ? 0.0 : 1.0;
        }
        distances[static_cast<std::size_t>(b)] = sum / static_cast<double>(known);
    }
    // The nearest row has the exponent 0: a row far from all of them still has neighbours.
    const double nearest = *std::min_element(distances.begin(), distances.end());
    std::vector<Index> order(static_cast<std::size_t>(count));
    std::iota(order.begin(), order.end(), Index{0});
    double total = 0.0;
    for (Index b = 0; b < count; ++b) {
        result[b] =
            weights_[b] * std::exp(-(distances[static_cast<std::size_t>(b)] - nearest) / (2.0 * sigma_ * sigma_));
        total += result[b];
    }
    std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return result[a] > result[b]; });
    double kept = 0.0;
    std::size_t last = 0;
    const auto most = std::min(order.size(), static_cast<std::size_t>(most_));
    while (last < most && kept < share_ * total) kept += result[order[last++]];
    // Rows as near as the last one that is kept stay too, so that the order of the rows decides nothing.
    while (last < most && result[order[last]] == result[order[last - 1]]) kept += result[order[last++]];
    for (std::size_t i = 0; i < last; ++i) result[order[i]] /= kept;
    for (std::size_t i = last; i < order.size(); ++i) result[order[i]] = 0.0;
}

Matrix EmpiricalNeighbours::weights(VectorIn x, MasksIn masks) {
    const Index count = rows_.rows(), d = rows_.cols();
    require(x.size() == d && masks.cols() == parts_, "x must have ", d, " entries and masks ", parts_, " columns");
    const auto bytes = [&](const std::uint8_t* mask) {
        Index known = 0;
        for (const std::int32_t part : part_) known += mask[part];
        return 8 * (known * (known + count) + d) + static_cast<Index>(sizeof(Whitened)) + parts_;
    };
    const auto kept = cache_.get(masks, bytes, [&](const std::uint8_t* mask) { return make(mask); });
    Matrix result(masks.rows(), count);
    parallel_for(masks.rows(), 16, [&](Index first, Index last) {
        for (Index i = first; i < last; ++i) {
            const Whitened* found = kept[static_cast<std::size_t>(i)];
            if (found != nullptr)
                weigh(*found, x, result.row(i).data());
            else
                weigh(make(masks.row(i).data()), x, result.row(i).data());
            poll_interrupt();
        }
    });
    return result;
}

Matrix weighted_run_means(MatrixIn outputs, VectorIn weights, IndicesIn counts) {
    const Index k = outputs.cols();
    require((counts.array() >= 0).all() && counts.sum() == outputs.rows() && weights.size() == outputs.rows(),
            "counts must cover the ", outputs.rows(), " outputs, and weights have an entry for each");
    Matrix total = Matrix::Zero(counts.size(), k), compensation = Matrix::Zero(counts.size(), k);
    Index first = 0;
    for (Index i = 0; i < counts.size(); ++i) {
        add_weighted(outputs.middleRows(first, counts[i]), weights.segment(first, counts[i]), total.middleRows(i, 1),
                     compensation.middleRows(i, 1));
        first += counts[i];
    }
    return total + compensation;
}

}  // namespace pellucid
