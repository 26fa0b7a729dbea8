// The inner loops of evaluating trees, once for each level of vector instructions: plain numbers behind pointers.
//
// A group is 64 rows. A tree of few leaves is not walked: each of its questions is asked of all rows of the group at
// once, which gives a word of 64 answers; words tell which rows are in a node, and the number of a leaf is put together
// bit by bit. A larger tree is walked, several rows or several trees side by side.
#pragma once

#include <cstdint>

#if defined(__GNUC__) && defined(__x86_64__)
#define PELLUCID_X86_LEVELS 1
#else
#define PELLUCID_X86_LEVELS 0
#endif

namespace pellucid::evaluation {

constexpr int group = 64;
constexpr int together = 16;      // lanes of a walk
constexpr int most_leaves = 512;  // of a tree whose questions are all asked
constexpr int most_planes = 9;    // bits of the number of a leaf
constexpr std::int32_t no_set = -1;

// Asked in this order, from the root down; places are those of nodes, leaves too, level by level.
struct Question64 {
    std::int32_t slot;     // of the feature
    std::int32_t missing;  // in the words of missing rows: 1 + slot where they go left, else 0, a word without rows
    std::int32_t set;      // in sets, or no_set
    std::uint16_t cell;    // cell <= this goes left, without a set
    std::uint16_t place, left;  // its own, and that of the left child; the right child is the next
};

// Cells go left where an odd number of borders is not below them: borders[first], ..., borders[first + count - 1].
struct Set64 {
    std::int64_t first;
    std::int32_t count;
    std::int32_t otherwise;  // whether the last cell goes left
};

// The bits of the number of a leaf: bit b is set in the rows of places[b ? ends[b - 1] : 0], ..., places[ends[b] - 1].
struct Tree64 {
    const Question64* questions;
    const std::uint16_t* places;
    std::int32_t ends[most_planes];
    std::int32_t question_count, planes;
};

struct Group {
    const void* cells;             // of slot s from entry 64 s, of one or two bytes
    const std::uint64_t* missing;  // (1 + slots)
    const Set64* sets;
    const std::uint16_t* borders;
};

struct WalkNode {
    std::int32_t slot;     // 2 slot + 1 where a missing value goes left, 2 slot otherwise; -1 asks a set
    std::int32_t cell;     // cell <= this goes left, cell + 1 <= this where a missing value does; or number of the set
    std::int32_t next[2];  // left, right; a leaf leads to itself
};

struct WalkSet {
    std::int64_t first;  // bit of cell 0
    std::int32_t slot, count;
};

struct Walk {
    const WalkNode* nodes;
    const WalkSet* sets;
    const std::uint64_t* bits;
    const std::int32_t* cells;  // of slot s from entry s * stride
    std::int64_t stride;
};

struct Kernels {
    // Numbers of the leaves of 64 rows; cells of one byte and of two.
    void (*leaves_of_bytes)(const Tree64& tree, const Group& rows, std::int32_t* leaves);
    void (*leaves_of_words)(const Tree64& tree, const Group& rows, std::int32_t* leaves);
    // at[i] is the root of lane i and becomes its leaf; row[i] its row among the cells. `together` lanes.
    void (*walk)(const Walk& walk, const std::int32_t* row, std::int32_t* at);
    // sums[i] += values[leaves[i]] for 64 rows.
    void (*add)(double* sums, const double* values, const std::int32_t* leaves);
    // cells[i] = number of the 2^steps - 1 borders below x[i], for 64 numbers.
    void (*rank)(const double* borders, std::int32_t steps, const double* x, std::int32_t* cells);
};

extern const Kernels baseline_kernels;
#if PELLUCID_X86_LEVELS
extern const Kernels avx2_kernels, avx512_kernels;
#endif

}  // namespace pellucid::evaluation
