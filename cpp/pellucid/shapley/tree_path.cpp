#include "pellucid/shapley/tree_path.hpp"

#include <algorithm>
#include <utility>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"
#include "pellucid/shapley/tree_path_bound.hpp"
#include "pellucid/shapley/tree_path_rows.hpp"

namespace pellucid {
namespace {

constexpr Index kept_bytes = Index{512} << 20, group_bytes = Index{64} << 20;
constexpr Index cache_bytes = Index{512} << 10;  // of the sums and cells of the rows of a chunk
constexpr Index most_rows = 1024;

Index nodes_for(Index players, bool pairs) {
    // (o - r) of one or two players takes their factors away; Q nodes are exact up to degree 2 Q - 1.
    return std::max<Index>(1, (pairs ? players : players + 1) / 2);
}

PathPlayers players_of(const Forest& forest, const Cells& cells, const ColumnsIn& player_of_feature, Index players) {
    require(player_of_feature.size() == forest.features(), "player_of_feature must have an entry for each of ",
            forest.features(), " features, got ", player_of_feature.size());
    require(players >= 1 && players <= forest.features(), "players must be 1 to ", forest.features(),
            ", the number of features, got ", players);
    std::vector<bool> met(static_cast<std::size_t>(players));
    for (Index f = 0; f < player_of_feature.size(); ++f) {
        const std::int32_t player = player_of_feature[f];
        require(player >= 0 && player < players, "player_of_feature must be 0 to ", players - 1, ", got ", player,
                " for feature ", f);
        met[static_cast<std::size_t>(player)] = true;
    }
    for (Index i = 0; i < players; ++i)
        require(met[static_cast<std::size_t>(i)], "player ", i, " has no feature; number the players without a gap");
    PathPlayers made{player_of_feature, std::vector<std::int32_t>(static_cast<std::size_t>(players), -1), players, 0};
    for (const std::int32_t f : cells.used()) made.column[static_cast<std::size_t>(player_of_feature[f])] = 0;
    for (std::int32_t& column : made.column)
        if (column == 0) column = static_cast<std::int32_t>(made.used++);
    return made;
}

}  // namespace

PathShapley::PathShapley(const Forest& forest, ColumnsIn player_of_feature, Index players, bool single)
    : forest_(forest), single_(single), cells_(forest) {
    require(forest.has_cover() || forest.nodes().empty(),
            "a forest must have the cover of its nodes for path-dependent values; use a background instead");
    players_ = players_of(forest, cells_, player_of_feature, players);
    survey();
    Index bytes = 0;
    for (const Unit& unit : units_) bytes += unit.bytes;
    if (bytes > kept_bytes) return;
    const auto units = static_cast<Index>(units_.size());
    const bool for_row = bytes <= kept_bytes / 2;  // about as large again
    if (single_)
        kept_single_ = compile<float>(0, units, false, for_row);
    else
        kept_ = compile<double>(0, units, false, for_row);
}

void PathShapley::survey() {
    const Index trees = forest_.trees(), k = forest_.outputs();
    std::vector<PathSurvey> surveys(static_cast<std::size_t>(trees));
    parallel_for(trees, 8, [&](Index first, Index last) {
        for (Index t = first; t < last; ++t) surveys[static_cast<std::size_t>(t)] = survey_paths(forest_, t, players_);
    });
    Vector base = forest_.base();
    const Index scalar = single_ ? sizeof(float) : sizeof(double);
    PathBound bound(k, players_.used, single_, false), of_pairs(k, players_.used, single_, true);
    for (Index t = 0; t < trees; ++t) {
        const PathSurvey& tree = surveys[static_cast<std::size_t>(t)];
        most_players_.push_back(tree.players);
        for (Index o = 0; o < k; ++o) base[o] += tree.base[static_cast<std::size_t>(o)];
        if (tree.splits == 0) continue;
        for (const bool pairs : {false, true}) {
            const Index nodes = nodes_for(tree.players, pairs);
            if (!quadratures_.contains(nodes)) quadratures_.emplace(nodes, Quadrature(nodes));
        }
        const Index nodes = nodes_for(tree.players, false);
        const Index numbers = checked_product(10 * nodes, tree.splits + tree.leaves, "size of a tree's numbers");
        const Index bytes = numbers * scalar + 120 * (3 * tree.splits + tree.leaves);
        for (Index o = 0; o < k; ++o)
            if (forest_.output_of(t) < 0 || forest_.output_of(t) == o) units_.push_back({t, o, bytes});
        bound.add(tree, quadratures_.at(nodes));
        of_pairs.add(tree, quadratures_.at(nodes_for(tree.players, true)));
    }
    base_.swap(base);
    Vector bounds = bound.result(), pair_bounds = of_pairs.result();
    error_bound_.swap(bounds);
    interaction_error_bound_.swap(pair_bounds);
}

Index PathShapley::end_of_group(Index first, Index most_bytes) const {
    const auto count = static_cast<Index>(units_.size());
    Index bytes = 0, last = first;
    while (last < count) {
        bytes += units_[static_cast<std::size_t>(last)].bytes;
        if (bytes > most_bytes && last > first) break;
        ++last;
    }
    return last;
}

template <typename Scalar>
PathShapley::Programs<Scalar> PathShapley::compile(Index first, Index last, bool pairs, bool for_row) const {
    Programs<Scalar> programs;
    programs.trees.resize(static_cast<std::size_t>(last - first));
    if (for_row) programs.of_row.resize(programs.trees.size());
    parallel_for(last - first, 1, [&](Index from, Index to) {
        for (Index u = from; u < to; ++u) {
            const Unit& unit = units_[static_cast<std::size_t>(first + u)];
            const Index most = most_players_[static_cast<std::size_t>(unit.tree)];
            PathProgram<Scalar>& tree = programs.trees[static_cast<std::size_t>(u)];
            tree = PathProgram<Scalar>(forest_, cells_, players_, quadratures_.at(nodes_for(most, pairs)), unit.tree,
                                       unit.output, pairs);
            if (for_row) programs.of_row[static_cast<std::size_t>(u)] = PathRowProgram<Scalar>(tree.view());
        }
    });
    return programs;
}

template <typename Scalar>
Matrix PathShapley::sums(const MatrixIn& rows, bool pairs, const Programs<Scalar>& kept) const {
    const Index n = rows.rows(), k = forest_.outputs(), p = players_.players, used = players_.used;
    require(rows.cols() == forest_.features(), "rows must have ", forest_.features(), " columns, got ", rows.cols());
    const Index width = checked_product(pairs ? checked_product(p, p, "pairs of players") : p, k, "columns of values");
    checked_product(checked_product(n, width, "values"), sizeof(double), "memory of the values");
    Matrix out = Matrix::Zero(n, width);
    const Index columns = checked_product(pairs ? used * (used - 1) / 2 : used, k, "sums");
    const auto units = static_cast<Index>(units_.size());
    if (n == 0 || columns == 0) return out;

    const PathKernel<Scalar>& kernel = path_kernel<Scalar>();
    const Index wide = kernel.lanes * kernel.most_vectors;
    const Index each = columns * 8 + static_cast<Index>(cells_.used().size()) * 4;
    const Index by_threads = (n + 2 * thread_count() - 1) / (2 * thread_count());
    const Index asked = std::min({most_rows, cache_bytes / each, by_threads});
    const Index chunk = std::max<Index>(1, (asked + wide - 1) / wide) * wide;
    std::vector<Index> of_player;
    for (Index i = 0; i < p; ++i)
        if (players_.column[static_cast<std::size_t>(i)] >= 0) of_player.push_back(i);

    const auto add_all = [&](const Programs<Scalar>& programs, Index first, Index last) {
        PathRows<Scalar> block(cells_, rows, first, last, columns);
        for (std::size_t u = 0; u < programs.trees.size(); ++u) {
            poll_interrupt();
            if (pairs || programs.of_row.empty())
                block.add(programs.trees[u].view(), pairs, {});
            else
                block.add(programs.trees[u].view(), pairs, programs.of_row[u].view());
            if ((static_cast<Index>(u) + 1) % (flushed_trees * k) == 0) block.flush();
        }
        block.flush();
        for (Index i = first; i < last; ++i) {
            const auto place = block.place(i - first);
            double* const row = out.row(i).data();
            Index column = 0;
            for (Index o = 0; o < k; ++o) {
                for (Index a = 0; a < used; ++a) {
                    const Index one = of_player[static_cast<std::size_t>(a)];
                    if (!pairs) {
                        row[one * k + o] += block.sum(place, column++);
                        continue;
                    }
                    for (Index b = 0; b < a; ++b) {
                        const Index two = of_player[static_cast<std::size_t>(b)];
                        const double sum = block.sum(place, column++);
                        row[(one * p + two) * k + o] += sum;
                        row[(two * p + one) * k + o] += sum;
                    }
                }
            }
        }
    };
    for (Index first = 0; first < units;) {
        const bool is_kept = !pairs && !kept.trees.empty();
        const Index last = is_kept ? units : end_of_group(first, group_bytes);
        const Programs<Scalar> made = is_kept ? Programs<Scalar>() : compile<Scalar>(first, last, pairs, false);
        parallel_for(n, chunk, [&](Index from, Index to) { add_all(is_kept ? kept : made, from, to); });
        first = last;
    }
    return out;
}

Matrix PathShapley::values(MatrixIn rows) const {
    return single_ ? sums<float>(rows, false, kept_single_) : sums<double>(rows, false, kept_);
}

Matrix PathShapley::interactions(MatrixIn rows) const {
    return single_ ? sums<float>(rows, true, {}) : sums<double>(rows, true, {});
}

}  // namespace pellucid
