#include "pellucid/shapley/tree_marginal_tables.hpp"

#include <algorithm>

namespace pellucid {
namespace {

// Of players a < b among p, in the order of pairs.
Index pair_place(Index a, Index b, Index p) {
    return a * (2 * p - a - 1) / 2 + b - a - 1;
}

}  // namespace

BlockTables::BlockTables(const Forest& forest, const MarginalPlan& plan, const TreeBackground& background,
                         const CoalitionWeights& weights)
    : forest_(forest),
      plan_(plan),
      background_(background),
      weights_(weights),
      kernels_(marginal_kernels()),
      mass_(std::size_t{1} << plan.most_bits),
      game_(std::size_t{1} << plan.most_bits) {
    Index most_sums = 0, most_surfaces = 0;
    for (const TableBlock& block : plan.blocks) {
        const Index size = Index{1} << block.bits(), m = block.fresh;
        most_sums = std::max(most_sums, block.leaves * weights.parts() * size);
        most_surfaces = std::max(most_surfaces, size * (weights.parts() == 2 ? 2 + m : 3 + 2 * m + m * (m - 1) / 2));
    }
    sums_.resize(static_cast<std::size_t>(most_sums));
    surfaces_.resize(static_cast<std::size_t>(most_surfaces));
}

void BlockTables::prepare(Index item) {
    block_ = plan_.blocks[static_cast<std::size_t>(item)];
    size_ = Index{1} << block_.bits();
    const auto first = static_cast<std::size_t>(background_.starts[static_cast<std::size_t>(item)]);
    const auto last = static_cast<std::size_t>(background_.starts[static_cast<std::size_t>(item) + 1]);
    const std::uint32_t path = (std::uint32_t{1} << block_.path) - 1;
    for (Index l = 0; l < block_.leaves; ++l) {
        const Index players = block_.path + leaf(l).own, count = Index{1} << players;
        const std::uint32_t all = (std::uint32_t{1} << players) - 1;
        const LeafView* const view = views(l);
        std::fill_n(mass_.begin(), count, 0);
        for (std::size_t i = first; i < last; ++i) {
            const std::uint32_t pattern = background_.patterns[i];
            const LeafView seen = view[pattern >> block_.path];
            mass_[all & ~((pattern & path & seen.keep) | seen.own << block_.path)] += background_.weights[i];
        }
        for (Index i = 0; i < count; ++i)
            game_[static_cast<std::size_t>(i)] = static_cast<double>(mass_[static_cast<std::size_t>(i)]) * weight_unit;
        kernels_.subset_sums(game_.data(), static_cast<int>(players));
        for (Index part = 0; part < weights_.parts(); ++part) {
            double* const out = sums_.data() + (l * weights_.parts() + part) * size_;
            kernels_.multiply(game_.data(), weights_.of(players, part), out, count);
            kernels_.subset_sums(out, static_cast<int>(players));
        }
    }
}

void BlockTables::clear_surfaces(Index count) {
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
