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
namespace {

Vector pairs_per_size(Index players, double pairs) {
    const Index half = players / 2;
    if (half == 0) return Vector();
    Vector weights = Vector::Constant(half, 2.0), caps(half);
    if (2 * half == players) weights[half - 1] = 1.0;
    for (Index s = 1; s <= half; ++s) caps[s - 1] = pairs_of_size(players, s);
    return saturating_shares(weights, caps, pairs);
}

}  // namespace

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

PairPlan::PairPlan(const std::vector<Index>& players, VectorIn draw_weights, double pairs) {
    const Index draws = draw_weights.size();
    Vector caps(draws);
    for (Index b = 0; b < draws; ++b) caps[b] = all_pairs(players[static_cast<std::size_t>(b)]);
    const Vector per_draw = saturating_shares(draw_weights, caps, pairs);
    std::map<std::pair<double, Index>, std::size_t> kinds;
    for (Index b = 0; b < draws; ++b) {
        const Index n = players[static_cast<std::size_t>(b)];
        const auto [place, is_new] = kinds.try_emplace({per_draw[b], n}, by_kind_.size());
        if (is_new) by_kind_.push_back(pairs_per_size(n, per_draw[b]));
        kind_.push_back(place->second);
    }
}

PairedDesign::PairedDesign(std::uint64_t seed, Index players, VectorIn draw_weights)
    : PairedDesign(seed, Masks::Ones(draw_weights.size(), players), draw_weights) {}

PairedDesign::PairedDesign(std::uint64_t seed, MasksIn active, VectorIn draw_weights)
    : seed_(seed), players_(active.cols()), weights_(draw_weights) {
    require(players_ >= 2, "a design needs at least 2 players, got ", players_);
    require(draw_weights.size() >= 1, "a design needs at least one draw");
    require(active.rows() == draw_weights.size(), "active must have a row for each of the ", draw_weights.size(),
            " draws, got ", active.rows());
    require((draw_weights.array() > 0.0).all() && draw_weights.allFinite(), "draw_weights must be positive and finite");
    weights_ /= weights_.sum();
    std::map<std::vector<Index>, std::size_t> kinds;
    for (Index b = 0; b < active.rows(); ++b) {
        std::vector<Index> players;
        for (Index j = 0; j < players_; ++j)
            if (active(b, j) != 0) players.push_back(j);
        const auto [place, is_new] = kinds.try_emplace(players, kinds_.size());
        if (is_new) kinds_.push_back(players);
        kind_.push_back(place->second);
    }
}

bool PairedDesign::complete(Index draw) const {
    const double there = all_pairs(static_cast<Index>(active(draw).size()));
    return there == 0.0 || (!empty_ && plan_.pairs_per_draw(draw) >= there);
}

bool PairedDesign::complete() const {
    double there = 0.0;
    for (Index b = 0; b < draws_count(); ++b) there += all_pairs(static_cast<Index>(active(b).size()));
    return static_cast<double>(pairs()) >= there;
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
    Index half = 1;
    for (const auto& players : kinds_) half = std::max(half, static_cast<Index>(players.size()) / 2);
    const auto shuffled = [&](std::uint64_t row, Index count) {
        std::vector<Index> places(static_cast<std::size_t>(count));
        std::iota(places.begin(), places.end(), Index{0});
        RowStream(seed_, 0, row, StreamOf::rounding).shuffle(places);
        return places;
    };
    const double jitter = RowStream(seed_, 0, 0, StreamOf::rounding).uniform();
    const std::vector<Index> size_place = shuffled(1, half), draw_place = shuffled(2, draws);

    // u = frac(size_place / half + draw_place / draws), equally spaced over the sizes of a draw and over the draws of a
    // size. Where numbers of both coincide, `apart` spreads them over the gap to the next: all are equally spaced too.
    std::vector<Cell> cells;
    total = 0;
    const Index together = std::gcd(half, draws), places = std::lcm(half, draws);
    for (Index b = 0; b < draws; ++b) {
        const auto n = static_cast<Index>(active(b).size());
        poll_interrupt();
        for (Index s = 1; s <= n / 2; ++s) {
            const Index step = (size_place[s - 1] * (places / half) + draw_place[b] * (places / draws)) % places;
            const Index apart = size_place[s - 1] / (half / together);
            const double within = (static_cast<double>(apart) + jitter) / static_cast<double>(together);
            const double u = (static_cast<double>(step) + within) / static_cast<double>(places);
            const double cap = pairs_of_size(n, s);
            const auto held = [&](const PairPlan& plan) {
                return static_cast<Index>(std::min(std::floor(plan.expected(b, s) + u), cap));
            };
            const Index now = held(target);
            const Index before = empty_ ? 0 : held(plan_);
            total += now;
            if (now > before) cells.push_back({b, s, before, now - before});
        }
    }
    return cells;
}

void PairedDesign::write_cell(const Cell& cell, Index row) {
    const std::vector<Index>& players = active(cell.draw);
    const auto n = static_cast<Index>(players.size());
    const auto draw = static_cast<std::uint64_t>(cell.draw);
    std::uint8_t* masks = masks_.data() + row * players_;
    std::fill_n(draws_.begin() + row, cell.count, cell.draw);
    std::fill_n(sizes_.begin() + row, cell.count, static_cast<std::int32_t>(cell.size));
    if (n == players_) {
        random_subsets(seed_, draw, n, cell.size, cell.first, cell.count, masks);
        return;
    }
    std::vector<std::uint8_t> own(static_cast<std::size_t>(cell.count * n));
    random_subsets(seed_, draw, n, cell.size, cell.first, cell.count, own.data());
    std::fill_n(masks, cell.count * players_, std::uint8_t{0});
    for (Index i = 0; i < cell.count; ++i)
        for (Index j = 0; j < n; ++j) masks[i * players_ + players[j]] = own[i * n + j];
}

void PairedDesign::grow(Index limit) {
    require(limit >= pairs(), "a design cannot shrink: it has ", pairs(), " pairs, asked for ", limit);
    std::vector<Index> players;
    for (const std::size_t kind : kind_) players.push_back(static_cast<Index>(kinds_[kind].size()));
    double target = static_cast<double>(limit);
    Index total = 0;
    PairPlan plan(players, weights_, target);
    std::vector<Cell> cells = missing_cells(plan, total);
    // The rounding may pass the limit by a few pairs: ask for a little less, never for less than there is.
    while (total > limit) {
        target -= static_cast<double>(total - limit) + 0.5;
        if (target <= 0.0) return;
        plan = PairPlan(players, weights_, target);
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
    try {
        parallel_for(static_cast<Index>(cells.size()), 16, [&](Index first, Index last) {
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
