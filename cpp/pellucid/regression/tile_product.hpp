// The one dense product of the local regressions: out (M, N) += A (M, K) B (K, N).
//
// Every entry is summed in the order of k, by the same instructions on every processor, so the bits depend on K
// alone: not on M, not on the threads, not on sizes of caches.
#pragma once

#include "pellucid/regression/lanes.hpp"
#include "pellucid/types.hpp"

namespace pellucid {

// A by strides: entry (i, k) is a[i * row + k * step], so that a transposed A is the same call.
struct Strided {
    const double* data;
    Index row, step;
};

// b and out are row-major with ldb and ldo entries a row; N is a multiple of `lanes`.
void add_tiles(Strided a, Index M, Index K, const double* b, Index ldb, Index N, double* out, Index ldo);

// out (M, N) += A' diag(w) B over the rows of A (m, M) and B (m, N), in chunks of rows in parallel whose sums are added
// in order. Only entries with a column of at least `lanes * (row / lanes)` are computed where `upper` is set.
void add_cross(const Matrix& a, const Vector& w, const Matrix& b, bool upper, Matrix& out);

// out (m, N) += A (m, K) B (K, N), chunks of rows in parallel; B has zeros below its diagonal where `upper` is set.
void add_rows(const Matrix& a, const Matrix& b, bool upper, Matrix& out);

}  // namespace pellucid
