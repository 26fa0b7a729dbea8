#include "pellucid/shapley/tree_path_steps.hpp"

#if defined(PELLUCID_PATH_LEVELS)

// Intrinsics that take all lanes begin with a vector that is not defined, on purpose.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>

#pragma GCC target("avx2")

namespace pellucid {
namespace {

struct Doubles {
    using Scalar = double;
    using Vector = __m256d;
    using Mask = __m256d;
    static constexpr int lanes = 4, most_vectors = 4;
    struct Pattern {
        __m256i entry;  // of a pair of 32 bits, in the lower or in the upper half of the table
        __m256d upper;
    };

    static Vector load(const double* from) { return _mm256_loadu_pd(from); }
    static void store(double* to, Vector x) { _mm256_storeu_pd(to, x); }
    static Vector all(double x) { return _mm256_set1_pd(x); }
    static Vector where(Mask m, Vector yes, Vector no) { return _mm256_blendv_pd(no, yes, m); }
    static Vector times_unless(Mask m, Vector x, Vector by) { return x * where(m, all(1.0), by); }
    static Vector product_of(Mask m, Vector a, Vector x, Vector b, Vector y) { return where(m, a * x, b * y); }
    static Mask no(Mask m) { return _mm256_xor_pd(m, _mm256_castsi256_pd(_mm256_set1_epi64x(-1))); }
    static Mask both(Mask a, Mask b) { return _mm256_and_pd(a, b); }
    static Mask never() { return _mm256_setzero_pd(); }
    static Mask widened(__m128i m) { return _mm256_castsi256_pd(_mm256_cvtepi32_epi64(m)); }
    static Mask at_most(const std::int32_t* cells, std::int32_t add, std::int32_t last) {
        const __m128i cell = _mm_loadu_si128(reinterpret_cast<const __m128i*>(cells));
        const __m128i moved = _mm_add_epi32(cell, _mm_set1_epi32(add));
        return no(widened(_mm_cmpgt_epi32(moved, _mm_set1_epi32(last))));
    }
    static Mask of_bits(std::uint32_t bits) {
        const __m128i each = _mm_setr_epi32(1, 2, 4, 8);
        return widened(_mm_cmpeq_epi32(_mm_and_si128(_mm_set1_epi32(static_cast<int>(bits)), each), each));
    }
    static Pattern pattern(Mask zero, Mask one, Mask two) {
        const __m256i ends = _mm256_set1_epi64x(std::int64_t{1} << 32);
        const __m256i of_zero = _mm256_and_si256(_mm256_castpd_si256(zero), _mm256_set1_epi32(2));
        const __m256i of_one = _mm256_and_si256(_mm256_castpd_si256(one), _mm256_set1_epi32(4));
        return {_mm256_or_si256(ends, _mm256_or_si256(of_zero, of_one)), two};
    }
    static Vector half(const double* table, __m256i entry) {
        return _mm256_castps_pd(_mm256_permutevar8x32_ps(_mm256_castpd_ps(load(table)), entry));
    }
    static Vector look_up(const double* table, const Pattern& pattern) {
        return where(pattern.upper, half(table + 4, pattern.entry), half(table, pattern.entry));
    }
};

struct Floats {
    using Scalar = float;
    using Vector = __m256;
    using Mask = __m256;
    using Pattern = __m256i;
    static constexpr int lanes = 8, most_vectors = 4;

    static Vector load(const float* from) { return _mm256_loadu_ps(from); }
    static void store(float* to, Vector x) { _mm256_storeu_ps(to, x); }
    static Vector all(float x) { return _mm256_set1_ps(x); }
    static Vector where(Mask m, Vector yes, Vector no) { return _mm256_blendv_ps(no, yes, m); }
    static Vector times_unless(Mask m, Vector x, Vector by) { return x * where(m, all(1.0F), by); }
    static Vector product_of(Mask m, Vector a, Vector x, Vector b, Vector y) { return where(m, a * x, b * y); }
    static Mask no(Mask m) { return _mm256_xor_ps(m, _mm256_castsi256_ps(_mm256_set1_epi32(-1))); }
    static Mask both(Mask a, Mask b) { return _mm256_and_ps(a, b); }
    static Mask never() { return _mm256_setzero_ps(); }
    static Mask at_most(const std::int32_t* cells, std::int32_t add, std::int32_t last) {
        const __m256i cell = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(cells));
        const __m256i moved = _mm256_add_epi32(cell, _mm256_set1_epi32(add));
        return no(_mm256_castsi256_ps(_mm256_cmpgt_epi32(moved, _mm256_set1_epi32(last))));
    }
    static Mask of_bits(std::uint32_t bits) {
        const __m256i each = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
        return _mm256_castsi256_ps(
            _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(static_cast<int>(bits)), each), each));
    }
    static Pattern pattern(Mask zero, Mask one, Mask two) {
        const __m256i of_zero = _mm256_and_si256(_mm256_castps_si256(zero), _mm256_set1_epi32(1));
        const __m256i of_one = _mm256_and_si256(_mm256_castps_si256(one), _mm256_set1_epi32(2));
        const __m256i of_two = _mm256_and_si256(_mm256_castps_si256(two), _mm256_set1_epi32(4));
        return _mm256_or_si256(of_zero, _mm256_or_si256(of_one, of_two));
    }
    static Vector look_up(const float* table, Pattern pattern) {
        return _mm256_permutevar8x32_ps(load(table), pattern);
    }
};

#include "pellucid/shapley/tree_path_kernel.hpp"
#include "pellucid/shapley/tree_path_pair_kernel.hpp"
#include "pellucid/shapley/tree_path_row_kernel.hpp"

}  // namespace

const PathKernel<double> path_double_avx2{Doubles::lanes, Doubles::most_vectors, path_values<Doubles>, path_row<double>,
                                          path_pairs<Doubles>};
const PathKernel<float> path_single_avx2{Floats::lanes, Floats::most_vectors, path_values<Floats>, path_row<float>,
                                         path_pairs<Floats>};

}  // namespace pellucid

#endif
