// The coalitions that can arise when players come one after the other by a partial order: its ideals, closed downwards.
//
// With e(S) the number of orders of S that respect the partial order, a random order of everybody passes from S to S +
// j with probability e(S) e(N - S - j) / e(N). The numbers e come from sums over the ideals; they leave the doubles, so
// that each has an exponent of its own.
#pragma once

#include <cmath>
#include <vector>

#include "pellucid/sampling/partial_order.hpp"

namespace pellucid {

class OrderIdeals {
  public:
    // Finds the ideals by size; gives up when there are more than `limit`. Memory: for each ideal n bits, 40 bytes, and
    // 4 for each player who may come next.
    OrderIdeals(MasksIn precedes, Index limit);

    Index players() const { return order_.players(); }
    // Ideals, the empty and the full one included; limit + 1 when there are more.
    Index size() const { return static_cast<Index>(sets_.size()) / order_.words(); }
    bool complete() const { return complete_; }

    // log e(N), the natural logarithm of the number of orders.
    double log_orders() const;

    // Ideals first .. first + count - 1, (count, n): the empty one is the first, the full one the last.
    Masks masks(Index first, Index count) const;

    // visit(next ideal, the player who comes, the probability of this step) for all steps from `ideal`.
    template <typename Visit>
    void steps_from(Index ideal, Visit visit) const {
        for (Index at = first_step_[ideal]; at < first_step_[ideal + 1]; ++at) {
            const Index next = steps_[at];
            const Scaled &from = orders_[ideal], &to = orders_after_[next];
            visit(next, newcomer(ideal, next), std::ldexp(from.mantissa * to.mantissa, from.exponent + to.exponent));
        }
    }

  private:
    // mantissa * 2^exponent, the mantissa in [1/2, 1).
    struct Scaled {
        double mantissa = 0.0;
        int exponent = 0;
        Scaled& operator+=(const Scaled& other);
    };

    bool find(Index limit);
    void count();
    Index newcomer(Index ideal, Index next) const;
    const std::uint64_t* set(Index ideal) const { return sets_.data() + ideal * order_.words(); }

    PartialOrder order_;
    std::vector<std::uint64_t> sets_;
    std::vector<Index> first_step_{0};
    std::vector<std::uint32_t> steps_;
    std::vector<Scaled> orders_;        // e(S)
    std::vector<Scaled> orders_after_;  // e(N - S) / e(N)
    bool complete_;
};

}  // namespace pellucid
