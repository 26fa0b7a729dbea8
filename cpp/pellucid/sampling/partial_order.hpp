// A strict partial order of players: which of them come before which others.
#pragma once

#include <vector>

#include "pellucid/types.hpp"

namespace pellucid {

class PartialOrder {
  public:
    // precedes (n, n): entry (i, j) is 1 where player i comes before player j. It must be closed: with i before j and
    // j before k, i comes before k.
    explicit PartialOrder(MasksIn precedes);

    Index players() const { return players_; }
    // Sets of players are bits in so many words of 64.
    Index words() const { return words_; }

    // The set of players that come before j.
    const std::uint64_t* before(Index j) const { return before_.data() + j * words_; }
    bool precedes(Index i, Index j) const { return (before(j)[i / 64] >> (i % 64) & 1) != 0; }
    bool comparable(Index i, Index j) const { return precedes(i, j) || precedes(j, i); }

    // Whether j may come next when the players of `set` have come, of which it is none.
    bool may_follow(const std::uint64_t* set, Index j) const {
        const std::uint64_t* needed = before(j);
        for (Index w = 0; w < words_; ++w)
            if ((needed[w] & ~set[w]) != 0) return false;
        return true;
    }

  private:
    Index players_, words_;
    std::vector<std::uint64_t> before_;
};

}  // namespace pellucid
