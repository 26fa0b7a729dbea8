#include "pellucid/shapley/kernel_values.hpp"

#include <algorithm>
#include <vector>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"
#include "pellucid/shapley/quadrature.hpp"

namespace pellucid {
namespace {

constexpr Index lanes = GaussianFeatures::lanes;
constexpr Index draws_per_chunk = 4;

Index nodes_for(Index parts) {
    return std::clamp<Index>(parts / 2, 1, most_nodes);
}

// psi_i = (p_i - q_i) sum_t weight_t prod_{j != i} (t p_j + (1 - t) q_j), for every landmark; p, q, psi (n, stride).
// Prefix and suffix products in place of divisions: factors may be as small as the doubles go.
PELLUCID_SIMD void integrate(const double* __restrict p, const double* __restrict q, Index n, Index stride,
                             const double* __restrict nodes, Index count, double* __restrict prefix,
                             double* __restrict psi) {
    for (Index first = 0; first < stride; first += lanes) {
        for (Index t = 0; t < count; ++t) {
            const double node = nodes[2 * t], weight = nodes[2 * t + 1];
            double product[lanes];
            for (Index l = 0; l < lanes; ++l) product[l] = weight;
            for (Index i = 0; i < n; ++i) {
                const double* __restrict pi = p + i * stride + first;
                const double* __restrict qi = q + i * stride + first;
                double* __restrict before = prefix + i * lanes;
                for (Index l = 0; l < lanes; ++l) {
                    before[l] = product[l];
                    product[l] *= qi[l] + node * (pi[l] - qi[l]);
                }
            }
            for (Index l = 0; l < lanes; ++l) product[l] = 1.0;
            for (Index i = n; i-- > 0;) {
                const double* __restrict pi = p + i * stride + first;
                const double* __restrict qi = q + i * stride + first;
                const double* __restrict before = prefix + i * lanes;
                double* __restrict sum = psi + i * stride + first;
                for (Index l = 0; l < lanes; ++l) {
                    const double gap = pi[l] - qi[l];
                    sum[l] += gap * (before[l] * product[l]);
                    product[l] *= qi[l] + node * gap;
                }
            }
        }
    }
}

// What does not depend on the background row.
class Explained {
  public:
    Explained(const KernelRidge& fit, VectorIn x, ColumnsIn part_of_column, Index parts)
        : fit_(fit), features_(fit.features()), columns_(static_cast<std::size_t>(parts)), x_(x.size()) {
        for (Index j = 0; j < x.size(); ++j) columns_[static_cast<std::size_t>(part_of_column[j])].push_back(j);
        features_.standardise(x.data(), x_.data());
        factors_ = factors(x_);
        const Index k = fit.outputs(), landmarks = features_.landmarks();
        kernels_.resize(landmarks, fit.folds() * k);
        for (Index fold = 0; fold < fit.folds(); ++fold)
            kernels_.middleCols(fold * k, k) = fit.coefficients(fold).topRows(landmarks);
        const Index most = nodes_for(parts);
        for (Index n = 1; n <= most; ++n) rules_.push_back(gauss_legendre(n));
    }

    // Writes phi of every fold against one background row into rows b, B + b, 2 B + b, ... of out.
    void write(const double* row, Index b, Index background_rows, Matrix& out) const {
        Vector z(x_.size());
        features_.standardise(row, z.data());
        std::vector<Index> differ;
        for (Index i = 0; i < parts(); ++i)
            if (std::any_of(of(i).begin(), of(i).end(), [&](Index j) { return z[j] != x_[j]; })) differ.push_back(i);
        if (differ.empty()) return;
        const auto n = static_cast<Index>(differ.size());
        const Matrix weights = landmark_weights(z, differ) * kernels_;
        const Index k = fit_.outputs();
        for (Index fold = 0; fold < fit_.folds(); ++fold) {
            const auto linear = fit_.coefficients(fold).bottomRows(x_.size());
            for (Index o = 0; o < k; ++o) {
                const auto kernel = weights.col(fold * k + o);
                const double defect = kernel[n] - kernel.head(n).sum();
                for (Index i = 0; i < n; ++i) {
                    double phi = kernel[i] + defect / static_cast<double>(n);
                    for (const Index j : of(differ[i])) phi += linear(j, o) * (x_[j] - z[j]);
                    out(fold * background_rows + b, differ[i] * k + o) = phi;
                }
            }
        }
    }

  private:
    Index parts() const { return static_cast<Index>(columns_.size()); }
    const std::vector<Index>& of(Index part) const { return columns_[static_cast<std::size_t>(part)]; }

    // (parts, stride): the factor of every part in the kernel of every landmark.
    Matrix factors(const Vector& z) const {
        Matrix result = Matrix::Ones(parts(), features_.stride());
        for (Index i = 0; i < parts(); ++i)
            features_.multiply(z.data(), of(i).data(), static_cast<Index>(of(i).size()), fit_.rate(),
                               result.row(i).data());
        return result;
    }

    // (n + 1, landmarks): what each differing part gets of the kernel of a landmark, and k(x, c) - k(b, c).
    Matrix landmark_weights(const Vector& z, const std::vector<Index>& differ) const {
        const auto n = static_cast<Index>(differ.size());
        const Index stride = features_.stride();
        const Matrix other = factors(z);
        Matrix p(n, stride), q(n, stride), psi = Matrix::Zero(n + 1, stride), prefix(n, lanes);
        Eigen::RowVectorXd common = Eigen::RowVectorXd::Ones(stride);
        for (Index part = 0, i = 0; part < parts(); ++part) {
            if (i < n && differ[static_cast<std::size_t>(i)] == part) {
                p.row(i) = factors_.row(part);
                q.row(i++) = other.row(part);
            } else {
                common.array() *= factors_.row(part).array();
            }
        }
        const Matrix& rule = rules_[static_cast<std::size_t>(nodes_for(n)) - 1];
        integrate(p.data(), q.data(), n, stride, rule.data(), rule.rows(), prefix.data(), psi.data());
        psi.row(n) = p.colwise().prod() - q.colwise().prod();
        psi.array().rowwise() *= common.array();
        return psi.leftCols(features_.landmarks());
    }

    const KernelRidge& fit_;
    const GaussianFeatures& features_;
    std::vector<std::vector<Index>> columns_;  // of each part
    Vector x_;
    Matrix factors_, kernels_;
    std::vector<Matrix> rules_;  // of 1, 2, ... nodes
};

}  // namespace

Matrix gauss_legendre(Index n) {
    const Quadrature found(n);
    Matrix rule(n, 2);
    rule.col(0) = Eigen::Map<const Vector>(found.at.data(), n);
    rule.col(1) = Eigen::Map<const Vector>(found.weight.data(), n);
    return rule;
}

Matrix kernel_values(const KernelRidge& fit, VectorIn x, MatrixIn background, ColumnsIn part_of_column, Index parts) {
    const Index d = fit.features().columns();
    require(x.size() == d && background.cols() == d && part_of_column.size() == d, "x, background and part_of_column ",
            "must have ", d, " columns, got ", x.size(), ", ", background.cols(), " and ", part_of_column.size());
    require(parts >= 1 && part_of_column.minCoeff() >= 0 && part_of_column.maxCoeff() < parts,
            "part_of_column must name parts from 0 to ", parts - 1);
    require(!x.array().isInf().any() && !background.array().isInf().any(),
            "x and background must hold numbers or NaN, got an infinity");
    const Index rows = checked_product(fit.folds(), background.rows(), "folds times background rows");
    checked_product(rows, checked_product(parts, fit.outputs(), "parts times outputs"), "the values");

    const Explained explained(fit, x, part_of_column, parts);
    Matrix result = Matrix::Zero(rows, parts * fit.outputs());
    parallel_for(background.rows(), draws_per_chunk, [&](Index first, Index last) {
        for (Index b = first; b < last; ++b) explained.write(background.row(b).data(), b, background.rows(), result);
    });
    return result;
}

}  // namespace pellucid
