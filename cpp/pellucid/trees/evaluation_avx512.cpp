#include "pellucid/trees/evaluation_kernels.hpp"

#if PELLUCID_X86_LEVELS

#include <immintrin.h>
#pragma GCC target("avx512f,avx512vl,avx512dq,avx512bw")

namespace pellucid::evaluation {
namespace {

// With a mask, as the compiler warns of the undefined vector of the form without.
__m512d gather(const double* from, __m256i at) {
    return _mm512_mask_i32gather_pd(_mm512_setzero_pd(), 0xff, at, from, 8);
}

std::uint64_t at_most(const std::uint8_t* cells, std::uint8_t cell) {
    return _mm512_cmple_epu8_mask(_mm512_loadu_si512(cells), _mm512_set1_epi8(static_cast<char>(cell)));
}

std::uint64_t at_most(const std::uint16_t* cells, std::uint16_t cell) {
    const __m512i limit = _mm512_set1_epi16(static_cast<short>(cell));
    const std::uint64_t low = _mm512_cmple_epu16_mask(_mm512_loadu_si512(cells), limit),
                        high = _mm512_cmple_epu16_mask(_mm512_loadu_si512(cells + 32), limit);
    return low | high << 32;
}

void spread(const std::uint64_t* planes, std::int32_t count, std::int32_t* leaves) {
    for (int i = 0; i < group; i += 16) {
        __m512i all = _mm512_setzero_si512();
        for (std::int32_t b = 0; b < count; ++b)
            all = _mm512_mask_or_epi32(all, static_cast<__mmask16>(planes[b] >> i), all, _mm512_set1_epi32(1 << b));
        _mm512_storeu_si512(leaves + i, all);
    }
}

void add(double* sums, const double* values, const std::int32_t* leaves) {
    for (int i = 0; i < group; i += 8) {
        const __m256i at = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(leaves + i));
        const __m512d more = gather(values, at);
        _mm512_storeu_pd(sums + i, _mm512_add_pd(_mm512_loadu_pd(sums + i), more));
    }
}

void rank(const double* borders, std::int32_t steps, const double* x, std::int32_t* cells) {
    constexpr int vectors = 4;
    for (int i = 0; i < group; i += 8 * vectors) {
        __m256i at[vectors];
        __m512d y[vectors];
        for (int v = 0; v < vectors; ++v) {
            at[v] = _mm256_setzero_si256();
            y[v] = _mm512_loadu_pd(x + i + 8 * v);
        }
        for (std::int32_t s = steps; s-- > 0;) {
            const std::int32_t width = std::int32_t{1} << s;
            for (int v = 0; v < vectors; ++v) {
                const __m512d border = gather(borders + width - 1, at[v]);
                const __mmask8 below = _mm512_cmp_pd_mask(border, y[v], _CMP_LT_OQ);
                at[v] = _mm256_mask_add_epi32(at[v], below, at[v], _mm256_set1_epi32(width));
            }
        }
        for (int v = 0; v < vectors; ++v) _mm256_storeu_si256(reinterpret_cast<__m256i*>(cells + i + 8 * v), at[v]);
    }
}

#include "pellucid/trees/evaluation_kernel_source.hpp"
}  // namespace

const Kernels avx512_kernels{leaves64<std::uint8_t>, leaves64<std::uint16_t>, plain_walk, add, rank};

}  // namespace pellucid::evaluation

#endif
