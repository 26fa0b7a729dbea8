#include "pellucid/trees/evaluation_kernels.hpp"

#if PELLUCID_X86_LEVELS

#include <immintrin.h>
#pragma GCC target("avx2")

namespace pellucid::evaluation {
namespace {

// With a mask, as the compiler warns of the undefined vector of the form without.
__m256d gather(const double* from, __m128i at) {
    const __m256d all = _mm256_castsi256_pd(_mm256_set1_epi64x(-1));
    return _mm256_mask_i32gather_pd(_mm256_setzero_pd(), from, at, all, 8);
}

__m256i load(const void* from) {
    return _mm256_loadu_si256(static_cast<const __m256i*>(from));
}

std::uint64_t joined(__m256i low, __m256i high) {
    return static_cast<std::uint32_t>(_mm256_movemask_epi8(low)) |
           static_cast<std::uint64_t>(static_cast<std::uint32_t>(_mm256_movemask_epi8(high))) << 32;
}

std::uint64_t at_most(const std::uint8_t* cells, std::uint8_t cell) {
    const __m256i limit = _mm256_set1_epi8(static_cast<char>(cell)), a = load(cells), b = load(cells + 32);
    return joined(_mm256_cmpeq_epi8(_mm256_min_epu8(a, limit), a), _mm256_cmpeq_epi8(_mm256_min_epu8(b, limit), b));
}

std::uint64_t at_most(const std::uint16_t* cells, std::uint16_t cell) {
    const __m256i limit = _mm256_set1_epi16(static_cast<short>(cell));
    const auto flags = [&](const std::uint16_t* from) {
        const __m256i x = load(from);
        return _mm256_cmpeq_epi16(_mm256_min_epu16(x, limit), x);
    };
    // Packing goes by halves of 128 bits.
    const auto packed = [&](const std::uint16_t* from) {
        return _mm256_permute4x64_epi64(_mm256_packs_epi16(flags(from), flags(from + 16)), 0xd8);
    };
    return joined(packed(cells), packed(cells + 32));
}

void spread(const std::uint64_t* planes, std::int32_t count, std::int32_t* leaves) {
    const __m256i bits = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    for (int i = 0; i < group; i += 8) {
        __m256i all = _mm256_setzero_si256();
        for (std::int32_t b = 0; b < count; ++b) {
            const __m256i plane = _mm256_and_si256(_mm256_set1_epi32(static_cast<int>(planes[b] >> i)), bits);
            all = _mm256_or_si256(all, _mm256_and_si256(_mm256_cmpeq_epi32(plane, bits), _mm256_set1_epi32(1 << b)));
        }
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(leaves + i), all);
    }
}

void add(double* sums, const double* values, const std::int32_t* leaves) {
    for (int i = 0; i < group; i += 4) {
        const __m128i at = _mm_loadu_si128(reinterpret_cast<const __m128i*>(leaves + i));
        const __m256d more = gather(values, at);
        _mm256_storeu_pd(sums + i, _mm256_add_pd(_mm256_loadu_pd(sums + i), more));
    }
}

#include "pellucid/trees/evaluation_kernel_source.hpp"
}  // namespace

const Kernels avx2_kernels{leaves64<std::uint8_t>, leaves64<std::uint16_t>, plain_walk, add, plain_rank};

}  // namespace pellucid::evaluation

#endif
