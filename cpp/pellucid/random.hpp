// Counter-based random numbers: a draw belongs to (seed, instance, row), never to a thread or a batch.
//
// Philox4x64-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
// key = (seed, instance), counter = (block, row, stream, lane). The transforms are our own, because those of the
// standard library differ between platforms.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>

#include "pellucid/check.hpp"

namespace pellucid {

// Each use of randomness has a stream of its own, so that two samplers with one seed are independent.
enum class StreamOf : std::uint64_t {
    test = 0,
    subsets = 1,
    rounding = 2,
    permutations = 3,
    draws = 4,
    tables = 5,
    probes = 6,
    landmarks = 7,
    conditional = 8,
    sobol = 9,
    mask_sizes = 10,
    mask_members = 11,
    fill_noise = 13,
    mixture_starts = 16,
    simultaneous = 17
};

namespace philox {

inline void multiply(std::uint64_t a, std::uint64_t b, std::uint64_t& high, std::uint64_t& low) {
#ifdef __SIZEOF_INT128__
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    high = static_cast<std::uint64_t>(product >> 64);
    low = static_cast<std::uint64_t>(product);
#else
    const std::uint64_t a0 = a & 0xffffffffu, a1 = a >> 32, b0 = b & 0xffffffffu, b1 = b >> 32;
    const std::uint64_t middle = a1 * b0 + ((a0 * b0) >> 32);
    const std::uint64_t cross = a0 * b1 + (middle & 0xffffffffu);
    high = a1 * b1 + (middle >> 32) + (cross >> 32);
    low = a * b;
#endif
}

using Block = std::array<std::uint64_t, 4>;

inline Block block(Block counter, std::uint64_t key0, std::uint64_t key1) {
    constexpr int rounds = 10;
    for (int r = 0; r < rounds; ++r) {
        std::uint64_t high0, low0, high1, low1;
        multiply(0xD2E7470EE14C6C93u, counter[0], high0, low0);
        multiply(0xCA5A826395121157u, counter[2], high1, low1);
        counter = {high1 ^ counter[1] ^ key0, low1, high0 ^ counter[3] ^ key1, low0};
        key0 += 0x9E3779B97F4A7C15u;
        key1 += 0xBB67AE8584CAA73Bu;
    }
    return counter;
}

}  // namespace philox

// Standard normal quantile, relative error about 1e-16: Wichura, Algorithm AS 241, Applied Statistics 37 (1988).
double normal_quantile(double probability);
// The same of values[0], ..., values[count - 1] in place, bit for bit: several at a time where they are central.
void fill_normal_quantiles(double* values, std::int64_t count);

class RowStream {
  public:
    RowStream(std::uint64_t seed, std::uint64_t instance, std::uint64_t row, StreamOf stream, std::uint64_t lane = 0)
        : seed_(seed), instance_(instance), row_(row), stream_(static_cast<std::uint64_t>(stream)), lane_(lane) {}

    std::uint64_t bits() {
        if (used_ == 4) {
            buffer_ = philox::block({next_block_++, row_, stream_, lane_}, seed_, instance_);
            used_ = 0;
        }
        return buffer_[used_++];
    }

    // Uniform on the open interval (0, 1): the middle of one of 2^52 equal cells. Of 2^53 cells the middles are no
    // doubles, and the last one would round to 1.
    double uniform() { return (static_cast<double>(bits() >> 12) + 0.5) * 0x1p-52; }

    double normal() { return normal_quantile(uniform()); }

    // Uniform on 0 .. n-1 without bias: Lemire, "Fast random integer generation in an interval", TOMACS 2019.
    std::uint64_t below(std::uint64_t n) {
        std::uint64_t high, low;
        philox::multiply(bits(), n, high, low);
        if (low < n) {
            const std::uint64_t threshold = (0 - n) % n;
            while (low < threshold) philox::multiply(bits(), n, high, low);
        }
        return high;
    }

    // Fisher-Yates on anything with size() and operator[].
    template <typename Sequence>
    void shuffle(Sequence& items) {
        for (std::uint64_t i = static_cast<std::uint64_t>(items.size()); i > 1; --i) {
            using std::swap;
            swap(items[i - 1], items[below(i)]);
        }
    }

  private:
    std::uint64_t seed_, instance_, row_, stream_, lane_;
    std::uint64_t next_block_ = 0;
    philox::Block buffer_{};
    int used_ = 4;
};

}  // namespace pellucid
