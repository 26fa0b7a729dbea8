// The values of a mixed fit at the lambda that was chosen, and their variances.
#include <algorithm>
#include <cmath>

#include "pellucid/eigenpairs.hpp"
#include "pellucid/shapley/draw_spread.hpp"
#include "pellucid/shapley/mixed_fit.hpp"

namespace pellucid {
namespace {

constexpr double highest_leverage = 0.98;
// Above it the shared coefficients follow the pairs of a draw whatever they say.
constexpr double highest_shared_leverage = 0.5;
constexpr double least_freedom = 1e-6;  // of a direction of the residuals: below it they are rounding
constexpr Index most_pairs_left_out = 600;

// The residuals of a draw by the fit without it, (I - H)^-1 e with H = W^1/2 u hat u' W^1/2 (CR3 of Bell and McCaffrey,
// Survey Methodology 28, 2002). A draw far from all others would otherwise be fitted without error from a handful of
// pairs, and pass for known.
Eigen::MatrixXd left_out(const Eigen::MatrixXd& u, const Vector& w, const Eigen::MatrixXd& hat,
                         const Eigen::MatrixXd& error) {
    const Vector root = w.cwiseSqrt();
    const Eigen::MatrixXd rows = root.asDiagonal() * u;
    const Eigenpairs eigen = eigenpairs(rows * hat * rows.transpose());
    const Vector freedom = (1.0 - eigen.values.array()).max(least_freedom);
    const Eigen::MatrixXd rotated = eigen.vectors.transpose() * (root.asDiagonal() * error);
    return root.cwiseInverse().asDiagonal() * (eigen.vectors * freedom.cwiseInverse().asDiagonal() * rotated);
}

}  // namespace

// t_b (players, outputs).
Eigen::MatrixXd MixedFit::own_values(Index b, const Solution& solution) const {
    const std::vector<Index>& active = rows_.active[b];
    Eigen::MatrixXd values = Eigen::MatrixXd::Zero(n_, solution.coefficients.cols());
    if (active.empty()) return values;
    const Eigen::MatrixXd shared = gathered(b, solution.coefficients);
    Eigen::MatrixXd own = shared.rowwise() - shared.colwise().mean();
    if (shrinks(solution.lambda) && count(b) > 0) {
        const Eigen::MatrixXd& v = of_.vectors_[b];
        const Eigen::MatrixXd separate = of_.values_[b].cwiseInverse().asDiagonal() * responses_of(b, solution.outputs);
        if (rows_.complete[b])
            own = v * separate;
        else
            own += v * ((1.0 - kept(b, solution.lambda).array()).matrix().asDiagonal() *
                        (separate - v.transpose() * shared));
    }
    const auto size = static_cast<double>(active.size());
    for (Index j = 0; j < own.rows(); ++j)
        for (Index o = 0; o < own.cols(); ++o) values(active[j], o) = own(j, o) + gaps_(b, solution.outputs[o]) / size;
    return values;
}

// X_b' (w_b P_b R_b)' with R = lambda M, P R = P - V diag(g / (g + lambda)) V': how the values move with c. (width,
// players)
Eigen::MatrixXd MixedFit::own_to_values(Index b, double lambda) const {
    const std::vector<Index>& active = rows_.active[b];
    const auto size = static_cast<Index>(active.size());
    Eigen::MatrixXd operators = Eigen::MatrixXd::Constant(size, size, -1.0 / static_cast<double>(size));
    operators.diagonal().array() += 1.0;
    if (shrinks(lambda) && count(b) > 0) {
        const Eigen::MatrixXd& v = of_.vectors_[b];
        operators -= v * (1.0 - kept(b, lambda).array()).matrix().asDiagonal() * v.transpose();
    }
    Eigen::MatrixXd scattered = Eigen::MatrixXd::Zero(size, n_);
    for (Index j = 0; j < size; ++j) scattered.col(active[j]) = rows_.draw_weights[b] * operators.col(j);
    Eigen::MatrixXd sum = Eigen::MatrixXd::Zero(width_, n_);
    add_scattered(b, scattered, sum);
    return sum;
}

// X_b c + delta_b, (active players, outputs).
Eigen::MatrixXd MixedFit::own_fit(Index b, const Solution& solution) const {
    Eigen::MatrixXd fit = gathered(b, solution.coefficients);
    if (!shrinks(solution.lambda)) return fit;
    const Eigen::MatrixXd& v = of_.vectors_[b];
    const Vector shrink = kept(b, solution.lambda) / solution.lambda;
    const Eigen::MatrixXd moved = of_.values_[b].asDiagonal() * (v.transpose() * fit);
    fit += v * (shrink.asDiagonal() * (responses_of(b, solution.outputs) - moved));
    return fit;
}

MixedFit::Sampling MixedFit::sampling_of(Index b, const Solution& solution) const {
    const std::vector<Index>& active = rows_.active[b];
    const auto size = static_cast<Index>(active.size()), outputs = static_cast<Index>(solution.outputs.size());
    const double weight = rows_.draw_weights[b];
    const Eigen::MatrixXd nothing = Eigen::MatrixXd::Zero(n_, outputs);
    if (rows_.complete[b]) return {nothing, nothing};
    const Eigen::MatrixXd own_half = gathered(b, solution.half);
    const Eigen::MatrixXd shared = gathered(b, solution.coefficients);
    if (count(b) == 0) {
        // Not played: nothing tells what the fit gets wrong about a draw that would have moved it.
        if (own_half.squaredNorm() * of_.scale_[b] / std::max(rows_.expected[b], 1.0) > 1.0) {
            Eigen::MatrixXd variance = nothing;
            const Eigen::MatrixXd centred = shared.rowwise() - shared.colwise().mean();
            for (Index j = 0; j < size; ++j) variance.row(active[j]) = (weight * centred.row(j)).cwiseAbs2();
            return {variance, nothing};
        }
        return {nothing, nothing};
    }

    // In the coordinates of the draw: M = diag(shrink), R = diag(keep); without effects of the draws M = 0 and R = I.
    const bool own_effect = shrinks(solution.lambda);
    const Eigen::MatrixXd v = own_effect ? of_.vectors_[b] : Eigen::MatrixXd(Eigen::MatrixXd::Identity(size, size));
    const Vector keep = own_effect ? kept(b, solution.lambda) : Vector(Vector::Ones(size));
    const Vector shrink = own_effect ? Vector(keep / solution.lambda) : Vector(Vector::Zero(size));
    Eigen::MatrixXd y;
    Vector w;
    pairs_of(b, solution.outputs, y, w);
    const Eigen::MatrixXd u = rows_.centred_active(b) * v;                             // (pairs, r)
    const Eigen::MatrixXd kept_half = keep.asDiagonal() * (v.transpose() * own_half);  // R X A^+ X' R = its square
    const Eigen::MatrixXd error = y - u * (v.transpose() * own_fit(b, solution));
    // L = w (w_b M + S A^+ X' R) u, a row for each pair
    Eigen::MatrixXd operators = kept_half * solution.shared_to_values.transpose();
    for (Index j = 0; j < size; ++j) operators.col(active[j]) += weight * shrink.cwiseProduct(v.row(j).transpose());
    const Eigen::MatrixXd per_pair = w.asDiagonal() * (u * operators);
    const Vector shared_leverage = (u * kept_half).cwiseAbs2().rowwise().sum().cwiseProduct(w);
    const Vector leverage = shared_leverage + (u.cwiseAbs2() * shrink).cwiseProduct(w);
    const Eigen::Map<const Vector> missing(rows_.missing.data() + rows_.draw_start[b], u.rows());
    const Eigen::MatrixXd correction = per_pair.transpose() * (missing.cwiseProduct(leverage).asDiagonal() * error);
    const bool others = rows_.draws > 1 && u.rows() <= most_pairs_left_out;
    if (others && shared_leverage.maxCoeff() > highest_shared_leverage) {
        Eigen::MatrixXd hat = kept_half * kept_half.transpose();
        hat.diagonal() += shrink;
        const Eigen::MatrixXd without = left_out(u, w, hat, error);
        // The errors of a draw have one cause and add up; where they cancel by chance, they count one by one.
        const Eigen::MatrixXd together = (per_pair.transpose() * without).cwiseAbs2();
        const Eigen::MatrixXd apart = per_pair.cwiseAbs2().transpose() * without.cwiseAbs2();
        return {missing.maxCoeff() * together.cwiseMax(apart), correction};
    }
    Eigen::MatrixXd scaled = error;
    for (Index i = 0; i < error.rows(); ++i)
        scaled.row(i) = missing[i] * (error.row(i) / (1.0 - std::min(leverage[i], highest_leverage))).cwiseAbs2();
    return {per_pair.cwiseAbs2().transpose() * scaled, correction};
}

MixedFit::Solution MixedFit::solution_at(const Shared& shared, const std::vector<Index>& outputs) const {
    Solution solution{shared.lambda, outputs, Eigen::MatrixXd(width_, static_cast<Index>(outputs.size())), {}, {}};
    for (Index o = 0; o < solution.coefficients.cols(); ++o)
        solution.coefficients.col(o) = basis_ * shared.coefficients.col(outputs[o]);
    return solution;
}

Matrix MixedFit::residuals(VectorIn shrinkage) const {
    Matrix result(rows_.size(), k_);
    for (Index o = 0; o < k_; ++o) {
        const double lambda = of_.shrink_ ? shrinkage[o] : std::numeric_limits<double>::infinity();
        const Solution solution = solution_at(shared_at(lambda), {o});
        for_draws([&](std::size_t, Index b) {
            if (count(b) == 0) return;
            Eigen::MatrixXd y;
            Vector w;
            pairs_of(b, solution.outputs, y, w);
            const Eigen::MatrixXd error = y - rows_.centred_active(b) * own_fit(b, solution);
            for (Index i = 0; i < error.rows(); ++i) result(rows_.position[rows_.draw_start[b] + i], o) = error(i, 0);
        });
    }
    return result;
}

void MixedFit::finish(double lambda, const std::vector<Index>& outputs, MixedEstimate& result) const {
    const auto some = static_cast<Index>(outputs.size());
    const Shared shared = shared_at(lambda);
    Solution solution = solution_at(shared, outputs);

    std::vector<Eigen::MatrixXd> sums(chunks_, Eigen::MatrixXd::Zero(n_, some));
    std::vector<Eigen::MatrixXd> to_values(chunks_, Eigen::MatrixXd::Zero(width_, n_));
    std::vector<DrawSpread> spreads(chunks_, DrawSpread(n_, some));
    for_draws([&](std::size_t chunk, Index b) {
        const Eigen::MatrixXd values = own_values(b, solution);
        sums[chunk] += rows_.draw_weights[b] * values;
        spreads[chunk].add(values, rows_.draw_weights[b]);
        const bool exact = rows_.complete[b] && shrinks(lambda);
        if (!exact && !rows_.active[b].empty()) to_values[chunk] += own_to_values(b, lambda);
    });
    const Eigen::MatrixXd values = ordered_sum(sums);
    for (std::size_t c = 1; c < chunks_; ++c) spreads[0].add(spreads[c]);
    const Matrix background = spreads[0].variance(values);

    solution.half = shared.factor.matrixL().solve(basis_.transpose()).transpose();
    solution.shared_to_values = ordered_sum(to_values).transpose() * solution.half;
    std::vector<Eigen::MatrixXd> variances(chunks_, Eigen::MatrixXd::Zero(n_, some)), corrections = variances;
    for_draws([&](std::size_t chunk, Index b) {
        const Sampling sampling = sampling_of(b, solution);
        variances[chunk] += sampling.variance;
        corrections[chunk] += sampling.correction;
    });
    const Eigen::MatrixXd variance = ordered_sum(variances), correction = ordered_sum(corrections);

    for (Index o = 0; o < some; ++o) {
        const Index output = outputs[o];
        result.values.col(output) = values.col(o) + correction.col(o);
        result.variance.col(output) = variance.col(o);
        result.background_variance.col(output) = background.col(o);
        result.shrinkage[output] = lambda;
        result.residual_squares[output] = squares_[output] > 0.0 ? shared.squares[output] / squares_[output] : 0.0;
    }
}

}  // namespace pellucid
