#include "pellucid/sampling/mask_sizes.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"
#include "pellucid/random.hpp"

namespace pellucid {
namespace {

constexpr Index rows_per_chunk = 256;
constexpr Index most_parts = 65535;
constexpr double largest_gap = 1e-9;

// Numbers of 16 bits for one row. Four blocks at a time: their rounds do not wait for each other.
class ShortStream {
  public:
    ShortStream(std::uint64_t seed, std::uint64_t instance, std::uint64_t row, std::uint64_t lane)
        : seed_(seed), instance_(instance), row_(row), lane_(lane) {}

    // Uniform on 0 .. n-1 without bias for n below 2^16: Lemire, TOMACS 2019.
    std::uint32_t below(std::uint32_t n) {
        std::uint32_t product = bits() * n;
        if ((product & 0xffffu) < n) {
            const std::uint32_t threshold = (0x10000u - n) % n;
            while ((product & 0xffffu) < threshold) product = bits() * n;
        }
        return product >> 16;
    }

  private:
    std::uint32_t bits() {
        if (used_ == 64) fill();
        const auto word = words_[static_cast<std::size_t>(used_ >> 2)];
        return static_cast<std::uint32_t>(word >> (16 * (used_++ & 3))) & 0xffffu;
    }

    void fill() {
        for (std::size_t b = 0; b < 4; ++b) {
            const philox::Block block = philox::block(
                {next_block_ + b, row_, static_cast<std::uint64_t>(StreamOf::mask_members), lane_}, seed_, instance_);
            std::copy(block.begin(), block.end(), words_.begin() + static_cast<std::ptrdiff_t>(4 * b));
        }
        next_block_ += 4;
        used_ = 0;
    }

    std::uint64_t seed_, instance_, row_, lane_;
    std::uint64_t next_block_ = 0;
    std::array<std::uint64_t, 16> words_;
    int used_ = 64;
};

std::uint64_t reversed(std::uint64_t bits) {
    bits = ((bits >> 1) & 0x5555555555555555u) | ((bits & 0x5555555555555555u) << 1);
    bits = ((bits >> 2) & 0x3333333333333333u) | ((bits & 0x3333333333333333u) << 2);
    bits = ((bits >> 4) & 0x0f0f0f0f0f0f0f0fu) | ((bits & 0x0f0f0f0f0f0f0f0fu) << 4);
    bits = ((bits >> 8) & 0x00ff00ff00ff00ffu) | ((bits & 0x00ff00ff00ff00ffu) << 8);
    bits = ((bits >> 16) & 0x0000ffff0000ffffu) | ((bits & 0x0000ffff0000ffffu) << 16);
    return (bits >> 32) | (bits << 32);
}

// Quantiles of the law; a guide that says where to begin makes the search a step or two long.
class SizeQuantiles {
  public:
    explicit SizeQuantiles(VectorIn law)
        : cumulative_(static_cast<std::size_t>(law.size())), guide_(cumulative_.size()) {
        double sum = 0.0;
        for (Index s = 0; s < law.size(); ++s) cumulative_[static_cast<std::size_t>(s)] = sum += law[s];
        last_ = law.size() - 1;
        while (last_ > 0 && !(law[last_] > 0.0)) --last_;
        for (std::size_t g = 0, s = 0; g < guide_.size(); ++g) {
            const double start = static_cast<double>(g) / static_cast<double>(guide_.size()) * sum;
            while (static_cast<Index>(s) < last_ && cumulative_[s] <= start) ++s;
            guide_[g] = s;
        }
        total_ = sum;
    }

    // The s with F(s - 1) <= u < F(s).
    Index at(double u) const {
        std::size_t s = guide_[static_cast<std::size_t>(u * static_cast<double>(guide_.size()))];
        while (static_cast<Index>(s) < last_ && cumulative_[s] <= u * total_) ++s;
        return static_cast<Index>(s);
    }

  private:
    std::vector<double> cumulative_;
    std::vector<std::size_t> guide_;
    double total_ = 1.0;
    Index last_ = 0;
};

// `size` of the parts get `value`, by Floyd: every subset of that size with the same probability.
void write_members(ShortStream& stream, Index parts, Index size, std::uint8_t value, std::uint8_t* mask) {
    for (Index j = parts - size; j < parts; ++j) {
        const Index candidate = stream.below(static_cast<std::uint32_t>(j) + 1);
        mask[mask[candidate] == value ? j : candidate] = value;
    }
}

void require_law(VectorIn law, bool pairs) {
    require(law.size() >= 2 && law.size() <= most_parts, "size_law must have p + 1 entries for 1 to ", most_parts - 1,
            " parts, got ", law.size());
    require(law.allFinite() && (law.array() >= 0.0).all() && std::abs(law.sum() - 1.0) <= largest_gap,
            "size_law must be probabilities that sum to 1, got the sum ", law.sum());
    require(!pairs || (law - law.reverse()).cwiseAbs().maxCoeff() <= largest_gap,
            "size_law must be symmetric for pairs of a mask and its complement");
}

}  // namespace

Masks sized_masks(std::uint64_t seed, std::uint64_t instance, VectorIn size_law, Index first, Index count, bool pairs) {
    require_law(size_law, pairs);
    require(first >= 0 && count >= 0, "first and count must not be negative, got ", first, " and ", count);
    const Index parts = size_law.size() - 1;
    checked_product(count, parts, "masks times parts");
    const SizeQuantiles sizes(size_law);
    const std::uint64_t lane = pairs ? 1 : 0;
    const std::uint64_t shift = RowStream(seed, instance, 0, StreamOf::mask_sizes, lane).bits();
    Masks masks(count, parts);
    parallel_for(count, rows_per_chunk, [&](Index begin, Index end) {
        for (Index i = begin; i < end; ++i) {
            const auto row = static_cast<std::uint64_t>(first + i), drawn = pairs ? row / 2 : row;
            std::uint8_t* mask = masks.data() + i * parts;
            const double u = static_cast<double>((reversed(drawn) ^ shift) >> 11) * 0x1p-53;
            const Index off = sizes.at(u);
            // The complement draws the same members and writes the opposite.
            const bool complement = pairs && row % 2 == 1, few_off = 2 * off <= parts;
            const auto member = static_cast<std::uint8_t>(few_off == complement);
            ShortStream stream(seed, instance, drawn, lane);
            std::fill(mask, mask + parts, static_cast<std::uint8_t>(1 - member));
            write_members(stream, parts, few_off ? off : parts - off, member, mask);
        }
    });
    return masks;
}

}  // namespace pellucid
