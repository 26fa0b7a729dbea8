#include "pellucid/shapley/tree_marginal.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"
#include "pellucid/shapley/tree_marginal_tables.hpp"

namespace pellucid {
namespace {

constexpr Index largest_table = 16;
constexpr Index few_rows = 16, most_kept_bytes = Index{128} << 20;

// Tables pay the more, the more patterns there are to pair off.
Index default_table_players(Index background_rows) {
    return background_rows <= 200 ? 14 : background_rows <= 2000 ? 15 : largest_table;
}

std::vector<std::int64_t> weight_units(const VectorIn& weights) {
    std::vector<std::int64_t> units(static_cast<std::size_t>(weights.size()));
    for (Index i = 0; i < weights.size(); ++i)
        units[static_cast<std::size_t>(i)] = static_cast<std::int64_t>(std::llround(weights[i] / weight_unit));
    return units;
}

double harmonic(Index n) {
    double sum = 0.0;
    for (Index i = 1; i <= n; ++i) sum += 1.0 / static_cast<double>(i);
    return sum;
}

}  // namespace

MarginalShapley::MarginalShapley(const Forest& forest, const ColumnsIn& player_of_feature, Index players,
                                 const MatrixIn& background, const VectorIn& weights, Index table_players)
    : forest_(forest), cells_(forest), players_(players), base_(forest.base()) {
    require(player_of_feature.size() == forest.features(), "player_of_feature must have an entry for each of ",
            forest.features(), " features, got ", player_of_feature.size());
    require(players >= 1 && players <= forest.features(), "players must be 1 to the number of features, ",
            forest.features(), ", got ", players);
    require(background.rows() >= 1 && background.cols() == forest.features(), "background must have rows of ",
            forest.features(), " features, got ", background.rows(), " x ", background.cols());
    require(weights.size() == background.rows() && weights.allFinite() && weights.minCoeff() >= 0.0 &&
                std::abs(weights.sum() - 1.0) <= 1e-6,
            "weights must be one number for each of ", background.rows(), " background rows, none negative, of sum 1");
    require(table_players >= 0 && table_players <= largest_table, "table_players must be 1 to ", largest_table,
            ", or 0 for the default, got ", table_players);
    find_players(player_of_feature);
    find_patterns(background, weights, table_players > 0 ? table_players : default_table_players(background.rows()));
    find_base();
    find_error_bounds(background.rows());
}

void MarginalShapley::find_players(const ColumnsIn& player_of_feature) {
    std::vector<std::int32_t> place(static_cast<std::size_t>(players_), -1);
    std::vector<bool> named(static_cast<std::size_t>(players_));
    for (Index f = 0; f < player_of_feature.size(); ++f) {
        const std::int32_t player = player_of_feature[f];
        require(player >= 0 && player < players_, "player_of_feature must be 0 to ", players_ - 1, ", got ", player,
                " for feature ", f);
        named[static_cast<std::size_t>(player)] = true;
        if (cells_.slot_of(f) >= 0) place[static_cast<std::size_t>(player)] = 0;
    }
    for (Index i = 0; i < players_; ++i) {
        require(named[static_cast<std::size_t>(i)], "player ", i, " has no feature in player_of_feature");
        if (place[static_cast<std::size_t>(i)] < 0) continue;
        place[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(used_players_.size());
        used_players_.push_back(static_cast<std::int32_t>(i));
    }
    for (const std::int32_t feature : cells_.used())
        player_of_slot_.push_back(place[static_cast<std::size_t>(player_of_feature[feature])]);
}

void MarginalShapley::find_patterns(const MatrixIn& background, const VectorIn& weights, Index table_players) {
    const Index rows = background.rows(), slots = static_cast<Index>(cells_.used().size());
    const std::vector<std::int64_t> units = weight_units(weights);
    std::vector<std::int32_t> cells(static_cast<std::size_t>(checked_product(rows, slots, "cells of the background")));
    parallel_for(rows, 256, [&](Index first, Index last) {
        cells_.rank(background, first, last - first, cells.data() + first, rows);
    });
    find_constant_players(cells.data(), rows, units);
    plans_.resize(static_cast<std::size_t>(forest_.trees()));
    backgrounds_.resize(plans_.size());
    parallel_for(forest_.trees(), 4, [&](Index first, Index last) {
        MarginalRows of_background(cells_, cells.data(), rows, rows);
        for (Index t = first; t < last; ++t) {
            poll_interrupt();
            const auto tree = static_cast<std::size_t>(t);
            plans_[tree] = plan_marginal(forest_, cells_, player_of_slot_, t, table_players);
            backgrounds_[tree] = tree_background(plans_[tree], of_background, units);
        }
    });
    Index most_deep = 0;
    for (const MarginalPlan& plan : plans_) {
        for (const TableBlock& block : plan.blocks)
            most_table_players_ = std::max(most_table_players_, block.path + std::min(block.fresh, block.questions));
        for (const DeepLeaf& leaf : plan.deep) most_deep = std::max(most_deep, leaf.players);
    }
    if (most_deep > 0) beta_ = std::make_unique<const BetaWeights>(most_deep);
    value_weights_ = std::make_unique<const CoalitionWeights>(most_table_players_, false);
    for (const MarginalPlan& plan : plans_)
        kept_bytes_ += LeafSums(*value_weights_).starts(plan).back() * static_cast<Index>(sizeof(double));
}

MarginalShapley::~MarginalShapley() {
    const std::unique_ptr<const TreeSums> owned(kept_.load());
}

// A call of few rows would spend nearly all of its time on them, one of many rows hardly any. Two threads may both make
// them; either will do.
const MarginalShapley::TreeSums* MarginalShapley::kept_sums(Index rows) const {
    const TreeSums* known = kept_.load(std::memory_order_acquire);
    if (known != nullptr || rows > few_rows || kept_bytes_ > most_kept_bytes) return known;
    auto made = std::make_unique<TreeSums>(plans_.size());
    parallel_for(forest_.trees(), 4, [&](Index first, Index last) {
        LeafSums filler(*value_weights_);
        for (Index t = first; t < last; ++t) {
            poll_interrupt();
            const auto tree = static_cast<std::size_t>(t);
            const MarginalPlan& plan = plans_[tree];
            const std::vector<Index> starts = filler.starts(plan);
            std::vector<double> sums(static_cast<std::size_t>(starts.back()));
            for (std::size_t b = 0; b < plan.blocks.size(); ++b)
                filler.fill(plan, backgrounds_[tree], static_cast<Index>(b),
                            sums.data() + starts[static_cast<std::size_t>(plan.blocks[b].first_leaf)]);
            (*made)[tree].swap(sums);
        }
    });
    if (kept_.compare_exchange_strong(known, made.get(), std::memory_order_acq_rel)) known = made.release();
    return known;
}

void MarginalShapley::find_constant_players(const std::int32_t* cells, Index stride,
                                            const std::vector<std::int64_t>& units) {
    const std::size_t slots = player_of_slot_.size();
    std::vector<bool> constant(used_players_.size(), true);
    constant_cells_.assign(slots, -1);
    const auto counted = std::find_if(units.begin(), units.end(), [](std::int64_t unit) { return unit > 0; });
    const Index first = counted - units.begin();
    for (std::size_t s = 0; s < slots; ++s) {
        const std::int32_t* const of_slot = cells + static_cast<Index>(s) * stride;
        for (std::size_t i = 0; i < units.size(); ++i)
            if (units[i] > 0 && of_slot[i] != of_slot[first]) {
                constant[static_cast<std::size_t>(player_of_slot_[s])] = false;
                break;
            }
    }
    for (std::size_t s = 0; s < slots; ++s)
        if (constant[static_cast<std::size_t>(player_of_slot_[s])])
            constant_cells_[s] = cells[static_cast<Index>(s) * stride + first];
}

// The leaves that the background reaches, tree after tree.
void MarginalShapley::find_base() {
    for (Index t = 0; t < forest_.trees(); ++t) {
        const MarginalPlan& plan = plans_[static_cast<std::size_t>(t)];
        const TreeBackground& background = backgrounds_[static_cast<std::size_t>(t)];
        const auto add = [&](Index leaf, std::int64_t units) {
            const double weight = static_cast<double>(units) * weight_unit;
            const Index only = forest_.output_of(t);
            for (Index o = only < 0 ? 0 : only; o < (only < 0 ? base_.size() : only + 1); ++o)
                base_[o] += weight * forest_.value(leaf, o);
        };
        if (plan.steps.empty()) add(forest_.root(t), std::int64_t{1} << 62);
        for (std::size_t b = 0; b < plan.blocks.size(); ++b) {
            const TableBlock& block = plan.blocks[b];
            const std::uint32_t path = (std::uint32_t{1} << block.path) - 1;
            for (Index l = 0; l < block.leaves; ++l) {
                const TableLeaf& leaf = plan.leaves[static_cast<std::size_t>(block.first_leaf + l)];
                const std::uint32_t own = (std::uint32_t{1} << leaf.own) - 1;
                std::int64_t units = 0;
                for (Index i = background.starts[b]; i < background.starts[b + 1]; ++i) {
                    const std::uint32_t pattern = background.patterns[static_cast<std::size_t>(i)];
                    const LeafView view = plan.views[static_cast<std::size_t>(
                        block.first_view + (l << block.questions) + (pattern >> block.path))];
                    if ((pattern & view.keep) == path && view.own == own)
                        units += background.weights[static_cast<std::size_t>(i)];
                }
                add(leaf.node, units);
            }
        }
        for (std::size_t d = 0; d < plan.deep.size(); ++d) {
            std::int64_t units = 0;
            const Index words = plan.deep[d].words();
            for (Index i = 0; i < background.deep_starts[d + 1] - background.deep_starts[d]; ++i) {
                const auto first = background.deep_words.begin() + background.deep_word_starts[d] + i * words;
                if (std::all_of(first, first + words, [](std::uint64_t word) { return word == 0; }))
                    units += background.deep_weights[static_cast<std::size_t>(background.deep_starts[d] + i)];
            }
            add(plan.deep[d].node, units);
        }
    }
}

// With u = 2^-53, k players on the longest path and c roundings of a background weight: for one row, the terms of P and
// M over the leaves of a tree add up to H_k and 2 H_k times the largest |value|, as each hybrid of the row and a
// background row reaches one leaf; the sum of each goes through 2 k + c + 8 roundings. (The weights of the interaction
// index add up to no more than 4 k.) What is then added to the sums is rounded once for each block and part.
void MarginalShapley::find_error_bounds(Index background_rows) {
    Vector values = Vector::Zero(base_.size()), pairs = Vector::Zero(base_.size());
    double added = 32.0;
    for (const MarginalPlan& plan : plans_) added += static_cast<double>(plan.blocks.size() + plan.deep.size());
    for (Index t = 0; t < forest_.trees(); ++t) {
        const MarginalPlan& plan = plans_[static_cast<std::size_t>(t)];
        const auto k = static_cast<double>(plan.most_players);
        const double paired = plan.deep.empty() ? 0.0 : static_cast<double>(background_rows);
        const double roundings = 4.0 * k + paired + 24.0 + static_cast<double>(background_rows) / 1024.0;
        const Index only = forest_.output_of(t);
        for (Index o = 0; o < base_.size(); ++o) {
            if (only >= 0 && only != o) continue;
            double largest = 0.0;
            const auto meet = [&](Index node) { largest = std::max(largest, std::abs(forest_.value(node, o))); };
            for (const TableLeaf& leaf : plan.leaves) meet(leaf.node);
            for (const DeepLeaf& leaf : plan.deep) meet(leaf.node);
            values[o] += largest * (3.0 * harmonic(plan.most_players) * roundings + 2.0 * added);
            pairs[o] += largest * 4.0 * std::max(k, 1.0) * (4.0 * roundings + added);
        }
    }
    const double unit = 1.01 * 0.5 * std::numeric_limits<double>::epsilon();
    error_bound_ = unit * values;
    interaction_error_bound_ = unit * pairs;
}

}  // namespace pellucid
