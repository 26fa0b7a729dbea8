#include "pellucid/shapley/interaction_regression.hpp"

#include <algorithm>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"
#include "pellucid/shapley/pair_rows.hpp"

namespace pellucid {
namespace {

constexpr Index chunks_at_most = 8;   // partial sums held at once: fixed, so that the bits are
constexpr Index rows_at_once = 1024;  // of a dense block of cuts
constexpr double most_work = 3.0e10;  // multiplications that the fit may take
constexpr double most_held = 0x1p27;  // doubles in the factors of all draws
// In units of the mean squared length of a row. They gave the smallest variances on boosted trees and support vector
// machines, and there is no bias to pay for them.
constexpr double tiny_ridge = 1e-9, own_ridge = 0.05, common_ridge = 0.3;
constexpr double highest_leverage = 0.98;

}  // namespace

InteractionRegression::InteractionRegression(MasksIn masks, IndicesIn draws, VectorIn expected, MasksIn active,
                                             VectorIn draw_weights, double enough)
    : rows_(masks, draws, expected, active, draw_weights), leverage_(Vector::Zero(masks.rows())) {
    const Index per_chunk = std::max<Index>(1, (rows_.size() + chunks_at_most - 1) / chunks_at_most);
    first_draw_.push_back(0);
    for (Index b = 1; b <= rows_.draws(); ++b)
        if (b == rows_.draws() || rows_.draw_start[b] - rows_.draw_start[first_draw_.back()] >= per_chunk)
            first_draw_.push_back(b);
    choose_ridges(enough);
    if (!fitted_) return;
    factorise();
    find_leverages();
}

void InteractionRegression::choose_ridges(double pairs_per_edge) {
    own_.resize(static_cast<std::size_t>(rows_.draws()));
    const auto edges = static_cast<double>(rows_.edges);
    double work = 0.0, held = 0.0, all_squares = 0.0;
    for (Index b = 0; b < rows_.draws(); ++b) {
        const double n = rows_.active_count[b], own_edges = n * (n - 1.0) / 2.0;
        const auto count = static_cast<double>(rows_.count(b));
        const bool enough = count >= pairs_per_edge * own_edges;
        shrunk_ = shrunk_ || !enough;
        if (rows_.count(b) == 0) continue;
        double squares = 0.0;  // of the lengths of the rows: S cuts s (n - s) edges
        for (Index row = rows_.draw_start[b]; row < rows_.draw_start[b + 1]; ++row)
            squares += 0.25 * rows_.root[row] * rows_.root[row] * rows_.sizes[row] * (n - rows_.sizes[row]);
        all_squares += squares;
        own_[b].ridge = (enough ? tiny_ridge : own_ridge) * squares / count;
        own_[b].in_rows = !enough && count < edges;
        const double smaller = own_[b].in_rows ? count : edges;
        held += smaller * smaller;
        work += count * edges * (edges + smaller);
    }
    common_ = shrunk_ && rows_.draws() > 1;
    common_ridge_ = common_ridge * all_squares / std::max(1.0, static_cast<double>(rows_.size()));
    fitted_ = rows_.size() > 0 && work <= most_work && held <= most_held;
}

template <typename Body>
void InteractionRegression::for_draws(const Body& body) const {
    const auto run = [&](Index chunk) {
        for (Index b = first_draw_[chunk]; b < first_draw_[chunk + 1]; ++b) {
            body(static_cast<std::size_t>(chunk), b);
            poll_interrupt();
        }
    };
    const auto chunks = static_cast<Index>(first_draw_.size()) - 1;
    if (chunks == 1)
        run(0);  // the parallel work is inside
    else
        parallel_for(chunks, 1, [&](Index chunk, Index) { run(chunk); });
}

template <typename Body>
void InteractionRegression::for_blocks(Index b, const Body& body) const {
    // A system in the rows needs them all at once; there are fewer of them than edges then.
    const Index last = rows_.draw_start[b + 1], step = own_[b].in_rows ? rows_.count(b) : rows_at_once;
    for (Index first = rows_.draw_start[b]; first < last; first += step) {
        body(first, rows_.cuts(b, first, std::min(step, last - first)));
        poll_interrupt();
    }
}

// T U, in rows of U.
Matrix InteractionRegression::reduced(Index b, const Matrix& u) const {
    const Own& own = own_[b];
    if (own.in_rows) return own.factor->solve(u);
    return own.ridge * own.factor->solve(u.transpose()).transpose();
}

void InteractionRegression::factorise() {
    const Index edges = rows_.edges;
    const std::size_t chunks = common_ ? first_draw_.size() - 1 : 0;
    std::vector<Matrix> grams(chunks, Matrix::Zero(edges, edges));
    for_draws([&](std::size_t chunk, Index b) {
        if (rows_.count(b) == 0) return;
        Own& own = own_[b];
        if (own.in_rows) {
            const Matrix u = rows_.cuts(b, rows_.draw_start[b], rows_.count(b));
            Matrix system = Matrix::Zero(u.rows(), u.rows());
            add_gram(u.transpose(), Vector::Constant(edges, 1.0 / own.ridge), system);
            system.triangularView<Eigen::StrictlyUpper>() = system.transpose();
            own.factor.emplace(system, 1.0);
        } else {
            Matrix system = Matrix::Zero(edges, edges);
            for_blocks(b, [&](Index, const Matrix& u) { add_gram(u, Vector::Ones(u.rows()), system); });
            system.triangularView<Eigen::StrictlyUpper>() = system.transpose();
            own.factor.emplace(system, own.ridge);
        }
        if (common_)
            for_blocks(b, [&](Index, const Matrix& u) { grams[chunk].noalias() += u.transpose() * reduced(b, u); });
    });
    if (!common_) return;
    for (std::size_t c = 1; c < chunks; ++c) grams[0] += grams[c];
    common_factor_.emplace(grams[0], common_ridge_);
}

void InteractionRegression::find_leverages() {
    for_draws([&](std::size_t, Index b) {
        if (rows_.count(b) == 0) return;
        for_blocks(b, [&](Index first, const Matrix& u) {
            // 1 - diag(T - T U A^-1 U' T) with 1 - diag T = diag(T U U') / ridge.
            const Matrix t = reduced(b, u);
            Vector leverage = t.cwiseProduct(u).rowwise().sum() / own_[b].ridge;
            if (common_)
                leverage +=
                    common_factor_->solve(t.transpose()).cwiseProduct(t.transpose()).colwise().sum().transpose();
            leverage_.segment(first, u.rows()) = leverage.cwiseMin(highest_leverage);
        });
    });
}

InteractionRegression::OwnFit InteractionRegression::own_fit(Index b, const Matrix& y) const {
    const Own& own = own_[b];
    if (own.in_rows) {
        OwnFit fit{own.factor->solve(y), {}};
        fit.coefficients = rows_.to_edges(b, fit.error) / own.ridge;
        return fit;
    }
    OwnFit fit{{}, own.factor->solve(rows_.to_edges(b, y))};
    fit.error = y - rows_.of_edges(b, fit.coefficients);
    return fit;
}

Matrix InteractionRegression::common_fit(const std::vector<Matrix>& y) const {
    std::vector<Matrix> right(first_draw_.size() - 1, Matrix::Zero(rows_.edges, y.front().cols()));
    for_draws([&](std::size_t chunk, Index b) {
        if (rows_.count(b) > 0) right[chunk] += rows_.to_edges(b, own_fit(b, y[static_cast<std::size_t>(b)]).error);
    });
    for (std::size_t c = 1; c < right.size(); ++c) right[0] += right[c];
    return common_factor_->solve(right[0]);
}

InteractionEstimate InteractionRegression::solve(MatrixIn targets) const {
    require(targets.rows() == rows_.size(), "targets must have a row for each of the ", rows_.size(), " pairs, got ",
            targets.rows());
    const Index k = targets.cols(), n = rows_.players;
    std::vector<Matrix> y(static_cast<std::size_t>(rows_.draws()));
    for (Index b = 0; b < rows_.draws(); ++b) {
        y[b].resize(rows_.count(b), k);
        for (Index r = 0; r < rows_.count(b); ++r)
            y[b].row(r) = rows_.root[rows_.draw_start[b] + r] * targets.row(rows_.position[rows_.draw_start[b] + r]);
    }
    const Matrix common = common_ && fitted_ ? common_fit(y) : Matrix::Zero(rows_.edges, k);

    const Matrix none = Matrix::Zero(rows_.edges, k);
    const InteractionEstimate zero{none, none, none, Matrix::Zero(n, k)};
    std::vector<InteractionEstimate> parts(first_draw_.size() - 1, zero);
    for_draws([&](std::size_t chunk, Index b) {
        if (fitted_ && common_) {
            Index edge = 0;
            for (Index i = 0; i < n; ++i)
                for (Index j = i + 1; j < n; ++j, ++edge)
                    parts[chunk].values.row(edge) +=
                        rows_.draw_weights[b] * rows_.active(b, i) * rows_.active(b, j) * common.row(edge);
        }
        if (rows_.count(b) == 0) return;
        Matrix error = y[b];
        if (fitted_) {
            if (common_) error -= rows_.of_edges(b, common);
            OwnFit fit = own_fit(b, error);
            parts[chunk].values += rows_.draw_weights[b] * fit.coefficients;
            error = std::move(fit.error);
        }
        const Index first = rows_.draw_start[b], count = rows_.count(b);
        error = rows_.root.segment(first, count).cwiseInverse().asDiagonal() * error;
        const Vector h = leverage_.segment(first, count);
        const Vector left_out = (1.0 - h.array()).inverse();
        const Vector missing = rows_.missing.segment(first, count);
        const Vector to_correct = 1.0 + missing.array() * (left_out.array() - 1.0);
        rows_.add_shares(b, to_correct.asDiagonal() * error, left_out.asDiagonal() * error, parts[chunk]);
    });
    for (std::size_t c = 1; c < parts.size(); ++c) {
        parts[0].values += parts[c].values;
        parts[0].variance += parts[c].variance;
        parts[0].squares += parts[c].squares;
        parts[0].sum_variance += parts[c].sum_variance;
    }
    return parts[0];
}

}  // namespace pellucid
