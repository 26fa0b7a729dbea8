#include "pellucid/regression/tile_product.hpp"

#include <algorithm>
#include <vector>

#include "pellucid/parallel.hpp"

namespace pellucid {
namespace {

constexpr Index row_chunk = 1024;

}  // namespace

PELLUCID_SIMD void add_tiles(Strided a, Index M, Index K, const double* b, Index ldb, Index N, double* out, Index ldo) {
    const Index row = a.row;
    Index i = 0;
    for (; i + 4 <= M; i += 4)
        for (Index n = 0; n < N; n += lanes) {
            const double* x = a.data + i * row;
            const double* y = b + n;
            Four s00{}, s01{}, s10{}, s11{}, s20{}, s21{}, s30{}, s31{};
            for (Index k = 0; k < K; ++k, x += a.step, y += ldb) {
                const double x0 = x[0], x1 = x[row], x2 = x[2 * row], x3 = x[3 * row];
                const Four y0 = four(y), y1 = four(y + 4);
                s00 += x0 * y0;
                s01 += x0 * y1;
                s10 += x1 * y0;
                s11 += x1 * y1;
                s20 += x2 * y0;
                s21 += x2 * y1;
                s30 += x3 * y0;
                s31 += x3 * y1;
            }
            double* at = out + i * ldo + n;
            four(at) += s00;
            four(at + 4) += s01;
            four(at + ldo) += s10;
            four(at + ldo + 4) += s11;
            four(at + 2 * ldo) += s20;
            four(at + 2 * ldo + 4) += s21;
            four(at + 3 * ldo) += s30;
            four(at + 3 * ldo + 4) += s31;
        }
    for (; i < M; ++i)
        for (Index n = 0; n < N; n += lanes) {
            const double* x = a.data + i * row;
            const double* y = b + n;
            Four s0{}, s1{};
            for (Index k = 0; k < K; ++k, x += a.step, y += ldb) {
                s0 += *x * four(y);
                s1 += *x * four(y + 4);
            }
            four(out + i * ldo + n) += s0;
            four(out + i * ldo + n + 4) += s1;
        }
}

void add_cross(const Matrix& a, const Vector& w, const Matrix& b, bool upper, Matrix& out) {
    constexpr Index block = 256;  // rows of a and b that stay in the cache while all tiles are made
    const Index m = a.rows(), M = a.cols(), N = b.cols(), chunks = (m + row_chunk - 1) / row_chunk;
    std::vector<Matrix> sums(static_cast<std::size_t>(chunks));
    parallel_for(m, row_chunk, [&](Index first, Index last) {
        Matrix sum = Matrix::Zero(M, N), weighted(block, M);
        for (Index r = first; r < last; r += block) {
            const Index rows = std::min(block, last - r);
            weighted.topRows(rows) = w.segment(r, rows).asDiagonal() * a.middleRows(r, rows);
            for (Index i = 0; i < M; i += lanes) {
                const Index from = upper ? i : 0;
                add_tiles({weighted.data() + i, 1, M}, std::min(lanes, M - i), rows, b.data() + r * N + from, N,
                          N - from, sum.data() + i * N + from, N);
            }
        }
        sums[static_cast<std::size_t>(first / row_chunk)] = std::move(sum);
    });
    for (const Matrix& sum : sums) out += sum;
}

void add_rows(const Matrix& a, const Matrix& b, bool upper, Matrix& out) {
    const Index K = b.rows(), N = b.cols(), width = upper ? lanes : N;
    parallel_for(a.rows(), row_chunk, [&](Index first, Index last) {
        for (Index n = 0; n < N; n += width)
            add_tiles({a.data() + first * a.cols(), a.cols(), 1}, last - first, upper ? std::min(K, n + width) : K,
                      b.data() + n, N, width, out.data() + first * N + n, N);
    });
}

}  // namespace pellucid
