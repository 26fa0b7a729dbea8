#include "pellucid/sampling/coalitions.hpp"

#include <algorithm>
#include <unordered_map>
#include <vector>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"
#include "pellucid/random.hpp"

namespace pellucid {
namespace {

constexpr double rankable = 0x1p62;
constexpr Index rows_between_polls = 4096;

// Table of C(m, t) for m <= n, t <= s, all below 2^62, to turn a rank into the subset that has it.
class Unranking {
  public:
    Unranking(Index n, Index s) : n_(n), s_(s), table_(static_cast<std::size_t>((n + 1) * (s + 1)), 0) {
        for (Index m = 0; m <= n; ++m) {
            at(m, 0) = 1;
            for (Index t = 1; t <= std::min(m, s); ++t) at(m, t) = at(m - 1, t - 1) + (t <= m - 1 ? at(m - 1, t) : 0);
        }
    }

    std::uint64_t total() const { return at(n_, s_); }

    // Colexicographic: the largest member is the largest m with C(m, t) <= rank, and so on below it.
    void write(std::uint64_t rank, std::uint8_t* mask) const {
        Index m = n_;
        for (Index t = s_; t > 0; --t) {
            do --m;
            while (at(m, t) > rank);
            mask[m] = 1;
            rank -= at(m, t);
        }
    }

  private:
    std::uint64_t at(Index m, Index t) const { return table_[static_cast<std::size_t>(m * (s_ + 1) + t)]; }
    std::uint64_t& at(Index m, Index t) { return table_[static_cast<std::size_t>(m * (s_ + 1) + t)]; }

    Index n_, s_;
    std::vector<std::uint64_t> table_;
};

// The first entries of a random permutation of 0 .. n-1 without the memory for all of it: Fisher-Yates where
// only the places that moved are kept.
class SparseShuffle {
  public:
    SparseShuffle(std::uint64_t n, RowStream stream) : n_(n), stream_(stream) {}

    std::uint64_t next() {
        const std::uint64_t j = drawn_ + stream_.below(n_ - drawn_);
        const std::uint64_t value = take(j);
        moved_[j] = take(drawn_);
        ++drawn_;
        return value;
    }

  private:
    std::uint64_t take(std::uint64_t place) const {
        const auto found = moved_.find(place);
        return found == moved_.end() ? place : found->second;
    }

    std::uint64_t n_, drawn_ = 0;
    RowStream stream_;
    std::unordered_map<std::uint64_t, std::uint64_t> moved_;
};

// Floyd: a uniform subset of `size` out of 0 .. n-1 with `size` draws.
void write_independent_subset(RowStream stream, Index n, Index size, std::uint8_t* mask) {
    for (Index j = n - size; j < n; ++j) {
        const auto candidate = static_cast<Index>(stream.below(static_cast<std::uint64_t>(j) + 1));
        mask[mask[candidate] == 0 ? candidate : j] = 1;
    }
}

}  // namespace

Masks all_coalitions(Index players, Index first, Index count) {
    require(players >= 1 && players <= 62, "players must be between 1 and 62 to count through their coalitions, got ",
            players);
    const Index total = Index{1} << players;
    require(first >= 0 && count >= 0 && first <= total - count, count, " coalitions from ", first,
            " on do not exist: ", players, " players have ", total);
    Masks masks(count, players);
    for (Index i = 0; i < count; ++i)
        for (Index j = 0; j < players; ++j) masks(i, j) = static_cast<std::uint8_t>(((first + i) >> j) & 1);
    return masks;
}

double binomial(Index n, Index s) {
    if (s < 0 || s > n) return 0.0;
    s = std::min(s, n - s);
    double value = 1.0;
    // Each partial product is itself a binomial: whole as long as it stays well below 2^53.
    for (Index t = 1; t <= s; ++t) value = value * static_cast<double>(n - s + t) / static_cast<double>(t);
    return value < 0x1p52 ? std::round(value) : value;
}

double pairs_of_size(Index players, Index size) {
    return 2 * size == players ? binomial(players - 1, size) : binomial(players, size);
}

double all_pairs(Index players) {
    return std::ldexp(1.0, static_cast<int>(std::clamp<Index>(players - 1, 0, 2000))) - 1.0;
}

void random_subsets(std::uint64_t seed, std::uint64_t instance, Index players, Index size, Index first, Index count,
                    std::uint8_t* masks) {
    require(players >= 2 && size >= 1 && 2 * size <= players, "size must be between 1 and half the players, got size ",
            size, " of ", players);
    const double there = pairs_of_size(players, size);
    require(static_cast<double>(first) + static_cast<double>(count) <= there, "there are only ", there,
            " subsets of size ", size, ", asked for ", count, " from ", first, " on");
    std::fill(masks, masks + count * players, std::uint8_t{0});
    const Index movable = 2 * size == players ? players - 1 : players;
    const auto lane = static_cast<std::uint64_t>(size);
    if (binomial(movable, size) >= rankable) {
        for (Index i = 0; i < count; ++i)
            write_independent_subset(
                RowStream(seed, instance, static_cast<std::uint64_t>(first + i) + 1, StreamOf::subsets, lane), movable,
                size, masks + i * players);
        return;
    }
    const Unranking subsets(movable, size);
    SparseShuffle order(subsets.total(), RowStream(seed, instance, 0, StreamOf::subsets, lane));
    for (Index i = 0; i < first + count; ++i) {
        const std::uint64_t rank = order.next();
        if (i >= first) subsets.write(rank, masks + (i - first) * players);
        if (i % rows_between_polls == 0) poll_interrupt();
    }
}

}  // namespace pellucid
