#include "pellucid/sampling/order_ideals.hpp"

#include <algorithm>
#include <bit>
#include <numbers>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"

namespace pellucid {
namespace {

constexpr Index ideals_between_polls = 1024;
constexpr std::uint32_t vacant = 0xffffffffu;

// Places of the sets of one size among all sets: a hash table with open addressing.
class SetTable {
  public:
    explicit SetTable(Index words) : words_(words), places_(64, vacant) {}

    // The place of `wanted`; where it is new, it is appended to `sets`.
    std::uint32_t find_or_append(const std::vector<std::uint64_t>& wanted, std::vector<std::uint64_t>& sets) {
        if (2 * (used_ + 1) > places_.size()) grow(sets);
        std::size_t slot = slot_of(wanted.data());
        while (places_[slot] != vacant) {
            if (std::equal(wanted.begin(), wanted.end(), sets.data() + places_[slot] * words_)) return places_[slot];
            slot = (slot + 1) % places_.size();
        }
        places_[slot] = static_cast<std::uint32_t>(static_cast<Index>(sets.size()) / words_);
        sets.insert(sets.end(), wanted.begin(), wanted.end());
        ++used_;
        return places_[slot];
    }

  private:
    std::size_t slot_of(const std::uint64_t* set) const {
        std::uint64_t hash = 0;
        for (Index w = 0; w < words_; ++w) {
            hash = (hash ^ set[w]) * 0x9E3779B97F4A7C15u;
            hash ^= hash >> 32;
        }
        return hash % places_.size();
    }

    void grow(const std::vector<std::uint64_t>& sets) {
        std::vector<std::uint32_t> old(2 * places_.size(), vacant);
        old.swap(places_);
        for (const std::uint32_t place : old) {
            if (place == vacant) continue;
            std::size_t slot = slot_of(sets.data() + place * words_);
            while (places_[slot] != vacant) slot = (slot + 1) % places_.size();
            places_[slot] = place;
        }
    }

    Index words_;
    std::size_t used_ = 0;
    std::vector<std::uint32_t> places_;
};

}  // namespace

OrderIdeals::OrderIdeals(MasksIn precedes, Index limit) : order_(precedes) {
    require(limit >= 1 && limit < static_cast<Index>(vacant), "limit must be between 1 and 2^32 - 2, got ", limit);
    complete_ = find(limit);
    if (complete_) count();
}

bool OrderIdeals::find(Index limit) {
    const Index n = players(), words = order_.words();
    sets_.assign(static_cast<std::size_t>(words), 0);
    if (limit < 2) return false;
    for (Index size = 0, first = 0; size <= n; ++size) {
        const Index last = this->size();
        SetTable larger(words);
        for (Index ideal = first; ideal < last; ++ideal) {
            if (ideal % ideals_between_polls == 0) poll_interrupt();
            std::vector<std::uint64_t> grown(set(ideal), set(ideal) + words);
            for (Index j = 0; j < n; ++j) {
                const std::uint64_t bit = std::uint64_t{1} << (j % 64);
                if ((grown[j / 64] & bit) != 0 || !order_.may_follow(grown.data(), j)) continue;
                grown[j / 64] |= bit;
                steps_.push_back(larger.find_or_append(grown, sets_));
                grown[j / 64] &= ~bit;
                if (this->size() > limit) return false;
            }
            first_step_.push_back(static_cast<Index>(steps_.size()));
        }
        first = last;
    }
    return true;
}

void OrderIdeals::count() {
    orders_.assign(static_cast<std::size_t>(size()), {});
    orders_after_.assign(static_cast<std::size_t>(size()), {});
    orders_.front() = {0.5, 1};
    for (Index ideal = 0; ideal < size(); ++ideal)
        for (Index at = first_step_[ideal]; at < first_step_[ideal + 1]; ++at) orders_[steps_[at]] += orders_[ideal];
    const Scaled all = orders_.back();
    Scaled& nobody_left = orders_after_.back();
    nobody_left.mantissa = std::frexp(1.0 / all.mantissa, &nobody_left.exponent);
    nobody_left.exponent -= all.exponent;
    for (Index ideal = size() - 2; ideal >= 0; --ideal)
        for (Index at = first_step_[ideal]; at < first_step_[ideal + 1]; ++at)
            orders_after_[ideal] += orders_after_[steps_[at]];
}

OrderIdeals::Scaled& OrderIdeals::Scaled::operator+=(const Scaled& other) {
    const int highest = mantissa == 0.0 ? other.exponent : std::max(exponent, other.exponent);
    int shift = 0;
    mantissa = std::frexp(
        std::ldexp(mantissa, exponent - highest) + std::ldexp(other.mantissa, other.exponent - highest), &shift);
    exponent = highest + shift;
    return *this;
}

double OrderIdeals::log_orders() const {
    require(complete_, "the ideals were not all found");
    return std::log(orders_.back().mantissa) + orders_.back().exponent * std::numbers::ln2;
}

Masks OrderIdeals::masks(Index first, Index count) const {
    require(first >= 0 && count >= 0 && first <= size() - count, count, " ideals from ", first,
            " on do not exist: there are ", size());
    Masks masks(count, players());
    for (Index i = 0; i < count; ++i)
        for (Index j = 0; j < players(); ++j)
            masks(i, j) = static_cast<std::uint8_t>(set(first + i)[j / 64] >> (j % 64) & 1);
    return masks;
}

Index OrderIdeals::newcomer(Index ideal, Index next) const {
    const std::uint64_t *before = set(ideal), *after = set(next);
    Index word = 0;
    while (before[word] == after[word]) ++word;
    return 64 * word + std::countr_zero(before[word] ^ after[word]);
}

}  // namespace pellucid
