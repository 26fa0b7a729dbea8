// Scrambled Sobol points by random access: row i is the same whether it is asked for alone or with others.
//
// Sobol 1967 with the direction numbers of Joe and Kuo 2008. Every coordinate has a random linear scramble of its
// digits and a digital shift (Matousek 1998), so that a row is uniform and the rows [a 2^k, (a + 1) 2^k) stay a net: in
// each coordinate they hit each of 2^k equal cells exactly once. Which Sobol dimension a coordinate gets is drawn at
// random: with a fixed order an unlucky projection always strikes the same coefficient.
//
// Beyond 256 coordinates, further blocks of 256 read the rows in an order of their own (Latin supercube sampling, Owen
// 1998). The order maps [2^k, 2^(k + 1)) onto itself, so that the first 2^k rows hit each cell once in every block.
#pragma once

#include <array>

#include "pellucid/types.hpp"

namespace pellucid {

inline constexpr Index sobol_dimensions = 256;
inline constexpr int sobol_index_bits = 32;

// What bit k of the row index adds to dimension `dimension` before scrambling; the first digit is the highest bit.
std::array<std::uint32_t, sobol_index_bits> sobol_directions(Index dimension);

// Coordinates (dimensions, count) in the open interval (0, 1) of rows first, first + 1, ..., below 2^32: the middles of
// 2^52 equal cells. Row j of the result holds coordinate j. Cost: about a nanosecond for each coordinate of a row.
Matrix sobol_coordinates(std::uint64_t seed, Index dimensions, Index first, Index count);

}  // namespace pellucid
