#include "pellucid/sampling/permutations.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"
#include "pellucid/random.hpp"

namespace pellucid {

IndexMatrix random_permutations(std::uint64_t seed, Index players, Index first, Index count) {
    require(players >= 1 && first >= 0 && count >= 0, "players must be positive and the rows not negative");
    IndexMatrix orders(count, players);
    parallel_for(count, 64, [&](Index begin, Index end) {
        for (Index i = begin; i < end; ++i) {
            auto order = orders.row(i);
            std::iota(order.data(), order.data() + players, Index{0});
            RowStream(seed, 0, static_cast<std::uint64_t>(first + i), StreamOf::permutations).shuffle(order);
        }
    });
    return orders;
}

void require_orders(IndexMatrixIn orders, IndexMatrixIn twins) {
    const Index players = orders.cols();
    require(twins.rows() == orders.rows() && twins.cols() == players, "twins must have a row for each of the ",
            orders.rows(), " orders and a column for each of the ", players, " players, got ", twins.rows(), " by ",
            twins.cols());
    for (const auto* given : {&orders, &twins})
        require((given->array() >= 0).all() && (given->array() < players).all(),
                "orders and twins must hold the players 0 to ", players - 1);
}

Masks antithetic_coalitions(IndexMatrixIn orders, IndexMatrixIn twins) {
    const Index players = orders.cols();
    const Index steps = players - 1;
    require_orders(orders, twins);
    Masks masks = Masks::Zero(checked_product(orders.rows(), 2 * steps, "the coalitions"), players);
    parallel_for(orders.rows(), 16, [&](Index first, Index last) {
        for (Index i = first; i < last; ++i) {
            for (Index length = 1; length <= steps; ++length) {
                auto forth = masks.row(i * 2 * steps + length - 1);
                auto back = masks.row(i * 2 * steps + steps + length - 1);
                for (Index j = 0; j < length; ++j) {
                    forth[orders(i, j)] = 1;
                    back[twins(i, j)] = 1;
                }
            }
        }
    });
    return masks;
}

Indices systematic_draws(std::uint64_t seed, VectorIn weights, Index first, Index count) {
    const Index draws = weights.size();
    require(draws >= 1 && (weights.array() >= 0.0).all() && (weights.array() > 0.0).any() && weights.allFinite(),
            "weights must be finite, not negative and not all zero");
    require(first >= 0 && count >= 0, "first and count must not be negative, got ", first, " and ", count);
    std::vector<double> cumulative(static_cast<std::size_t>(draws));
    std::partial_sum(weights.data(), weights.data() + draws, cumulative.begin());

    Indices result(count);
    std::vector<Index> place(static_cast<std::size_t>(draws));
    double jitter = 0.0;
    Index cycle = -1;
    for (Index i = 0; i < count; ++i) {
        const Index pair = first + i;
        if (pair / draws != cycle) {
            cycle = pair / draws;
            std::iota(place.begin(), place.end(), Index{0});
            RowStream stream(seed, 0, static_cast<std::uint64_t>(cycle), StreamOf::draws);
            stream.shuffle(place);
            jitter = stream.uniform();
        }
        const double u = (static_cast<double>(place[static_cast<std::size_t>(pair % draws)]) + jitter) /
                         static_cast<double>(draws) * cumulative.back();
        const auto found = std::upper_bound(cumulative.begin(), cumulative.end(), u);
        result[i] = std::min<Index>(found - cumulative.begin(), draws - 1);
    }
    return result;
}

}  // namespace pellucid
