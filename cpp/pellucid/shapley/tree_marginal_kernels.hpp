// The loops of marginal tree values that gain from vectors: one set for each level of instructions, all of the same
// bits.
#pragma once

#include <cstdint>

namespace pellucid {

// cells of one feature, and what a split asks of them: left where cell + shift <= last, the sum wrapping around so that
// the largest cell, a missing value, is the least of all.
struct CellQuestion {
    const std::int32_t* cells;
    std::int32_t shift, last;
    bool left;  // the side that satisfies
};

struct MarginalKernels {
    // to = from with the bit set where satisfied, or, of a player met before, with the bit cleared where not.
    void (*narrow)(const CellQuestion& question, std::int64_t rows, std::uint32_t bit, bool repeated,
                   const std::uint32_t* from, std::uint32_t* to);
    // The same from answers 0 or 1, 1 where satisfied.
    void (*narrow_by)(const std::uint8_t* satisfied, std::int64_t rows, std::uint32_t bit, bool repeated,
                      const std::uint32_t* from, std::uint32_t* to);
    // values[S] = sum of values[T] over the subsets T of S, of 2^bits sets; values are not negative.
    void (*subset_sums)(double* values, int bits);
    void (*multiply)(const double* a, const double* b, double* product, std::int64_t count);
    // out[e] += scale * values[e & keep]
    void (*add_scaled)(double* out, const double* values, double scale, std::int64_t count, std::uint32_t keep);
    // sums[row] += the row of each table that its slots name, in the order of the tables; width is a multiple of 8.
    void (*add_rows)(double* sums, std::int64_t rows, std::int64_t width, int tables, const std::uint32_t* const* slots,
                     const double* const* table);
};

namespace baseline {
extern const MarginalKernels marginal_kernels;
}
#if defined(__GNUC__) && defined(__x86_64__)
namespace avx2 {
extern const MarginalKernels marginal_kernels;
}
namespace avx512 {
extern const MarginalKernels marginal_kernels;
}
#endif

// Of the level in force.
const MarginalKernels& marginal_kernels();

}  // namespace pellucid
