#include "pellucid/regression/kernel_ridge.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"
#include "pellucid/regression/factor.hpp"
#include "pellucid/regression/tridiagonal_ridge.hpp"

namespace pellucid {
namespace {

constexpr double gammas[] = {0.05, 0.2, 0.8};
constexpr int grid_size = 17;  // ridge from 1e-6 to 1e2, two steps a decade
constexpr Index rows_per_chunk = 64;
constexpr Index tile = 64;
constexpr Index most_folds = 64;

double ridge_at(int step) {
    return std::pow(10.0, -6.0 + 0.5 * step);
}

// The sums of a regression with an intercept, which is not shrunk: everything about its mean.
struct Centred {
    Matrix gram, right;
    Vector squares;  // of each output
    Vector mean;     // of the features, then of the outputs
    double rows;

    Centred(const Matrix& sums, Index features) {
        const Index last = sums.rows() - 1, k = last - features;
        rows = sums(last, last);
        mean = sums.row(last).head(last).transpose() / rows;
        Matrix about = sums.topLeftCorner(last, last);
        about.triangularView<Eigen::Lower>() -= rows * mean * mean.transpose();
        gram = about.topLeftCorner(features, features);
        gram.triangularView<Eigen::StrictlyUpper>() = gram.transpose();
        right = about.block(features, 0, k, features).transpose();
        squares = about.bottomRightCorner(k, k).diagonal().cwiseMax(0.0);
    }
};

struct Choices {
    Vector ridge;  // (k)
    double score;  // sum over outputs of the log of the least GCV, over the variance of the output
};

// N RSS / (N - df)^2 for each ridge and output; Golub, Heath and Wahba, Technometrics 21 (1979).
Choices choose_ridge(const Centred& sums) {
    const TridiagonalRidge path(sums.gram, sums.right);
    const Index k = sums.right.cols();
    Vector best = Vector::Constant(k, std::numeric_limits<double>::infinity());
    Choices choices{Vector::Constant(k, ridge_at(grid_size - 1)), 0.0};
    for (int step = 0; step < grid_size; ++step) {
        const double left = sums.rows - 1.0 - path.freedom(ridge_at(step));
        if (left <= 0.0) continue;
        const Vector residual = path.residual_squares(ridge_at(step), sums.squares);
        for (Index o = 0; o < k; ++o) {
            const double score = sums.rows * residual[o] / (left * left);
            if (score >= best[o]) continue;
            best[o] = score;
            choices.ridge[o] = ridge_at(step);
        }
    }
    constexpr double tiny = 1e-300;  // an output without variance has nothing to say
    for (Index o = 0; o < k; ++o)
        if (sums.squares[o] > tiny) choices.score += std::log(std::max(best[o] * sums.rows / sums.squares[o], tiny));
    return choices;
}

}  // namespace

KernelRidge::KernelRidge(MatrixIn rows, MatrixIn outputs, IndicesIn folds, Index landmarks, std::uint64_t seed) {
    const Index n = rows.rows(), k = outputs.cols();
    require(outputs.rows() == n && folds.size() == n, "outputs and folds must have a row for each of the ", n,
            " rows, got ", outputs.rows(), " and ", folds.size());
    require(k >= 1, "outputs must have at least one column");
    require(outputs.allFinite(), "outputs must be finite");
    features_ = GaussianFeatures(rows, landmarks, seed);
    require(folds.minCoeff() >= -1 && folds.maxCoeff() >= 1 && folds.maxCoeff() < most_folds,
            "folds must be from -1 to the number of folds - 1, with 2 to ", most_folds, " folds, got ",
            folds.minCoeff(), " to ", folds.maxCoeff());

    const Indices kept = chosen(n, most_rows, seed, Choice::training_rows);
    std::vector<std::vector<Index>> members(static_cast<std::size_t>(folds.maxCoeff()) + 1);
    std::vector<Index> in_all;
    Vector mean = Vector::Zero(k);
    for (const Index i : kept) {
        (folds[i] < 0 ? in_all : members[static_cast<std::size_t>(folds[i])]).push_back(i);
        mean += outputs.row(i).transpose();
    }
    mean /= static_cast<double>(kept.size());
    const Matrix about = outputs.rowwise() - mean.transpose();
    // In units of the standard deviation, so that no output is too large or too small to be squared.
    Vector scale = about.colwise().lpNorm<Eigen::Infinity>();
    scale = (scale.array() > 0.0).select(scale, 1.0);
    const Matrix targets = about * scale.cwiseInverse().asDiagonal();

    choose_gamma(rows, targets, seed);
    std::vector<Matrix> by_fold;
    Matrix total = sums(rows, targets, in_all, gamma_);
    for (const auto& which : members) {
        by_fold.push_back(sums(rows, targets, which, gamma_));
        total += by_fold.back();
        poll_interrupt();
    }
    for (const Matrix& fold : by_fold)
        require(total(total.rows() - 1, total.rows() - 1) - fold(fold.rows() - 1, fold.rows() - 1) >= 1.0,
                "folds must leave at least one row outside each fold");
    solve_folds(total, by_fold, mean, scale);
}

Matrix KernelRidge::sums(MatrixIn rows, MatrixIn targets, const std::vector<Index>& which, double gamma) const {
    const auto n = static_cast<Index>(which.size());
    const Index features = features_.size(), k = targets.cols(), width = features + k + 1;
    Matrix columns(n, width);
    parallel_for(n, rows_per_chunk, [&](Index first, Index last) {
        Vector z(features_.columns()), buffer(features_.stride());
        for (Index i = first; i < last; ++i) {
            const Index row = which[static_cast<std::size_t>(i)];
            features_.standardise(rows.row(row).data(), z.data());
            features_.write(z.data(), rate_of(gamma), buffer.data(), columns.row(i).data());
            columns.row(i).segment(features, k) = targets.row(row);
            columns(i, width - 1) = 1.0;
        }
    });
    Matrix products = Matrix::Zero(width, width);
    parallel_for(width, tile, [&](Index first, Index last) {
        products.block(first, 0, last - first, last).noalias() =
            columns.middleCols(first, last - first).transpose() * columns.leftCols(last);
    });
    return products;
}

void KernelRidge::choose_gamma(MatrixIn rows, MatrixIn targets, std::uint64_t seed) {
    const Indices sample = chosen(rows.rows(), rows_for_gamma, seed, Choice::rows_for_gamma);
    const std::vector<Index> which(sample.begin(), sample.end());
    double best = std::numeric_limits<double>::infinity();
    for (const double gamma : gammas) {
        const double score = choose_ridge(Centred(sums(rows, targets, which, gamma), features_.size())).score;
        if (score < best) {
            best = score;
            gamma_ = gamma;
        }
        poll_interrupt();
    }
}

void KernelRidge::solve_folds(const Matrix& total, const std::vector<Matrix>& by_fold, const Vector& mean,
                              const Vector& scale) {
    const Index features = features_.size(), k = mean.size(), count = static_cast<Index>(by_fold.size());
    ridge_ = choose_ridge(Centred(total, features)).ridge;
    coefficients_.assign(by_fold.size(), Matrix(features, k));
    intercept_.assign(by_fold.size(), Vector(k));
    parallel_for(count, 1, [&](Index fold, Index) {
        const Centred sums(total - by_fold[static_cast<std::size_t>(fold)], features);
        Matrix& solution = coefficients_[static_cast<std::size_t>(fold)];
        std::vector<bool> done(static_cast<std::size_t>(k));
        for (Index o = 0; o < k; ++o) {
            if (done[static_cast<std::size_t>(o)]) continue;
            const Factor factor(sums.gram, ridge_[o]);  // once for all outputs of this ridge
            const Matrix solved = factor.solve(sums.right);
            for (Index same = o; same < k; ++same) {
                if (ridge_[same] != ridge_[o]) continue;
                solution.col(same) = solved.col(same) * scale[same];
                done[static_cast<std::size_t>(same)] = true;
            }
        }
        intercept_[static_cast<std::size_t>(fold)] =
            mean + scale.cwiseProduct(sums.mean.tail(k)) - solution.transpose() * sums.mean.head(features);
    });
}

Matrix KernelRidge::evaluate(MatrixIn rows, IndicesIn folds) const {
    require(rows.cols() == features_.columns(), "rows must have ", features_.columns(), " columns, got ", rows.cols());
    require(folds.size() == rows.rows(), "folds must name a fold for each of the ", rows.rows(), " rows, got ",
            folds.size());
    require((folds.array() >= 0).all() && (folds.array() < this->folds()).all(), "folds must be from 0 to ",
            this->folds() - 1);
    require(!rows.array().isInf().any(), "rows must hold numbers or NaN, got an infinity");
    Matrix result(rows.rows(), outputs());
    parallel_for(rows.rows(), rows_per_chunk, [&](Index first, Index last) {
        Vector z(features_.columns()), buffer(features_.stride()), values(features_.size());
        for (Index i = first; i < last; ++i) {
            features_.standardise(rows.row(i).data(), z.data());
            features_.write(z.data(), rate(), buffer.data(), values.data());
            result.row(i) = values.transpose() * coefficients(folds[i]) + intercept(folds[i]).transpose();
        }
    });
    return result;
}

const Matrix& KernelRidge::coefficients(Index fold) const {
    require(fold >= 0 && fold < folds(), "fold must be from 0 to ", folds() - 1, ", got ", fold);
    return coefficients_[static_cast<std::size_t>(fold)];
}

const Vector& KernelRidge::intercept(Index fold) const {
    require(fold >= 0 && fold < folds(), "fold must be from 0 to ", folds() - 1, ", got ", fold);
    return intercept_[static_cast<std::size_t>(fold)];
}

}  // namespace pellucid
