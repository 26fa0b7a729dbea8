#include "pellucid/trees/evaluation_kernels.hpp"

#if PELLUCID_X86_LEVELS
#include <emmintrin.h>
#endif

namespace pellucid::evaluation {
namespace {

#if PELLUCID_X86_LEVELS
std::uint64_t bits_of(__m128i flags, int shift) {
    return static_cast<std::uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(flags))) << shift;
}

std::uint64_t at_most(const std::uint8_t* cells, std::uint8_t cell) {
    const __m128i limit = _mm_set1_epi8(static_cast<char>(cell));
    std::uint64_t bits = 0;
    for (int i = 0; i < group; i += 16) {
        const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(cells + i));
        bits |= bits_of(_mm_cmpeq_epi8(_mm_min_epu8(x, limit), x), i);
    }
    return bits;
}

std::uint64_t at_most(const std::uint16_t* cells, std::uint16_t cell) {
    const __m128i limit = _mm_set1_epi16(static_cast<short>(cell)), zero = _mm_setzero_si128();
    const auto flags = [&](const std::uint16_t* from) {
        return _mm_cmpeq_epi16(_mm_subs_epu16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)), limit), zero);
    };
    std::uint64_t bits = 0;
    for (int i = 0; i < group; i += 16) bits |= bits_of(_mm_packs_epi16(flags(cells + i), flags(cells + i + 8)), i);
    return bits;
}
#else
template <typename Cell>
std::uint64_t at_most(const Cell* cells, Cell cell) {
    std::uint64_t bits = 0;
    for (int i = 0; i < group; ++i) bits |= static_cast<std::uint64_t>(cells[i] <= cell) << i;
    return bits;
}
#endif

// Eight rows at a time are the transpose of eight bytes, one from each plane.
void spread(const std::uint64_t* planes, std::int32_t count, std::int32_t* leaves) {
    for (int i = 0; i < group; i += 8) {
        std::uint64_t square = 0;
        for (std::int32_t b = 0; b < count && b < 8; ++b) square |= ((planes[b] >> i) & 255) << (8 * b);
        std::uint64_t swap = (square ^ (square >> 7)) & 0x00aa00aa00aa00aaULL;
        square ^= swap ^ (swap << 7);
        swap = (square ^ (square >> 14)) & 0x0000cccc0000ccccULL;
        square ^= swap ^ (swap << 14);
        swap = (square ^ (square >> 28)) & 0x00000000f0f0f0f0ULL;
        square ^= swap ^ (swap << 28);
        for (int r = 0; r < 8; ++r) leaves[i + r] = static_cast<std::int32_t>((square >> (8 * r)) & 255);
    }
    for (std::int32_t b = 8; b < count; ++b)
        for (int i = 0; i < group; ++i) leaves[i] |= static_cast<std::int32_t>((planes[b] >> i) & 1) << b;
}

void add(double* sums, const double* values, const std::int32_t* leaves) {
    for (int i = 0; i < group; ++i) sums[i] += values[leaves[i]];
}

#include "pellucid/trees/evaluation_kernel_source.hpp"
}  // namespace

const Kernels baseline_kernels{leaves64<std::uint8_t>, leaves64<std::uint16_t>, plain_walk, add, plain_rank};

}  // namespace pellucid::evaluation
