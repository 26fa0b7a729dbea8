#include "pellucid/sampling/linear_extensions.hpp"

#include <algorithm>
#include <bit>
#include <numeric>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"
#include "pellucid/random.hpp"

namespace pellucid {
namespace {

constexpr Index nobody = -1;
constexpr Index steps_between_polls = 1 << 16;

// The classes of the smallest equivalence that holds wherever `linked` does, each in the order of its players.
template <typename Linked>
std::vector<std::vector<Index>> classes(std::vector<Index> left, Linked linked) {
    std::vector<std::vector<Index>> found;
    while (!left.empty()) {
        std::vector<Index> members{left.front()};
        left.erase(left.begin());
        for (std::size_t next = 0; next < members.size(); ++next) {
            const auto rest = std::stable_partition(left.begin(), left.end(),
                                                    [&](Index other) { return !linked(members[next], other); });
            members.insert(members.end(), rest, left.end());
            left.erase(rest, left.end());
        }
        std::sort(members.begin(), members.end());
        found.push_back(std::move(members));
    }
    return found;
}

// Adjacent swaps of a sequence of players, never of two that the order forbids; `nobody` has no relations.
void swap_if_allowed(const PartialOrder& order, Index* places, Index at) {
    Index &a = places[at], &b = places[at + 1];
    if (a != nobody && b != nobody && order.precedes(a, b)) return;
    std::swap(a, b);
}

// Huber's bounding chain over the Karzanov-Khachiyan chain, whose step swaps two neighbours, chosen at random, by a
// coin.
//
// A bound is a sequence of places; a player in place t of it is in place t or earlier of every state. It begins with
// the first player in the last place and nobody elsewhere, which holds for all states. State and bound get the same
// coin, but opposite ones where the player who stands left in the state stands right in the bound. The players enter
// it in the order of `players`, a linear extension; when all are in, every state is equal to the bound.
class BoundingChain {
  public:
    BoundingChain(const PartialOrder& order, const std::vector<Index>& players)
        : order_(order), players_(players), size_(static_cast<Index>(players.size())) {
        restart();
    }

    void restart() {
        bound_.assign(players_.size(), nobody);
        bound_.back() = players_[0];
        entered_ = 1;
    }

    // One step of the bound, and of a state where there is one.
    void step(RowStream& stream, Index* state) {
        const std::uint64_t drawn = stream.below(2 * static_cast<std::uint64_t>(size_ - 1));
        const auto at = static_cast<Index>(drawn / 2);
        const bool coin = drawn % 2 == 1;
        if (state != nullptr && coin != (state[at] == bound_[at + 1])) swap_if_allowed(order_, state, at);
        if (coin) swap_if_allowed(order_, bound_.data(), at);
        if (bound_.back() == nobody) bound_.back() = players_[entered_++];
    }

    bool complete() const { return entered_ == size_; }
    const std::vector<Index>& bound() const { return bound_; }

  private:
    const PartialOrder& order_;
    const std::vector<Index>& players_;
    Index size_, entered_ = 1;
    std::vector<Index> bound_;
};

}  // namespace

struct LinearExtensions::Draw {
    std::uint64_t seed, row;
    Index first_steps;
    RowStream shuffles;

    // Coupling from the past, block by block: where the random steps of a block take all states to one, that is the
    // draw; else the state at its beginning is drawn from the block before it, and goes through the same steps.
    void from_the_past(const PartialOrder& order, const Part& part, Index* result) const {
        BoundingChain chain(order, part.players);
        Index block = 0;
        while (!run(chain, part, block, nullptr)) ++block;
        std::copy(chain.bound().begin(), chain.bound().end(), result);
        while (block-- > 0) run(chain, part, block, result);
    }

    // Whether block `block` of the past, 2^block times as long as the first, takes all states to one.
    bool run(BoundingChain& chain, const Part& part, Index block, Index* state) const {
        require<BudgetError>(block < 32, "the past does not come to an end");
        chain.restart();
        RowStream stream(seed, 0, row, StreamOf::permutations, 1 + 64 * part.name + static_cast<std::uint64_t>(block));
        const auto n = static_cast<Index>(part.players.size());
        const Index first = first_steps > 0 ? first_steps : 2 * n * n * n * std::bit_width(part.players.size()) / 3;
        for (Index t = 0; t < first << block; ++t) {
            if (t % steps_between_polls == 0) poll_interrupt();
            chain.step(stream, state);
        }
        return chain.complete();
    }
};

LinearExtensions::LinearExtensions(MasksIn precedes, Index first_steps) : order_(precedes), first_steps_(first_steps) {
    require(first_steps >= 0 && first_steps < Index{1} << 30, "first_steps must be between 0 and 2^30, got ",
            first_steps);
    std::vector<Index> all(static_cast<std::size_t>(order_.players()));
    std::iota(all.begin(), all.end(), Index{0});
    root_ = taken_apart(std::move(all));
}

LinearExtensions::Part LinearExtensions::taken_apart(std::vector<Index> players) {
    if (players.size() == 1) return {Kind::player, std::move(players), {}};
    Part part{Kind::side_by_side, players, {}};
    auto classes_of = classes(players, [&](Index i, Index j) { return order_.comparable(i, j); });
    if (classes_of.size() == 1) {
        part.kind = Kind::one_after_another;
        classes_of = classes(players, [&](Index i, Index j) { return !order_.comparable(i, j); });
        std::sort(classes_of.begin(), classes_of.end(),
                  [&](const auto& a, const auto& b) { return order_.precedes(a[0], b[0]); });
    }
    if (classes_of.size() == 1) {
        require<BudgetError>(static_cast<Index>(players.size()) <= most_inseparable, "order relates ", players.size(),
                             " players in a way that is neither layers nor a forest; orders of more than ",
                             most_inseparable, " such players are not drawn; use layers, or fewer groups of features");
        part.kind = Kind::inseparable;
        part.name = inseparable_++;
        std::vector<Index> earlier(static_cast<std::size_t>(order_.players()), 0);
        for (const Index j : players)
            earlier[j] = std::count_if(players.begin(), players.end(), [&](Index i) { return order_.precedes(i, j); });
        std::stable_sort(part.players.begin(), part.players.end(),
                         [&](Index i, Index j) { return earlier[i] < earlier[j]; });
        return part;
    }
    for (auto& members : classes_of) part.parts.push_back(taken_apart(std::move(members)));
    return part;
}

void LinearExtensions::write(const Part& part, Draw& draw, Index* order, Index* twin) const {
    const auto n = static_cast<Index>(part.players.size());
    switch (part.kind) {
        case Kind::player:
            *order = *twin = part.players[0];
            break;
        case Kind::one_after_another:
            for (const Part& next : part.parts) {
                write(next, draw, order, twin);
                order += next.players.size();
                twin += next.players.size();
            }
            break;
        case Kind::side_by_side:
            interleave(part, draw, order, twin);
            break;
        case Kind::inseparable:
            draw.from_the_past(order_, part, order);
            std::copy(order, order + n, twin);
            for (Index last = n - 1; last > 0; --last)
                for (Index at = 0; at < last; ++at) swap_if_allowed(order_, twin, at);
            break;
    }
}

void LinearExtensions::interleave(const Part& part, Draw& draw, Index* order, Index* twin) const {
    const std::size_t n = part.players.size();
    std::vector<Index> orders(n), twins(n), turns(n);  // turns: whose next player comes
    std::vector<std::size_t> next(part.parts.size());
    std::size_t begin = 0;
    for (std::size_t c = 0; c < part.parts.size(); ++c) {
        const std::size_t size = part.parts[c].players.size();
        write(part.parts[c], draw, orders.data() + begin, twins.data() + begin);
        std::fill_n(turns.begin() + static_cast<std::ptrdiff_t>(begin), size, static_cast<Index>(c));
        next[c] = begin;
        begin += size;
    }
    draw.shuffles.shuffle(turns);
    auto next_of_twin = next;
    for (std::size_t t = 0; t < n; ++t) {
        order[t] = orders[next[turns[t]]++];
        twin[t] = twins[next_of_twin[turns[n - 1 - t]]++];
    }
}

std::pair<IndexMatrix, IndexMatrix> LinearExtensions::pairs(std::uint64_t seed, Index first, Index count) const {
    require(first >= 0 && count >= 0, "first and count must not be negative, got ", first, " and ", count);
    IndexMatrix orders(count, order_.players()), twins(count, order_.players());
    parallel_for(count, 16, [&](Index begin, Index end) {
        for (Index i = begin; i < end; ++i) {
            const auto row = static_cast<std::uint64_t>(first + i);
            Draw draw{seed, row, first_steps_, RowStream(seed, 0, row, StreamOf::permutations)};
            write(root_, draw, orders.row(i).data(), twins.row(i).data());
        }
    });
    return {std::move(orders), std::move(twins)};
}

}  // namespace pellucid
