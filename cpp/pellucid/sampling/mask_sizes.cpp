#include "pellucid/sampling/mask_sizes.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <vector>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"
#include "pellucid/random.hpp"

namespace pellucid {
namespace {

constexpr Index rows_per_chunk = 256;
constexpr Index most_parts = 65535;
constexpr double largest_gap = 1e-9;

// Numbers for one row. Two blocks at a time: their rounds do not wait for each other.
class MemberStream {
  public:
    MemberStream(std::uint64_t seed, std::uint64_t instance, std::uint64_t row, std::uint64_t lane)
        : seed_(seed), instance_(instance), row_(row), lane_(lane) {}

    std::uint64_t word() {
        if (used_ == words_.size()) fill();
        return words_[used_++];
    }

    // Uniform on 0 .. n-1 without bias for n below 2^16, from 16 bits: Lemire, TOMACS 2019.
    std::uint32_t below(std::uint32_t n) {
        std::uint32_t product = bits16() * n;
        if ((product & 0xffffu) < n) {
            const std::uint32_t threshold = (0x10000u - n) % n;
            while ((product & 0xffffu) < threshold) product = bits16() * n;
        }
        return product >> 16;
    }

  private:
    std::uint32_t bits16() {
        if (shorts_ == 0) {
            open_word_ = word();
            shorts_ = 4;
        }
        const auto bits = static_cast<std::uint32_t>(open_word_ & 0xffffu);
        open_word_ >>= 16;
        --shorts_;
        return bits;
    }

    void fill() {
        const auto stream = static_cast<std::uint64_t>(StreamOf::mask_members);
        const philox::Block a = philox::block({next_block_, row_, stream, lane_}, seed_, instance_);
        const philox::Block b = philox::block({next_block_ + 1, row_, stream, lane_}, seed_, instance_);
        std::copy(a.begin(), a.end(), words_.begin());
        std::copy(b.begin(), b.end(), words_.begin() + 4);
        next_block_ += 2;
        used_ = 0;
    }

    std::uint64_t seed_, instance_, row_, lane_;
    std::uint64_t next_block_ = 0, open_word_ = 0;
    std::array<std::uint64_t, 8> words_;
    std::size_t used_ = 8;
    int shorts_ = 0;
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

// Subsets of a given size, each with the same probability. Their bits are kept between rows.
class MemberWriter {
  public:
    explicit MemberWriter(Index parts) : parts_(parts), bits_(static_cast<std::size_t>((parts + 63) / 64)) {}

    // `size` parts of the mask get 1, the others 0; the other way round where `inverted`.
    void write(MemberStream& stream, Index size, bool inverted, std::uint8_t* mask) {
        if (std::min(size, parts_ - size) < fewest_for_bits)
            by_member(stream, size, inverted, mask);
        else
            by_bits(stream, size, inverted, mask);
    }

  private:
    static constexpr Index fewest_for_bits = 12;

    // Floyd, of the smaller side.
    void by_member(MemberStream& stream, Index size, bool inverted, std::uint8_t* mask) const {
        const bool few = 2 * size <= parts_;
        const auto value = static_cast<std::uint8_t>(few != inverted);
        const Index count = few ? size : parts_ - size;
        std::fill(mask, mask + parts_, static_cast<std::uint8_t>(1 - value));
        for (Index j = parts_ - count; j < parts_; ++j) {
            const Index candidate = stream.below(static_cast<std::uint32_t>(j) + 1);
            mask[mask[candidate] == value ? j : candidate] = value;
        }
    }

    // Independent bits with a probability near size / p, in eighths; then random members are put in or taken out until
    // the size is right. No step prefers a part, so all subsets of that size are alike.
    void by_bits(MemberStream& stream, Index size, bool inverted, std::uint8_t* mask) {
        const auto eighths = std::clamp<Index>((16 * size + parts_) / (2 * parts_), 1, 7);
        Index count = 0;
        for (std::size_t w = 0; w < bits_.size(); ++w) {
            std::uint64_t word = 0;
            for (int digit = std::countr_zero(static_cast<unsigned>(eighths)); digit < 3; ++digit)
                word = (eighths >> digit & 1) != 0 ? word | stream.word() : word & stream.word();
            const Index left = parts_ - 64 * static_cast<Index>(w);
            bits_[w] = left >= 64 ? word : word & ((std::uint64_t{1} << left) - 1);
            count += std::popcount(bits_[w]);
        }
        // A part that is on already, or off already, counts as a try: without a branch that nobody could predict.
        const bool remove = count > size;
        for (Index wrong = remove ? count - size : size - count; wrong > 0;) {
            const std::uint32_t j = stream.below(static_cast<std::uint32_t>(parts_));
            const std::uint64_t fits = (bits_[j >> 6] >> (j & 63u) & 1u) ^ (remove ? 0u : 1u);
            bits_[j >> 6] ^= fits << (j & 63u);
            wrong -= static_cast<Index>(fits);
        }
        if (inverted)
            for (std::uint64_t& word : bits_) word = ~word;
        spread(mask);
    }

    // One byte of 0 or 1 a bit, eight at a time: a copy of the byte in each byte, of which each keeps its own bit.
    void spread(std::uint8_t* mask) const {
        Index j = 0;
        for (; j + 8 <= parts_; j += 8) {
            const std::uint64_t byte = bits_[static_cast<std::size_t>(j >> 6)] >> (j & 63) & 0xffu;
            const std::uint64_t own = byte * 0x0101010101010101u & 0x8040201008040201u;
            const std::uint64_t ones = ((own + 0x7f7f7f7f7f7f7f7fu) >> 7) & 0x0101010101010101u;
            std::memcpy(mask + j, &ones, 8);
        }
        for (; j < parts_; ++j)
            mask[j] = static_cast<std::uint8_t>(bits_[static_cast<std::size_t>(j >> 6)] >> (j & 63) & 1u);
    }

    Index parts_;
    std::vector<std::uint64_t> bits_;
};

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
        MemberWriter writer(parts);
        for (Index i = begin; i < end; ++i) {
            const auto row = static_cast<std::uint64_t>(first + i), drawn = pairs ? row / 2 : row;
            std::uint8_t* mask = masks.data() + i * parts;
            const double u = static_cast<double>((reversed(drawn) ^ shift) >> 11) * 0x1p-53;
            MemberStream stream(seed, instance, drawn, lane);
            // Parts that are off are drawn, so a mask is inverted and its complement is not.
            writer.write(stream, sizes.at(u), !(pairs && row % 2 == 1), mask);
        }
    });
    return masks;
}

}  // namespace pellucid
