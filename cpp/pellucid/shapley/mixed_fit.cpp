#include "pellucid/shapley/mixed_fit.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "pellucid/check.hpp"
#include "pellucid/eigenpairs.hpp"

namespace pellucid {
namespace {

constexpr double rank_tolerance = 1e-9;
constexpr double most_freedom = 0.75;  // of the pairs: with more, the residuals tell nothing
constexpr Index grid = 25;             // lambda from 1e-8 to 1e4 in half decades
constexpr Index first_low = 8;         // 1e-4: below it only where a draw keeps all it shows, as in additive games

double lambda_of(Index step) {
    return std::pow(10.0, -8.0 + 0.5 * static_cast<double>(step));
}

}  // namespace

MixedFit::MixedFit(const MixedRegression& regression, MatrixIn targets, MatrixIn gaps, MatrixIn contrasts)
    : of_(regression),
      rows_(regression.rows_),
      n_(rows_.players),
      k_(targets.cols()),
      width_(contrasts.cols() == 0 ? n_ : 2 * n_),
      targets_(targets),
      gaps_(gaps),
      chunks_(regression.first_draw_.size() - 1) {
    // The unit of a contrast changes nothing but the eigenvalues, where far units would pass for a singular design.
    const Eigen::RowVectorXd size = contrasts.cwiseAbs().colwise().maxCoeff();
    z_ = contrasts.array().rowwise() / (size.array() > 0.0).select(size.array(), 1.0);
    project();
    find_basis();
}

// X_b' own for a matrix of rows of active players: the shared block, then the one that moves with z.
void MixedFit::add_scattered(Index b, const Eigen::MatrixXd& own, Eigen::MatrixXd& sum) const {
    const std::vector<Index>& active = rows_.active[b];
    for (Index j = 0; j < own.rows(); ++j) {
        sum.row(active[j]) += own.row(j);
        if (width_ > n_) sum.row(n_ + active[j]) += z_(b, active[j]) * own.row(j);
    }
}

// X_b full: rows of active players of the coefficients (width, any).
Eigen::MatrixXd MixedFit::gathered(Index b, const Eigen::MatrixXd& full) const {
    const std::vector<Index>& active = rows_.active[b];
    Eigen::MatrixXd own(static_cast<Index>(active.size()), full.cols());
    for (Index j = 0; j < own.rows(); ++j) {
        own.row(j) = full.row(active[j]);
        if (width_ > n_) own.row(j) += z_(b, active[j]) * full.row(n_ + active[j]);
    }
    return own;
}

void MixedFit::pairs_of(Index b, const std::vector<Index>& outputs, Eigen::MatrixXd& y, Vector& w) const {
    const Index first = rows_.draw_start[b];
    y.resize(count(b), static_cast<Index>(outputs.size()));
    w.resize(count(b));
    for (Index i = 0; i < y.rows(); ++i) {
        w[i] = rows_.weight[first + i] * of_.scale_[b];
        for (Index o = 0; o < y.cols(); ++o) y(i, o) = rows_.target(targets_, gaps_, first + i, outputs[o]);
    }
}

Eigen::MatrixXd MixedFit::responses_of(Index b, const std::vector<Index>& outputs) const {
    Eigen::MatrixXd some(responses_[b].rows(), static_cast<Index>(outputs.size()));
    for (Index o = 0; o < some.cols(); ++o) some.col(o) = responses_[b].col(outputs[o]);
    return some;
}

void MixedFit::project() {
    std::vector<Index> all(static_cast<std::size_t>(k_));
    std::iota(all.begin(), all.end(), Index{0});
    responses_.resize(static_cast<std::size_t>(rows_.draws));
    std::vector<Vector> squares(chunks_, Vector::Zero(k_));
    for_draws([&](std::size_t chunk, Index b) {
        Eigen::MatrixXd y;
        Vector w;
        pairs_of(b, all, y, w);
        const Eigen::MatrixXd plain = rows_.centred_active(b).transpose() * (w.asDiagonal() * y);
        responses_[b] = of_.shrink_ ? Eigen::MatrixXd(of_.vectors_[b].transpose() * plain) : plain;
        squares[chunk] += (w.asDiagonal() * y.cwiseAbs2()).colwise().sum().transpose();
    });
    squares_ = ordered_sum(squares);
}

// V diag V'; G_b itself where there are no spectra.
Eigen::MatrixXd MixedFit::own_gram(Index b, const Vector& diagonal) const {
    if (!of_.shrink_) {
        const Matrix u = rows_.centred_active(b);
        const Eigen::Map<const Vector> w(rows_.weight.data() + rows_.draw_start[b], u.rows());
        return of_.scale_[b] * (u.transpose() * w.asDiagonal() * u);
    }
    const Eigen::MatrixXd half = of_.vectors_[b] * diagonal.cwiseSqrt().asDiagonal();
    Eigen::MatrixXd product = Eigen::MatrixXd::Zero(half.rows(), half.rows());
    product.selfadjointView<Eigen::Lower>().rankUpdate(half);
    return product.selfadjointView<Eigen::Lower>();
}

// sum X' K X with K = lambda G M, M = (G + lambda)^-1; K = lambda^2 M G M when squared. (width, width)
Eigen::MatrixXd MixedFit::assemble(double lambda, bool squared) const {
    std::vector<Eigen::MatrixXd> sums(chunks_, Eigen::MatrixXd::Zero(width_, width_));
    for_draws([&](std::size_t chunk, Index b) {
        if (count(b) == 0) return;
        Vector diagonal;
        if (of_.shrink_) {
            diagonal = of_.values_[b];
            for (int power = 0; shrinks(lambda) && power < (squared ? 2 : 1); ++power)
                diagonal = diagonal.cwiseProduct(kept(b, lambda));
        }
        const Eigen::MatrixXd own = own_gram(b, diagonal);
        const std::vector<Index>& active = rows_.active[b];
        Eigen::MatrixXd& sum = sums[chunk];
        for (Index j = 0; j < own.cols(); ++j) {
            const Index column = active[j];
            const double z_column = width_ > n_ ? z_(b, column) : 0.0;
            for (Index i = 0; i < own.rows(); ++i) {
                const Index row = active[i];
                sum(row, column) += own(i, j);
                if (width_ == n_) continue;
                const double z_row = z_(b, row) * own(i, j);
                sum(n_ + row, column) += z_row;
                sum(n_ + row, n_ + column) += z_row * z_column;
            }
        }
    });
    Eigen::MatrixXd total = ordered_sum(sums);
    if (width_ > n_) total.topRightCorner(n_, n_) = total.bottomLeftCorner(n_, n_).transpose();
    return total;
}

// The directions of the coefficients that the pairs can tell; they are the same for every lambda.
void MixedFit::find_basis() {
    const Eigenpairs eigen = eigenpairs(assemble(std::numeric_limits<double>::infinity(), false));
    const Vector& values = eigen.values;
    const double least = rank_tolerance * std::max(values[width_ - 1], 1e-300);
    Index rank = 0;
    while (rank < width_ && values[width_ - 1 - rank] > least) ++rank;
    basis_ = eigen.vectors.rightCols(rank) * values.tail(rank).cwiseSqrt().cwiseInverse().asDiagonal();
}

MixedFit::Shared MixedFit::shared_at(double lambda) const {
    std::vector<Eigen::MatrixXd> sums(chunks_, Eigen::MatrixXd::Zero(width_, k_));
    std::vector<Vector> explained(chunks_, Vector::Zero(k_)), logs(chunks_, Vector::Zero(2));
    for_draws([&](std::size_t chunk, Index b) {
        if (count(b) == 0) return;
        if (!shrinks(lambda)) {
            add_scattered(b, responses_[b], sums[chunk]);
            return;
        }
        const Vector keep = kept(b, lambda);
        const Eigen::MatrixXd shrunk = keep.asDiagonal() * responses_[b];
        add_scattered(b, of_.vectors_[b] * shrunk, sums[chunk]);
        explained[chunk] += responses_[b].cwiseProduct(shrunk).colwise().sum().transpose() / lambda;
        logs[chunk][0] -= keep.array().log().sum();
        logs[chunk][1] += (1.0 - keep.array()).sum();
    });
    const Eigen::MatrixXd reduced = basis_.transpose() * assemble(lambda, false) * basis_;
    const Eigen::MatrixXd right = basis_.transpose() * ordered_sum(sums);
    const Vector log_sums = ordered_sum(logs);
    Shared shared{lambda, Eigen::LLT<Eigen::MatrixXd>(reduced), {}, {}, 0.0, log_sums[1]};
    require<NumericalError>(shared.factor.info() == Eigen::Success,
                            "the mixed regression became singular at lambda = ", lambda);
    shared.coefficients = shared.factor.solve(right);
    shared.squares =
        (squares_ - ordered_sum(explained) - shared.coefficients.cwiseProduct(right).colwise().sum().transpose());
    shared.squares = shared.squares.cwiseMax(1e-14 * squares_).cwiseMax(1e-300);
    const Vector pivots = Eigen::MatrixXd(shared.factor.matrixL()).diagonal();
    shared.log_det = log_sums[0] + 2.0 * pivots.array().log().sum();
    return shared;
}

double MixedFit::criterion(const Shared& shared, Index output) const {
    const double left = std::max(1.0, static_cast<double>(rows_.size() - basis_.cols()));
    return left * std::log(shared.squares[output] / left) + shared.log_det;
}

bool MixedFit::leaves_freedom(const Shared& shared) const {
    const double most = most_freedom * static_cast<double>(rows_.size());
    if (shared.freedom_of_draws > most) return false;
    if (shared.freedom_of_draws + static_cast<double>(basis_.cols()) <= most) return true;
    const Eigen::MatrixXd reduced = basis_.transpose() * assemble(shared.lambda, true) * basis_;
    return shared.freedom_of_draws + shared.factor.solve(reduced).trace() <= most;
}

// The best step of the grid for every output: every fourth, further down while that is better, then halfway twice.
Indices MixedFit::choose_steps() const {
    if (!of_.shrink_) return Indices::Constant(k_, pooled);
    constexpr double unknown = std::numeric_limits<double>::infinity();
    Matrix criteria = Matrix::Constant(grid, k_, unknown);
    std::vector<bool> seen(grid, false);
    const auto look = [&](Index step) {
        if (step < 0 || step >= grid || seen[step]) return;
        seen[step] = true;
        const Shared shared = shared_at(lambda_of(step));
        if (step < grid - 1 && !leaves_freedom(shared)) return;
        for (Index o = 0; o < k_; ++o) criteria(step, o) = criterion(shared, o);
    };
    const auto best = [&](Index output) {
        Index step;
        criteria.col(output).minCoeff(&step);
        return step;
    };
    const auto still_falls = [&](Index step) {
        for (Index o = 0; o < k_; ++o)
            if (best(o) == step) return true;
        return false;
    };
    for (Index step = grid - 1; step >= 0 && (step >= first_low || still_falls(step + 4)); step -= 4) look(step);
    for (const Index reach : {2, 1}) {
        Indices around(k_);
        for (Index o = 0; o < k_; ++o) around[o] = best(o);
        for (Index o = 0; o < k_; ++o)
            for (const Index step : {around[o] - reach, around[o] + reach}) look(step);
    }
    Indices steps(k_);
    for (Index o = 0; o < k_; ++o) steps[o] = best(o);
    return steps;
}

MixedEstimate MixedFit::estimate() const {
    MixedEstimate result;
    result.values = result.variance = result.background_variance = Matrix::Zero(n_, k_);
    result.shrinkage.resize(k_);
    result.residual_squares.resize(k_);
    const Indices steps = choose_steps();
    std::map<Index, std::vector<Index>> outputs_of;
    for (Index o = 0; o < k_; ++o) outputs_of[steps[o]].push_back(o);
    for (const auto& [step, outputs] : outputs_of)
        finish(step == pooled ? std::numeric_limits<double>::infinity() : lambda_of(step), outputs, result);
    return result;
}

}  // namespace pellucid
