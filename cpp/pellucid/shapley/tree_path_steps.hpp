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

// One row, or two, would leave most of a vector empty, and so each is explained with the nodes of the quadrature side
// by side, in the same operations in the same order, and hence to the same bits. A tree is then a list of splits for
// the way down and one of steps for the way up, in the order of the steps above. Every place of the tree is an item
// with a G of its own; item 0 stands for what is never known, item 1 for what always is.
constexpr int path_row_nodes = 8;  // at most
// Numbers of the nodes are padded with zeros to this many.
constexpr int path_row_width(int nodes) {
    return nodes <= 4 ? 4 : 8;
}

struct PathRowSplit {
    PathTest test;
    std::int32_t here = 0, left = 0;  // items; that of the right child is the next one
    std::int32_t above = 1;           // item of the player's edge above
    std::int64_t data = 0;            // h of the two edges; then h / h(above), where the player is split above
};

struct PathRowBlock {
    // Of each bit of the pattern, a question or a player that is known at an item: the other one is never so.
    PathTest tests[block_answers];
    std::int32_t held[block_answers] = {};
    std::int32_t columns[block_answers] = {};
};

struct PathRowStep {
    PathStep step = PathStep::leaf;       // close, close_again, leaf, block
    std::uint8_t tests = 0, players = 0;  // of a block
    std::int32_t here = 0, left = 0;
    std::int32_t split = 0;  // its number on the way down
    std::int32_t above = 1;
    std::int32_t column = 0;
    // In up: values of a leaf; b of the two edges and of the one above; for each pattern the tables of a block.
    std::int64_t data = 0;
};

template <typename Scalar>
struct PathRowView {
    const PathRowSplit* splits = nullptr;
    const PathRowStep* steps = nullptr;
    const PathRowBlock* blocks = nullptr;  // in the order of their steps
    const Scalar* down = nullptr;          // begins with ones, for who stays
    const Scalar* up = nullptr;            // begins with -w / (1-p)
    const std::uint64_t* bits = nullptr;
    std::int64_t split_count = 0, step_count = 0, items = 0;
    std::int32_t nodes = 0;  // 0 where there is no such list
};

// A block of rows lies in vectors of `lanes` rows: cells[feature * rows + i], sums[column * rows + i], where rows is
// lanes times 1 or most_vectors. Scratch begins a line of 64 bytes. Rows do not meet: what a row is told depends
// neither on the number of vectors nor on the level.
template <typename Scalar>
struct PathKernel {
    int lanes, most_vectors;
    void (*values)(const PathView<Scalar>&, int vectors, const std::int32_t* cells, Scalar* sums, std::byte* scratch);
    // Of the one row that lies in cells[feature * stride] and sums[column * stride].
    void (*row)(const PathRowView<Scalar>&, std::int64_t stride, const std::int32_t* cells, Scalar* sums,
                std::byte* scratch);
    // Adds to sums[first_pair + pair] with pair = j (j - 1) / 2 + i of columns i < j.
    void (*pairs)(const PathView<Scalar>&, int vectors, const std::int32_t* cells, Scalar* sums, std::byte* scratch);
};

#if defined(__GNUC__) && defined(__x86_64__)
#define PELLUCID_PATH_LEVELS
#endif
extern const PathKernel<double> path_double_baseline, path_double_avx2, path_double_avx512;
extern const PathKernel<float> path_single_baseline, path_single_avx2, path_single_avx512;

}  // namespace pellucid
