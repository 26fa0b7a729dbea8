// Masks of p parts whose number of parts that are off, s, has a given law; which parts are off is uniform given s.
//
// Sizes are stratified: row i takes the quantile of the law at the radical inverse of i, all digits xored with those of
// one uniform number (van der Corput with a digital shift). Rows 0 .. 2^r - 1, and every later block of 2^r rows that
// starts at a multiple of 2^r, so hold one point of each cell of width 2^-r, all at the same place in it: the number of
// masks of a size is within 1 of its expectation, and doubling the rows keeps it so. Small sides are drawn member by
// member, by Floyd's algorithm; others are random bits, put right by a few random members: about 3 p / 64 numbers of 64
// bits and p / 16 of 16 bits a mask.
#pragma once

#include "pellucid/types.hpp"

namespace pellucid {

// Rows first .. first + count - 1 of the masks (count, p) that (seed, instance) names; 1 is on. size_law (p + 1) has
// the probability of every s. In pairs, rows 2i and 2i + 1 are a mask and its complement, and the law must be
// symmetric.
Masks sized_masks(std::uint64_t seed, std::uint64_t instance, VectorIn size_law, Index first, Index count, bool pairs);

}  // namespace pellucid
