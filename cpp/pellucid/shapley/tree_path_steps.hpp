// The steps in which a kernel of path-dependent Shapley values walks a tree; plain structs, as the units of the levels
// may share no inline function with others.
//
// A leaf of value v gives player i  v * integral over p in (0, 1) of (o_i - r_i) prod_{j != i} f_j, f_j = (1-p) r_j + p
// o_j, where r_j is the product of the shares of cover on the edges of j and o_j says whether x takes all of them. In Q
// nodes the integral is a sum, and per node everything is a product along the path. With f1 = (1-p) r + p and
// h = (1-p) r / f1 in (0, 1) every factor is f1 (o ? 1 : h), so that the products of f1 wait in the leaves and what is
// carried down, G = prod (o ? 1 : h), neither overflows nor divides. E = sum over leaves below of v prod f comes up,
// and
//     (o - r) / f = -1 / (1-p) + o b,   b = (1-r) / f1 + 1 / (1-p)
// makes the part of an edge  sum_q w (-E / (1-p) + o b E). Where a player splits again below, the parts of its upper
// edges, that are known there, are taken back.
//
// Slots hold Q + 1 vectors of rows: G on the way down, in place E and A = -sum_q w E / (1-p) on the way up. The left
// child has a slot of its own, the right one takes that of its parent.
//
// A block is a subtree of few splits: what comes up from it is a product of G and a table of the answers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pellucid {

struct PathTest {
    std::int32_t feature = 0;  // its place among the used ones
    std::int32_t add = 0;      // cell + add <= last goes left: a missing value, the largest number, wraps round
    std::int32_t last = 0;     // where there is no set
    std::int32_t missing = 0;  // flag of a missing value in the set
    std::int64_t set = -1;     // first bit of flags
};

enum class PathStep : std::uint8_t { open, open_again, turn, turn_again, close, close_again, leaf, block };

constexpr int block_answers = 3;                   // splits, and players split above, of a block
constexpr int block_entries = 1 << block_answers;  // of its tables

struct PathBlock {
    PathTest tests[block_answers];
    std::int32_t held[block_answers];     // places of the players that are split above
    std::int32_t columns[block_answers];  // of its players
};

struct PathOp {
    PathStep step = PathStep::leaf;
    std::uint8_t tests = 0, held = 0, players = 0;  // of a block
    std::int32_t slot = 0;                          // of the node
    std::int32_t other = 0;                         // of its left child
    std::int32_t depth = 0;                         // where its answers are kept
    std::int32_t place = 0;                         // of its player on the path
    std::int32_t places = 0;                        // of players on the path
    std::int32_t column = 0;                        // of its player in the result
    std::int64_t data = 0;                          // first of its numbers
    std::int64_t edge = 0;  // in pairs: numbers b of the edge taken, at close of the player's edge above
    PathTest test;
    std::int64_t block = 0;
};

// What a kernel reads: pointers only.
template <typename Scalar>
struct PathView {
    const PathOp* ops = nullptr;
    const PathBlock* blocks = nullptr;
    const Scalar* data = nullptr;
    const Scalar* away = nullptr;    // (Q) -w / (1-p); in pairs -1 / (1-p)
    const Scalar* weight = nullptr;  // (Q), in pairs
    const std::uint64_t* bits = nullptr;
    std::int64_t count = 0;
    std::int64_t first_pair = 0;  // of the output in the result of pairs
    std::int32_t nodes = 0, slots = 0, depth = 0, places = 0;
};

// A block of rows lies in vectors of `lanes` rows: cells[feature * rows + i], sums[column * rows + i], where rows is
// lanes times 1 or most_vectors. Scratch begins a line of 64 bytes. Rows do not meet: what a row is told depends
// neither on the number of vectors nor on the level.
template <typename Scalar>
struct PathKernel {
    int lanes, most_vectors;
    void (*values)(const PathView<Scalar>&, int vectors, const std::int32_t* cells, Scalar* sums, std::byte* scratch);
    // Adds to sums[first_pair + pair] with pair = j (j - 1) / 2 + i of columns i < j.
    void (*pairs)(const PathView<Scalar>&, int vectors, const std::int32_t* cells, Scalar* sums, std::byte* scratch);
};

#if defined(__GNUC__) && defined(__x86_64__)
#define PELLUCID_PATH_LEVELS
#endif
extern const PathKernel<double> path_double_baseline, path_double_avx2, path_double_avx512;
extern const PathKernel<float> path_single_baseline, path_single_avx2, path_single_avx512;

}  // namespace pellucid
