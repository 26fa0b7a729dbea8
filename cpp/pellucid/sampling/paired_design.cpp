#include "pellucid/sampling/paired_design.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"
#include "pellucid/random.hpp"
#include "pellucid/sampling/coalitions.hpp"

namespace pellucid {

Vector saturating_shares(VectorIn weights, VectorIn caps, double total) {
    const Index n = weights.size();
    require(caps.size() == n, "caps must have ", n, " entries like weights, got ", caps.size());
    require((weights.array() > 0.0).all() && (caps.array() >= 0.0).all() && total >= 0.0,
            "weights must be positive, caps and total must not be negative");
    std::vector<Index> order(static_cast<std::size_t>(n));
    std::iota(order.begin(), order.end(), Index{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](Index a, Index b) { return caps[a] * weights[b] < caps[b] * weights[a]; });

    Vector open(n);  // what the place and those after it weigh
    double weight = 0.0;
    for (Index t = n; t-- > 0;) open[t] = weight += weights[order[t]];

    // The places are saturated one by one; from the first that has room at the rate of the rest, all have.
    double rate = std::numeric_limits<double>::infinity();
    double left = total;
    for (Index t = 0; t < n; ++t) {
        const double cap = caps[order[t]];
        if (left / open[t] * weights[order[t]] <= cap) {
            rate = left / open[t];
            break;
        }
        left = std::max(0.0, left - cap);
    }
    return (rate * weights).cwiseMin(caps);
}

PairPlan::PairPlan(Index players, VectorIn draw_weights, double pairs) {
    const Index half = players / 2;
    Vector size_weights = Vector::Constant(half, 2.0);
    if (2 * half == players) size_weights[half - 1] = 1.0;
    Vector size_caps(half);
    for (Index s = 1; s <= half; ++s) size_caps[s - 1] = pairs_of_size(players, s);

    const Vector caps = Vector::Constant(draw_weights.size(), all_pairs(players));
    const Vector per_draw = saturating_shares(draw_weights, caps, pairs);
    std::map<double, std::size_t> kinds;
    for (Index b = 0; b < draw_weights.size(); ++b) {
        const auto [place, is_new] = kinds.try_emplace(per_draw[b], by_kind_.size());
        if (is_new) by_kind_.push_back(saturating_shares(size_weights, size_caps, per_draw[b]));
        kind_.push_back(place->second);
    }
}

PairedDesign::PairedDesign(std::uint64_t seed, Index players, VectorIn draw_weights)
    : seed_(seed), players_(players), weights_(draw_weights) {
    require(players >= 2, "a design needs at least 2 players, got ", players);
    require(draw_weights.size() >= 1, "a design needs at least one draw");
    require((draw_weights.array() > 0.0).all() && draw_weights.allFinite(), "draw_weights must be positive and finite");
    weights_ /= weights_.sum();
}

bool PairedDesign::complete() const {
    return !empty_ && static_cast<double>(pairs()) >= all_pairs(players_) * static_cast<double>(weights_.size());
}

void PairedDesign::check_range(Index first, Index last) const {
    require(first >= 0 && first <= last && last <= pairs(), "pairs ", first, " to ", last, " do not exist: there are ",
            pairs());
}

Masks PairedDesign::pair_masks(Index first, Index last) const {
    check_range(first, last);
    Masks result(2 * (last - first), players_);
    const Eigen::Map<const Masks> smaller(masks_.data() + first * players_, last - first, players_);
    for (Index i = 0; i < last - first; ++i) {
        result.row(2 * i) = smaller.row(i);
        result.row(2 * i + 1) = smaller.row(i).unaryExpr([](std::uint8_t in) { return std::uint8_t(1 - in); });
    }
    return result;
}

Indices PairedDesign::pair_draws(Index first, Index last) const {
    check_range(first, last);
    Indices result(2 * (last - first));
    for (Index i = first; i < last; ++i) result.segment(2 * (i - first), 2).setConstant(draws_[i]);
    return result;
}

std::vector<PairedDesign::Cell> PairedDesign::missing_cells(const PairPlan& target, Index& total) const {
    const Index draws = weights_.size();
    const Index half = players_ / 2;
    RowStream level_stream(seed_, 0, 0, StreamOf::rounding);
    std::vector<Index> level(static_cast<std::size_t>(half));
    std::iota(level.begin(), level.end(), Index{0});
    level_stream.shuffle(level);
    const double jitter = level_stream.uniform();

    std::vector<Cell> cells;
    std::vector<Index> place(static_cast<std::size_t>(draws));
    total = 0;
    for (Index s = 1; s <= half; ++s) {
        std::iota(place.begin(), place.end(), Index{0});
        RowStream(seed_, 0, static_cast<std::uint64_t>(s), StreamOf::rounding).shuffle(place);
        poll_interrupt();
        const double within = (static_cast<double>(level[s - 1]) + jitter) / static_cast<double>(half);
        const double cap = pairs_of_size(players_, s);
        for (Index b = 0; b < draws; ++b) {
            const double u = (static_cast<double>(place[b]) + within) / static_cast<double>(draws);
            const auto held = [&](const PairPlan& plan) {
                return static_cast<Index>(std::min(std::floor(plan.expected(b, s) + u), cap));
            };
            const Index now = held(target);
            const Index before = empty_ ? 0 : held(plan_);
            total += now;
            if (now > before) cells.push_back({b, s, before, now - before});
        }
    }
    std::stable_sort(cells.begin(), cells.end(), [](const Cell& a, const Cell& b) { return a.draw < b.draw; });
    return cells;
}

void PairedDesign::grow(Index limit) {
    require(limit >= pairs(), "a design cannot shrink: it has ", pairs(), " pairs, asked for ", limit);
    double target = static_cast<double>(limit);
    Index total = 0;
    PairPlan plan(players_, weights_, target);
    std::vector<Cell> cells = missing_cells(plan, total);
    // The rounding may pass the limit by a few pairs: ask for a little less, never for less than there is.
    while (total > limit) {
        target -= static_cast<double>(total - limit) + 0.5;
        if (target <= 0.0) return;
        plan = PairPlan(players_, weights_, target);
        cells = missing_cells(plan, total);
    }
    if (total < pairs()) return;

    const Index old_pairs = pairs();
    std::vector<Index> start;
    Index next = old_pairs;
    for (const Cell& cell : cells) {
        start.push_back(next);
        next += cell.count;
    }
    masks_.resize(static_cast<std::size_t>(checked_product(next, players_, "the design")));
    draws_.resize(static_cast<std::size_t>(next));
    sizes_.resize(static_cast<std::size_t>(next));
    const auto write_cell = [&](const Cell& cell, Index row) {
        random_subsets(seed_, static_cast<std::uint64_t>(cell.draw), players_, cell.size, cell.first, cell.count,
                       masks_.data() + row * players_);
        std::fill_n(draws_.begin() + row, cell.count, cell.draw);
        std::fill_n(sizes_.begin() + row, cell.count, static_cast<std::int32_t>(cell.size));
    };
    try {
        parallel_for(static_cast<Index>(cells.size()), 1, [&](Index first, Index last) {
            for (Index c = first; c < last; ++c)
                write_cell(cells[static_cast<std::size_t>(c)], start[static_cast<std::size_t>(c)]);
        });
    } catch (...) {
        // An interrupted design stays what it was, and can grow later.
        masks_.resize(static_cast<std::size_t>(old_pairs * players_));
        draws_.resize(static_cast<std::size_t>(old_pairs));
        sizes_.resize(static_cast<std::size_t>(old_pairs));
        throw;
    }
    plan_ = plan;
    empty_ = false;
}

}  // namespace pellucid
