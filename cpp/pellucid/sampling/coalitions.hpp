// Coalitions S of n players: all of them in counting order, or distinct random subsets of one size.
#pragma once

#include "pellucid/types.hpp"

namespace pellucid {

// Masks first .. first + count - 1 of the 2^n coalitions; player j is in mask i when bit j of i is set.
Masks all_coalitions(Index players, Index first, Index count);

// C(n, s), or infinity where it leaves the doubles: sizes of sets, not weights, are all it is used for.
double binomial(Index n, Index s);

// How many pairs {S, complement of S} have a smaller side of `size`; the middle size of an even n counts once.
double pairs_of_size(Index players, Index size);

// All pairs of proper coalitions, 2^(n-1) - 1; none of fewer than 2 players.
double all_pairs(Index players);

// `count` distinct subsets of one size, written to rows of `masks`: the first ones of a random order of all
// C(n, s) that (seed, instance, size) names, so that rows(first, n) never depends on how often or how far one
// asks. At the middle size of an even n the last player stays outside, which makes the pairs distinct too.
// Above 2^62 subsets they are drawn independently: two are equal with a probability below count^2 / 2^63.
void random_subsets(std::uint64_t seed, std::uint64_t instance, Index players, Index size, Index first, Index count,
                    std::uint8_t* masks);

}  // namespace pellucid
