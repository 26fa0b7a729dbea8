#include "pellucid/shapley/tree_marginal_tables.hpp"

#include <algorithm>

namespace pellucid {
namespace {

// Of players a < b among p, in the order of pairs.
Index pair_place(Index a, Index b, Index p) {
    return a * (2 * p - a - 1) / 2 + b - a - 1;
}

template <typename Number>
void grow(std::vector<Number>& numbers, Index size) {
    if (numbers.size() < static_cast<std::size_t>(size)) numbers.resize(static_cast<std::size_t>(size));
}

// Of so few patterns each is added up by itself, in the order of the surfaces, so that the sums have the same bits.
constexpr Index few_patterns = 3;
constexpr std::size_t most_path = 32, most_fresh = 3;

}  // namespace

std::vector<Index> LeafSums::starts(const MarginalPlan& plan) const {
    std::vector<Index> starts(plan.leaves.size() + 1);
    for (const TableBlock& block : plan.blocks)
        for (Index l = block.first_leaf; l < block.first_leaf + block.leaves; ++l) {
            const auto leaf = static_cast<std::size_t>(l);
            starts[leaf + 1] = starts[leaf] + (weights_.parts() << (block.path + plan.leaves[leaf].own));
        }
    return starts;
}

void LeafSums::fill(const MarginalPlan& plan, const TreeBackground& background, Index item, double* out) {
    const TableBlock& block = plan.blocks[static_cast<std::size_t>(item)];
    const auto first = static_cast<std::size_t>(background.starts[static_cast<std::size_t>(item)]);
    const auto last = static_cast<std::size_t>(background.starts[static_cast<std::size_t>(item) + 1]);
    const std::uint32_t path = (std::uint32_t{1} << block.path) - 1;
    for (Index l = 0; l < block.leaves; ++l) {
        const Index players = block.path + plan.leaves[static_cast<std::size_t>(block.first_leaf + l)].own;
        const Index count = Index{1} << players;
        const std::uint32_t all = (std::uint32_t{1} << players) - 1;
        const LeafView* const view = plan.views.data() + block.first_view + (l << block.questions);
        grow(mass_, count);
        grow(game_, count);
        std::fill_n(mass_.begin(), count, 0);
        for (std::size_t i = first; i < last; ++i) {
            const std::uint32_t pattern = background.patterns[i];
            const LeafView seen = view[pattern >> block.path];
            mass_[all & ~((pattern & path & seen.keep) | seen.own << block.path)] += background.weights[i];
        }
        for (Index i = 0; i < count; ++i)
            game_[static_cast<std::size_t>(i)] = static_cast<double>(mass_[static_cast<std::size_t>(i)]) * weight_unit;
        kernels_.subset_sums(game_.data(), static_cast<int>(players));
        for (Index part = 0; part < weights_.parts(); ++part, out += count) {
            kernels_.multiply(game_.data(), weights_.of(players, part), out, count);
            kernels_.subset_sums(out, static_cast<int>(players));
        }
    }
}

BlockTables::BlockTables(const Forest& forest, const CoalitionWeights& weights)
    : forest_(forest), weights_(weights), kernels_(marginal_kernels()), filler_(weights) {}

void BlockTables::enter(const MarginalPlan& plan, const TreeBackground& background, const double* kept) {
    plan_ = &plan;
    background_ = &background;
    kept_ = kept;
    starts_ = filler_.starts(plan);
}

void BlockTables::prepare(Index item) {
    block_ = plan_->blocks[static_cast<std::size_t>(item)];
    size_ = Index{1} << block_.bits();
    const Index first = starts_[static_cast<std::size_t>(block_.first_leaf)];
    if (kept_ != nullptr) {
        of_block_ = kept_ + first;
        return;
    }
    grow(sums_, starts_[static_cast<std::size_t>(block_.first_leaf + block_.leaves)] - first);
    filler_.fill(*plan_, *background_, item, sums_.data());
    of_block_ = sums_.data();
}

void BlockTables::clear_surfaces(Index count) {
    grow(surfaces_, count * size_);
    std::fill_n(surfaces_.begin(), count * size_, 0.0);
}

void BlockTables::add(Index to, Index l, Index part, double scale, std::uint32_t less) {
    const LeafView* const view = views(l);
    const double* const from = sums(l, part);
    double* const out = surface(to);
    for (std::uint32_t answers = 0; answers < std::uint32_t{1} << block_.questions; ++answers)
        kernels_.add_scaled(out + (static_cast<Index>(answers) << block_.path),
                            from + (static_cast<Index>(view[answers].own & ~less) << block_.path), scale,
                            Index{1} << block_.path, view[answers].keep);
}

void BlockTables::values(Index output, Index place, const TableRows& rows) {
    if (rows.count > few_patterns) return values_of_surfaces(output, place, rows);
    for (Index r = 0; r < rows.count; ++r)
        values_of_row(output, rows.seen[r], rows.places, rows.out + r * rows.width + place);
}

void BlockTables::values_of_row(Index output, std::uint32_t pattern, const Index* places, double* out) const {
    const std::uint32_t answers = pattern >> block_.path, path = pattern & ((std::uint32_t{1} << block_.path) - 1);
    double with = 0.0, without[most_path] = {}, fresh[most_fresh] = {};
    for (Index l = 0; l < block_.leaves; ++l) {
        const double value = forest_.value(leaf(l).node, output);
        const LeafView view = views(l)[answers];
        const double *const p = sums(l, 0), *const m = sums(l, 1);
        const std::uint32_t of_own = view.own << block_.path, at = path & view.keep;
        with += value * p[of_own + at];
        for (Index i = 0; i < block_.path; ++i) without[i] += value * m[of_own + (at & ~(std::uint32_t{1} << i))];
        for (Index t = 0; t < leaf(l).own; ++t) {
            double& sum = fresh[own(leaf(l), t)];
            sum += value * p[of_own + at];
            sum += -value * m[((view.own & ~(std::uint32_t{1} << t)) << block_.path) + at];
        }
    }
    for (Index i = 0; i < block_.path; ++i) out[places[i]] = with - without[i];
    for (Index j = 0; j < block_.fresh; ++j) out[places[block_.path + j]] = fresh[j];
}

void BlockTables::values_of_surfaces(Index output, Index place, const TableRows& rows) {
    clear_surfaces(2 + block_.fresh);
    for (Index l = 0; l < block_.leaves; ++l) {
        const double value = forest_.value(leaf(l).node, output);
        add(0, l, 0, value, 0);
        add(1, l, 1, value, 0);
        for (Index t = 0; t < leaf(l).own; ++t) {
            const Index to = 2 + own(leaf(l), t);
            add(to, l, 0, value, 0);
            add(to, l, 1, -value, std::uint32_t{1} << t);
        }
    }
    const double *const with = surface(0), *const without = surface(1);
    for (Index r = 0; r < rows.count; ++r) {
        const std::uint32_t pattern = rows.seen[r];
        double* const out = rows.out + r * rows.width + place;
        const double of_row = with[pattern];
        for (Index i = 0; i < block_.path; ++i)
            out[rows.places[i]] = of_row - without[pattern & ~(std::uint32_t{1} << i)];
        for (Index j = 0; j < block_.fresh; ++j) out[rows.places[block_.path + j]] = surface(2 + j)[pattern];
    }
}

// Surfaces: 0 to 2 are U, V, W of all leaves; for each new player j, of the leaves that ask for it, U - V without j and
// V - W without j; for each pair of new players their index.
void BlockTables::interactions(Index output, Index place, const TableRows& rows) {
    const Index fresh = block_.fresh, pairs = 3 + 2 * fresh, path = block_.path, players = path + fresh;
    clear_surfaces(pairs + fresh * (fresh - 1) / 2);
    for (Index l = 0; l < block_.leaves; ++l) {
        const double value = forest_.value(leaf(l).node, output);
        for (Index part = 0; part < 3; ++part) add(part, l, part, value, 0);
        for (Index t = 0; t < leaf(l).own; ++t) {
            const std::uint32_t less = std::uint32_t{1} << t;
            const Index j = own(leaf(l), t);
            for (Index part = 0; part < 2; ++part) {
                add(3 + 2 * j + part, l, part, value, 0);
                add(3 + 2 * j + part, l, part + 1, -value, less);
            }
            for (Index other = 0; other < t; ++other) {
                const Index i = own(leaf(l), other);
                const Index to = pairs + pair_place(std::min(i, j), std::max(i, j), fresh);
                const std::uint32_t less_other = std::uint32_t{1} << other;
                add(to, l, 0, value, 0);
                add(to, l, 1, -value, less);
                add(to, l, 1, -value, less_other);
                add(to, l, 2, value, less | less_other);
            }
        }
    }
    const double *const u = surface(0), *const v = surface(1), *const w = surface(2);
    for (Index r = 0; r < rows.count; ++r) {
        const std::uint32_t pattern = rows.seen[r];
        double* const out = rows.out + r * rows.width + place;
        const Index* at = rows.places;
        for (Index i = 0; i < players; ++i) {
            const std::uint32_t less = i < path ? pattern & ~(std::uint32_t{1} << i) : pattern;
            for (Index j = i + 1; j < players; ++j, ++at) {
                if (j < path) {
                    const std::uint32_t bit = ~(std::uint32_t{1} << j);
                    out[*at] = (u[pattern] - v[less]) - (v[pattern & bit] - w[less & bit]);
                } else if (i < path) {
                    const Index own_surface = 3 + 2 * (j - path);
                    out[*at] = surface(own_surface)[pattern] - surface(own_surface + 1)[less];
                } else {
                    out[*at] = surface(pairs + pair_place(i - path, j - path, fresh))[pattern];
                }
            }
        }
    }
}

}  // namespace pellucid
