#include "pellucid/sampling/normal_law.hpp"

#include <algorithm>
#include <vector>

#include "pellucid/check.hpp"
#include "pellucid/eigenpairs.hpp"
#include "pellucid/parallel.hpp"
#include "pellucid/random.hpp"

namespace pellucid {
namespace {

// Below this share of the mean eigenvalue a dimension of the law is rounding.
constexpr double smallest_eigenvalue = 1e-12;

struct Correlation {
    std::vector<Index> active;
    Vector deviations;
    Eigenpairs eigen;
};

Correlation correlation_of(MatrixIn covariance) {
    Correlation result;
    for (Index c = 0; c < covariance.rows(); ++c)
        if (covariance(c, c) > 0.0) result.active.push_back(c);
    if (result.active.empty()) return result;
    Eigen::MatrixXd matrix = covariance(result.active, result.active);
    result.deviations = matrix.diagonal().cwiseSqrt();
    matrix = result.deviations.cwiseInverse().asDiagonal() * matrix * result.deviations.cwiseInverse().asDiagonal();
    result.eigen = eigenpairs(matrix);
    require<NumericalError>(result.eigen.converged,
                            "the eigenvalues of the correlation of the background did not converge");
    return result;
}

void check_square(VectorIn mean, MatrixIn covariance) {
    require(covariance.rows() == covariance.cols() && covariance.rows() == mean.size(), "covariance must be ",
            mean.size(), " by ", mean.size(), ", got ", covariance.rows(), " by ", covariance.cols());
    require(covariance.allFinite() && mean.allFinite(), "mean and covariance must be finite");
}

}  // namespace

Moments weighted_moments(MatrixIn rows, VectorIn weights) {
    const Index n = rows.rows(), d = rows.cols();
    require(weights.size() == n && n >= 1, "weights must have an entry for each of the ", n, " rows, at least one");
    Moments result{Vector::Zero(d), Matrix::Zero(d, d)};
    Matrix centred(n, d);
    std::vector<bool> varies(static_cast<std::size_t>(d));
    for (Index c = 0; c < d; ++c) {
        // Compared, not computed: rounding gives a constant column a tiny variance.
        varies[static_cast<std::size_t>(c)] = rows.col(c).minCoeff() < rows.col(c).maxCoeff();
        double mean = rows(0, c);
        if (varies[static_cast<std::size_t>(c)]) {
            double away = 0.0;
            for (Index i = 0; i < n; ++i) away += weights[i] * (rows(i, c) - mean);
            mean += away;
        }
        result.mean[c] = mean;
        for (Index i = 0; i < n; ++i) centred(i, c) = rows(i, c) - mean;
    }
    parallel_for(d, 1, [&](Index first, Index last) {
        for (Index a = first; a < last; ++a) {
            if (!varies[static_cast<std::size_t>(a)]) continue;
            for (Index b = a; b < d; ++b) {
                if (!varies[static_cast<std::size_t>(b)]) continue;
                double sum = 0.0;
                for (Index i = 0; i < n; ++i) sum += weights[i] * centred(i, a) * centred(i, b);
                result.covariance(a, b) = result.covariance(b, a) = sum;
            }
        }
    });
    return result;
}

double smallest_correlation(MatrixIn covariance) {
    check_square(Vector::Zero(covariance.rows()), covariance);
    const Correlation correlation = correlation_of(covariance);
    return correlation.active.empty() ? 1.0 : correlation.eigen.values.minCoeff();
}

Matrix matched_normal_draws(std::uint64_t seed, VectorIn mean, MatrixIn covariance, Index pairs) {
    check_square(mean, covariance);
    const Correlation correlation = correlation_of(covariance);
    Matrix draws = mean.transpose().replicate(checked_product(pairs, 2, "pairs"), 1);
    if (correlation.active.empty()) return draws;
    const auto n = static_cast<Index>(correlation.active.size());
    const Vector& eigenvalues = correlation.eigen.values;
    const Index rank = (eigenvalues.array() > smallest_eigenvalue * static_cast<double>(n)).count();
    require(pairs >= rank, "pairs must be at least ", rank, ", one for each dimension of the law, got ", pairs);

    Eigen::MatrixXd z(pairs, rank);
    parallel_for(pairs, 64, [&](Index first, Index last) {
        for (Index i = first; i < last; ++i) {
            RowStream stream(seed, 0, static_cast<std::uint64_t>(i), StreamOf::conditional);
            for (Index j = 0; j < rank; ++j) z(i, j) = stream.normal();
        }
    });
    const Eigen::LLT<Eigen::MatrixXd> spread(Eigen::MatrixXd(z.transpose() * z / static_cast<double>(pairs)));
    require<NumericalError>(spread.info() == Eigen::Success, "the draws are too few to be made white; ask for more");
    spread.matrixU().solveInPlace<Eigen::OnTheRight>(z);
    // Eigenvalues come in ascending order.
    const Eigen::MatrixXd root = correlation.deviations.asDiagonal() * correlation.eigen.vectors.rightCols(rank) *
                                 eigenvalues.tail(rank).cwiseSqrt().asDiagonal();
    const Eigen::MatrixXd away = z * root.transpose();
    for (Index i = 0; i < pairs; ++i) {
        for (Index a = 0; a < n; ++a) {
            const Index c = correlation.active[static_cast<std::size_t>(a)];
            draws(2 * i, c) = mean[c] + away(i, a);
            draws(2 * i + 1, c) = mean[c] - away(i, a);
        }
    }
    return draws;
}

Vector normal_quantiles(VectorIn probabilities) {
    Vector result = probabilities;
    fill_normal_quantiles(result.data(), result.size());
    return result;
}

void latent_to_values(VectorIn x, ColumnsIn part_of_column, MasksIn masks, Index rows_per_mask, VectorIn thresholds,
                      VectorIn values, IndicesIn first_of_column, MatrixOut rows) {
    const Index d = x.size();
    require(rows_per_mask >= 1 && rows.cols() == d && part_of_column.size() == d && first_of_column.size() == d + 1,
            "x, part_of_column, first_of_column and rows must speak of the same columns");
    const Index count = checked_product(masks.rows(), rows_per_mask, "masks times rows");
    require(rows.rows() == count, "rows must have ", count, " rows, got ", rows.rows());
    require(thresholds.size() == values.size() && first_of_column[0] == 0 && first_of_column[d] == values.size(),
            "first_of_column must cover thresholds and values");
    for (Index c = 0; c < d; ++c) {
        require(part_of_column[c] >= 0 && part_of_column[c] < masks.cols(), "part_of_column[", c, "] is no part");
        require(first_of_column[c] < first_of_column[c + 1], "column ", c, " has no values");
    }
    parallel_for(count, 1024, [&](Index first, Index last) {
        for (Index i = first; i < last; ++i) {
            const std::uint8_t* mask = masks.row(i / rows_per_mask).data();
            for (Index c = 0; c < d; ++c) {
                if (mask[part_of_column[c]]) {
                    rows(i, c) = x[c];
                    continue;
                }
                const double* begin = thresholds.data() + first_of_column[c];
                const double* last_threshold = thresholds.data() + first_of_column[c + 1] - 1;
                rows(i, c) = values[std::lower_bound(begin, last_threshold, rows(i, c)) - thresholds.data()];
            }
        }
    });
}

}  // namespace pellucid
