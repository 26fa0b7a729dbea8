#include "pellucid/regression/mixture_regression.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"
#include "pellucid/random.hpp"
#include "pellucid/regression/fused_lasso.hpp"

namespace pellucid {
namespace {

constexpr Index fewest_rows_of_chunk = 256;
constexpr Index most_chunks = 64;
constexpr double empty_component = 1e-10;  // of all weight

Index chunk_of(Index n) {
    return std::max(fewest_rows_of_chunk, (n + most_chunks - 1) / most_chunks);
}

class Mixture {
  public:
    Mixture(MatrixIn z, VectorIn y, VectorIn weights, MatrixIn start, VectorIn sigmas, VectorIn penalties,
            const MixtureOptions& options)
        : n_(z.rows()),
          p_(z.cols()),
          components_(start.cols()),
          weights_(weights),
          penalties_(penalties),
          options_(options) {
        total_ = weights.sum();
        centre_ = z.transpose() * weights / total_;
        centre_y_ = y.dot(weights) / total_;
        rows_.resize(n_, p_ + 2);  // [1, z, y], centred
        rows_.col(0).setOnes();
        rows_.middleCols(1, p_) = z.rowwise() - centre_.transpose();
        rows_.col(p_ + 1) = y.array() - centre_y_;
        fit_.responsibilities = start;
        fit_.coefficients = Matrix::Zero(components_, p_);
        fit_.intercepts = Vector::Zero(components_);
        fit_.shares = Vector::Zero(components_);
        fit_.sigmas = sigmas.cwiseMax(options.floor);
    }

    MixtureFit run() {
        std::vector<double> trace;
        while (static_cast<Index>(trace.size()) < options_.most_iterations) {
            poll_interrupt();
            for (Index c = 0; c < components_; ++c) maximise(c);
            fit_.log_likelihood = expect();
            trace.push_back(fit_.log_likelihood - penalty());
            const std::size_t last = trace.size() - 1;
            fit_.converged = last > 0 && trace[last] - trace[last - 1] <= options_.tolerance * total_;
            if (fit_.converged) break;
        }
        fit_.log_likelihoods = Eigen::Map<const Vector>(trace.data(), static_cast<Index>(trace.size()));
        fit_.intercepts.array() += centre_y_ - (fit_.coefficients * centre_).array();
        return std::move(fit_);
    }

  private:
    double variation(Index c) const {
        const auto b = fit_.coefficients.row(c);
        return (b.tail(p_ - 1) - b.head(p_ - 1)).cwiseAbs().sum();
    }

    double penalty() const {
        if (options_.bound >= 0.0) return 0.0;
        double sum = 0.0;
        for (Index c = 0; c < components_; ++c) sum += penalties_[c] * variation(c);
        return sum;
    }

    // sum_i w_i r_ic [1, z, y]'[1, z, y], lower triangle
    Matrix moments(Index c) const {
        const Index chunk = chunk_of(n_), chunks = (n_ + chunk - 1) / chunk;
        std::vector<Matrix> parts(static_cast<std::size_t>(chunks));
        parallel_for(n_, chunk, [&](Index first, Index last) {
            const Index size = last - first;
            const Vector root = weights_.segment(first, size)
                                    .cwiseProduct(fit_.responsibilities.col(c).segment(first, size))
                                    .cwiseSqrt();
            const Matrix scaled = root.asDiagonal() * rows_.middleRows(first, size);
            Matrix sum = Matrix::Zero(p_ + 2, p_ + 2);
            sum.selfadjointView<Eigen::Lower>().rankUpdate(scaled.transpose());
            parts[static_cast<std::size_t>(first / chunk)] = std::move(sum);
        });
        Matrix sum = std::move(parts.front());
        for (std::size_t i = 1; i < parts.size(); ++i) sum += parts[i];
        return sum;
    }

    void maximise(Index c) {
        const Matrix sums = moments(c);
        const double weight = sums(0, 0);
        fit_.shares[c] = weight / total_;
        if (weight <= empty_component * total_) return;
        const Vector mean = sums.col(0).tail(p_ + 1) / weight;
        Matrix centred = sums.bottomRightCorner(p_ + 1, p_ + 1).selfadjointView<Eigen::Lower>();
        centred -= weight * mean * mean.transpose();
        const Matrix gram = centred.topLeftCorner(p_, p_);
        const Vector response = centred.col(p_).head(p_);
        const Vector before = fit_.coefficients.row(c);
        Vector b =
            options_.bound >= 0.0
                ? fused_lasso_bounded(gram, response, options_.bound, before).coefficients
                : fused_lasso(gram, response, penalties_[c] * fit_.sigmas[c] * fit_.sigmas[c], before).coefficients;
        fit_.coefficients.row(c) = b.transpose();
        fit_.intercepts[c] = mean[p_] - mean.head(p_).dot(b);
        const double squares = std::max(centred(p_, p_) - 2.0 * b.dot(response) + b.dot(gram * b), 0.0);
        fit_.sigmas[c] = std::max(std::sqrt(squares / weight), options_.floor);
    }

    // Responsibilities under the present parameters, and the log-likelihood.
    double expect() {
        const Index chunk = chunk_of(n_);
        Vector parts = Vector::Zero((n_ + chunk - 1) / chunk);
        const Vector offset = fit_.shares.array().log() - fit_.sigmas.array().log();
        parallel_for(n_, chunk, [&](Index first, Index last) {
            double sum = 0.0;
            Vector density(components_);
            for (Index i = first; i < last; ++i) {
                for (Index c = 0; c < components_; ++c) {
                    const double line = fit_.intercepts[c] + rows_.row(i).segment(1, p_).dot(fit_.coefficients.row(c));
                    const double off = (rows_(i, p_ + 1) - line) / fit_.sigmas[c];
                    density[c] = offset[c] - 0.5 * off * off;
                }
                const double most = density.maxCoeff();
                density = (density.array() - most).exp();
                const double all = density.sum();
                fit_.responsibilities.row(i) = density.transpose() / all;
                sum += weights_[i] * (most + std::log(all));
            }
            parts[first / chunk] = sum;
        });
        return parts.sum();
    }

    Index n_, p_, components_;
    VectorIn weights_, penalties_;
    MixtureOptions options_;
    double total_ = 0.0, centre_y_ = 0.0;
    Vector centre_;
    Matrix rows_;
    MixtureFit fit_;
};

}  // namespace

MixtureFit mixture_regression(MatrixIn z, VectorIn y, VectorIn weights, MatrixIn responsibilities, VectorIn sigmas,
                              VectorIn penalties, const MixtureOptions& options) {
    const Index n = z.rows(), components = responsibilities.cols();
    require(n >= 1 && z.cols() >= 1, "z must have rows and columns, got ", n, " by ", z.cols());
    require(y.size() == n && weights.size() == n && responsibilities.rows() == n,
            "y, weights and responsibilities must have ", n, " rows, got ", y.size(), ", ", weights.size(), " and ",
            responsibilities.rows());
    require(components >= 1, "responsibilities must have a column for each component");
    require(z.allFinite() && y.allFinite() && weights.allFinite() && responsibilities.allFinite(),
            "z, y, weights and responsibilities must be finite");
    require(weights.minCoeff() >= 0.0 && weights.sum() > 0.0, "weights must not be negative, and one must be positive");
    require(responsibilities.minCoeff() >= 0.0, "responsibilities must not be negative");
    for (const auto& [name, values] : {std::pair<const char*, VectorIn>{"sigmas", sigmas}, {"penalties", penalties}})
        require(values.size() == components && values.allFinite() && values.minCoeff() >= 0.0, name,
                " must be a number >= 0 for each of the ", components, " components, got ", values.size());
    require(options.floor > 0.0 && options.most_iterations >= 1, "floor must be > 0 and most_iterations >= 1");

    return Mixture(z, y, weights, responsibilities, sigmas, penalties, options).run();
}

Matrix random_projections(MatrixIn z, std::uint64_t seed, Index first, Index count) {
    require(z.rows() >= 1 && first >= 0 && count >= 0, "z must have rows; first and count must not be negative");
    const Vector mean = z.colwise().mean();
    const Matrix centred = z.rowwise() - mean.transpose();
    const Vector spread = (centred.cwiseAbs2().colwise().mean()).cwiseSqrt();
    Matrix directions(z.cols(), count);
    for (Index s = 0; s < count; ++s) {
        RowStream stream(seed, 0, static_cast<std::uint64_t>(first + s), StreamOf::mixture_starts);
        for (Index j = 0; j < z.cols(); ++j) {
            const double normal = stream.normal();
            directions(j, s) = spread[j] > 0.0 ? normal / spread[j] : 0.0;
        }
    }
    return centred * directions;
}

}  // namespace pellucid
