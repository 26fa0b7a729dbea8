#include "pellucid/shapley/tree_pairs.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"

namespace pellucid {
namespace {

constexpr Index rows_per_chunk = 8;
enum Side : std::uint8_t { undecided, of_x, of_b };

// A node as x sees it: where x goes, and where a row goes that answers otherwise.
struct Split {
    double threshold;
    Index like_x, unlike_x;  // leaves: unlike_x is -1, like_x the row of values
    std::int32_t feature, player;
    bool x_left, plain;
};

// (a - 1)! b! / (a + b)! in row a, column b; a! (b - 1)! / (a + b)! is the transpose. Row 0 is never asked for.
Matrix weights_up_to(Index n) {
    checked_product(n + 1, n + 1, "the weights of the paths");
    Matrix table = Matrix::Zero(n + 1, n + 1);
    for (Index a = 1; a <= n; ++a) {
        table(a, 0) = 1.0 / static_cast<double>(a);
        for (Index b = 1; a + b <= n; ++b)
            table(a, b) = table(a, b - 1) * static_cast<double>(b) / static_cast<double>(a + b);
    }
    return table;
}

class Walker {
  public:
    Walker(const Forest& forest, ColumnsIn player_of_feature, Index players, VectorIn x)
        : forest_(forest), weights_(weights_up_to(std::min(players, forest.depth()))), players_(players) {
        splits_.reserve(forest.nodes().size());
        for (std::size_t i = 0; i < forest.nodes().size(); ++i) {
            const Node& node = forest.nodes()[i];
            if (node.feature < 0) {
                splits_.push_back({0.0, static_cast<Index>(i), -1, -1, -1, false, false});
                continue;
            }
            const bool left = forest.goes_left(node, x[node.feature]);
            splits_.push_back({node.threshold, left ? node.left : node.right, left ? node.right : node.left,
                               node.feature, player_of_feature[node.feature], left,
                               node.question == Question::threshold && !forest.single()});
        }
    }

    // What walking needs, for any number of rows one after another.
    struct Room {
        struct Fork {
            Index other;
            std::int32_t player;
            bool second;  // on the way that b goes
        };
        std::vector<std::uint8_t> sides;
        std::vector<Fork> forks;
        std::vector<double> carried;  // for each fork: what its first way brought up, gains then losses
        std::vector<double> sums;     // gains, then losses
    };

    Room room() const {
        const auto width = static_cast<std::size_t>(forest_.values().cols());
        const auto most = static_cast<std::size_t>(weights_.rows());
        return {std::vector<std::uint8_t>(static_cast<std::size_t>(players_), undecided),
                std::vector<typename Room::Fork>(most), std::vector<double>(most * 2 * width),
                std::vector<double>(2 * width)};
    }

    // Adds the values of one tree for the row b to phi (players * k).
    template <bool one_value>
    void walk(Index tree, const double* b, Room& room, double* phi) const {
        const Index width = one_value ? 1 : forest_.values().cols(), k = forest_.outputs();
        const Index first = one_value ? std::max<Index>(forest_.output_of(tree), 0) : 0;
        double* gains = room.sums.data();
        double* losses = gains + width;
        Index at = forest_.root(tree), height = 0, for_x = 0, for_b = 0;
        while (true) {
            at = descend(at, b, room, height, for_x);
            const double gain = weights_(for_x, for_b), loss = weights_(for_b, for_x);
            const double* values = forest_.values().data() + at * width;
            for (Index o = 0; o < width; ++o) {
                gains[o] = gain * values[o];
                losses[o] = loss * values[o];
            }
            // Up to the next fork whose second way is not walked yet.
            while (height > 0) {
                auto& fork = room.forks[static_cast<std::size_t>(height - 1)];
                double* carried = room.carried.data() + (height - 1) * 2 * width;
                if (!fork.second) {
                    std::copy(gains, gains + 2 * width, carried);
                    room.sides[static_cast<std::size_t>(fork.player)] = of_b;
                    fork.second = true;
                    --for_x;
                    ++for_b;
                    break;
                }
                double* of_player = phi + fork.player * k + first;
                for (Index o = 0; o < width; ++o) {
                    of_player[o] += carried[o] - losses[o];
                    gains[o] += carried[o];
                    losses[o] += carried[width + o];
                }
                room.sides[static_cast<std::size_t>(fork.player)] = undecided;
                --for_b;
                --height;
            }
            if (height == 0) return;
            at = room.forks[static_cast<std::size_t>(height - 1)].other;
        }
    }

    bool one_value() const { return forest_.values().cols() == 1; }

  private:
    // From a node to a leaf, by the way of x where a way must be chosen; such forks are remembered.
    Index descend(Index at, const double* b, Room& room, Index& height, Index& for_x) const {
        while (true) {
            const Split& split = splits_[static_cast<std::size_t>(at)];
            if (split.unlike_x < 0) return at;
            const double value = b[split.feature];
            const bool left = split.plain && !std::isnan(value) ? value <= split.threshold
                                                                : forest_.goes_left(forest_.node(at), value);
            at = split.like_x;
            if (left == split.x_left) continue;
            auto& side = room.sides[static_cast<std::size_t>(split.player)];
            if (side == of_b) at = split.unlike_x;
            if (side != undecided) continue;
            side = of_x;
            ++for_x;
            room.forks[static_cast<std::size_t>(height++)] = {split.unlike_x, split.player, false};
        }
    }

    const Forest& forest_;
    Matrix weights_;
    Index players_;
    std::vector<Split> splits_;
};

}  // namespace

Matrix tree_pair_values(const Forest& forest, ColumnsIn player_of_feature, Index players, VectorIn x,
                        MatrixIn background) {
    const Index d = forest.features(), rows = background.rows(), k = forest.outputs();
    require(x.size() == d && background.cols() == d && player_of_feature.size() == d,
            "x, background and player_of_feature must have ", d, " columns, got ", x.size(), ", ", background.cols(),
            " and ", player_of_feature.size());
    require(players >= 1 && players <= d && player_of_feature.minCoeff() >= 0 && player_of_feature.maxCoeff() < players,
            "player_of_feature must name players from 0 to ", players - 1);
    checked_product(rows, checked_product(players, k, "players times outputs"), "the values");

    const Walker walker(forest, player_of_feature, players, x);
    Matrix result = Matrix::Zero(rows, players * k);
    parallel_for(rows, rows_per_chunk, [&](Index first, Index last) {
        auto room = walker.room();
        // Tree by tree, so that its nodes stay near; every row has its sums in the order of the trees.
        for (Index tree = 0; tree < forest.trees(); ++tree) {
            poll_interrupt();
            for (Index b = first; b < last; ++b) {
                const double* row = background.row(b).data();
                double* phi = result.row(b).data();
                if (walker.one_value())
                    walker.walk<true>(tree, row, room, phi);
                else
                    walker.walk<false>(tree, row, room, phi);
            }
        }
    });
    return result;
}

}  // namespace pellucid
