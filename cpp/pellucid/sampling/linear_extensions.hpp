// Random orders of the players that respect a partial order: its linear extensions, all equally likely.
//
// An order is taken apart where that is possible: what comes as a whole before the rest is drawn before it, and what
// has no relation to the rest is drawn by itself and shuffled in. Layers, forests and series-parallel orders are
// nothing but these two, so that a draw costs as much as a shuffle. What cannot be taken apart is drawn by coupling
// from the past with the bounding chain of Huber, "Fast perfect sampling from linear extensions", Discrete Mathematics
// 306 (2006): exactly uniform, in about n^3 log n expected steps for n players.
#pragma once

#include <utility>
#include <vector>

#include "pellucid/sampling/partial_order.hpp"

namespace pellucid {

class LinearExtensions {
  public:
    // BudgetError for an order with a part of more than `most_inseparable` players that cannot be taken apart.
    // first_steps: how far into the past an inseparable part looks first, before it looks twice as far; it decides
    // the time and the bits of a draw, and not its distribution. 0 is about n^3 log n.
    explicit LinearExtensions(MasksIn precedes, Index first_steps = 0);

    static constexpr Index most_inseparable = 100;

    // Orders first .. first + count - 1 of the sequence that `seed` names, and the antithetic twin of each, both
    // (count, players). A twin is the image of its order under a bijection of all linear extensions, so it is as
    // uniform as the order: independent parts are interleaved the other way round, which reverses players without a
    // relation; an inseparable part goes through the swaps that would reverse it, without those that the order forbids
    // (evacuation; Stanley, "Promotion and evacuation", Electronic Journal of Combinatorics 16 (2009)).
    // Without any relation the orders are those of `random_permutations`.
    std::pair<IndexMatrix, IndexMatrix> pairs(std::uint64_t seed, Index first, Index count) const;

  private:
    enum class Kind { player, one_after_another, side_by_side, inseparable };
    struct Part {
        Kind kind;
        std::vector<Index> players;
        std::vector<Part> parts;
        std::uint64_t name = 0;  // of an inseparable part
    };
    struct Draw;

    Part taken_apart(std::vector<Index> players);
    void write(const Part& part, Draw& draw, Index* order, Index* twin) const;
    void interleave(const Part& part, Draw& draw, Index* order, Index* twin) const;

    PartialOrder order_;
    Index first_steps_;
    std::uint64_t inseparable_ = 0;
    Part root_;
};

}  // namespace pellucid
