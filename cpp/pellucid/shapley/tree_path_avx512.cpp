#include "pellucid/shapley/tree_path_steps.hpp"

#if defined(PELLUCID_PATH_LEVELS)

// Intrinsics that take all lanes begin with a vector that is not defined, on purpose.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>

#pragma GCC target("avx512f,avx512vl,avx512dq,avx512bw")

namespace pellucid {
namespace {

struct Doubles {
    using Scalar = double;
    using Vector = __m512d;
    using Mask = __mmask8;
    using Pattern = __m512i;
    static constexpr int lanes = 8, most_vectors = 4;

    static Vector load(const double* from) { return _mm512_loadu_pd(from); }
    static void store(double* to, Vector x) { _mm512_storeu_pd(to, x); }
    static Vector all(double x) { return _mm512_set1_pd(x); }
    static Vector where(Mask m, Vector yes, Vector no) { return _mm512_mask_blend_pd(m, no, yes); }
    static Vector times_unless(Mask m, Vector x, Vector by) { return _mm512_mask_mul_pd(x, no(m), x, by); }
    static Vector product_of(Mask m, Vector a, Vector x, Vector b, Vector y) {
        return _mm512_mask_mul_pd(b * y, m, a, x);
    }
    static Mask no(Mask m) { return _knot_mask8(m); }
    static Mask both(Mask a, Mask b) { return _kand_mask8(a, b); }
    static Mask never() { return 0; }
    static Mask at_most(const std::int32_t* cells, std::int32_t add, std::int32_t last) {
        const __m256i cell = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(cells));
        return _mm256_cmple_epi32_mask(_mm256_add_epi32(cell, _mm256_set1_epi32(add)), _mm256_set1_epi32(last));
    }
    static Mask of_bits(std::uint32_t bits) { return static_cast<Mask>(bits); }
    static Pattern pattern(Mask zero, Mask one, Mask two) {
        const __m512i a = _mm512_maskz_set1_epi64(zero, 1);
        const __m512i b = _mm512_mask_or_epi64(a, one, a, _mm512_set1_epi64(2));
        return _mm512_mask_or_epi64(b, two, b, _mm512_set1_epi64(4));
    }
    static Vector look_up(const double* table, Pattern pattern) { return _mm512_permutexvar_pd(pattern, load(table)); }
};

struct Floats {
    using Scalar = float;
    using Vector = __m512;
    using Mask = __mmask16;
    using Pattern = __m512i;
    static constexpr int lanes = 16, most_vectors = 4;

    static Vector load(const float* from) { return _mm512_loadu_ps(from); }
    static void store(float* to, Vector x) { _mm512_storeu_ps(to, x); }
    static Vector all(float x) { return _mm512_set1_ps(x); }
    static Vector where(Mask m, Vector yes, Vector no) { return _mm512_mask_blend_ps(m, no, yes); }
    static Vector times_unless(Mask m, Vector x, Vector by) { return _mm512_mask_mul_ps(x, no(m), x, by); }
    static Vector product_of(Mask m, Vector a, Vector x, Vector b, Vector y) {
        return _mm512_mask_mul_ps(b * y, m, a, x);
    }
    static Mask no(Mask m) { return _knot_mask16(m); }
    static Mask both(Mask a, Mask b) { return _kand_mask16(a, b); }
    static Mask never() { return 0; }
    static Mask at_most(const std::int32_t* cells, std::int32_t add, std::int32_t last) {
        const __m512i cell = _mm512_loadu_si512(cells);
        return _mm512_cmple_epi32_mask(_mm512_add_epi32(cell, _mm512_set1_epi32(add)), _mm512_set1_epi32(last));
    }
    static Mask of_bits(std::uint32_t bits) { return static_cast<Mask>(bits); }
    static Pattern pattern(Mask zero, Mask one, Mask two) {
        const __m512i a = _mm512_maskz_set1_epi32(zero, 1);
        const __m512i b = _mm512_mask_or_epi32(a, one, a, _mm512_set1_epi32(2));
        return _mm512_mask_or_epi32(b, two, b, _mm512_set1_epi32(4));
    }
    static Vector look_up(const float* table, Pattern pattern) {
        return _mm512_permutexvar_ps(pattern, _mm512_broadcast_f32x8(_mm256_loadu_ps(table)));
    }
};

#include "pellucid/shapley/tree_path_kernel.hpp"
#include "pellucid/shapley/tree_path_pair_kernel.hpp"
#include "pellucid/shapley/tree_path_row_kernel.hpp"

}  // namespace

const PathKernel<double> path_double_avx512{Doubles::lanes, Doubles::most_vectors, path_values<Doubles>,
                                            path_row<double>, path_pairs<Doubles>};
const PathKernel<float> path_single_avx512{Floats::lanes, Floats::most_vectors, path_values<Floats>, path_row<float>,
                                           path_pairs<Floats>};

}  // namespace pellucid

#endif
