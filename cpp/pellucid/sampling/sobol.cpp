#include "pellucid/sampling/sobol.hpp"

#include <algorithm>
#include <bit>
#include <numeric>
#include <vector>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"
#include "pellucid/random.hpp"
#include "pellucid/sampling/joe_kuo.hpp"

namespace pellucid {
namespace {

constexpr int digits = 52;
// Lanes of the stream: the digits of each coordinate, the order of the dimensions, the order of the rows of a block.
enum Lane : std::uint64_t { scrambles = 0, dimension_order = 1, row_order = 2 };

using Directions = std::array<std::uint64_t, sobol_index_bits>;

struct Coordinate {
    Directions directions;
    std::uint64_t shift;
    Index block;
};

// Rows [2^k, 2^(k + 1)) of a block in an order of its own: a bijection of the k bits below the highest one, in rounds
// of a shift that brings high bits down and an odd multiplier that carries low bits up.
class RowOrder {
  public:
    RowOrder(std::uint64_t seed, Index block) {
        RowStream stream(seed, 0, static_cast<std::uint64_t>(block), StreamOf::sobol, row_order);
        for (auto& level : keys_)
            for (auto& key : level) key = stream.bits();
    }

    std::uint32_t operator()(std::uint32_t row) const {
        if (row < 2) return row;
        const int k = std::bit_width(row) - 1;
        const std::uint32_t highest = 1u << k, mask = highest - 1;
        std::uint32_t x = row & mask;
        for (const std::uint64_t key : keys_[static_cast<std::size_t>(k)]) {
            x ^= x >> ((k + 1) / 2);
            x = (x * (static_cast<std::uint32_t>(key) | 1u) + static_cast<std::uint32_t>(key >> 32)) & mask;
        }
        return highest | x;
    }

  private:
    static constexpr std::size_t rounds = 4;
    std::array<std::array<std::uint64_t, rounds>, sobol_index_bits> keys_;
};

Coordinate scrambled(std::uint64_t seed, Index coordinate, Index source) {
    RowStream stream(seed, 0, static_cast<std::uint64_t>(coordinate), StreamOf::sobol, scrambles);
    // Column t of a random lower triangular matrix over GF(2) with ones on its diagonal: what digit t turns into.
    Directions column;
    for (unsigned t = 0; t < sobol_index_bits; ++t) {
        const std::uint64_t diagonal = std::uint64_t{1} << (digits - 1 - static_cast<int>(t));
        column[t] = diagonal | (stream.bits() & (diagonal - 1));
    }
    Coordinate result{{}, stream.bits() >> (64 - digits), source / sobol_dimensions};
    const auto plain = sobol_directions(source % sobol_dimensions);
    for (unsigned k = 0; k < sobol_index_bits; ++k)
        for (unsigned t = 0; t < sobol_index_bits; ++t)
            if (plain[k] >> (31 - t) & 1u) result.directions[k] ^= column[t];
    return result;
}

// The middle of cell x of 2^52: x + 1/2 over 2^52, exactly, by way of 1 + x / 2^52.
double middle(std::uint64_t x) {
    return std::bit_cast<double>(x | 0x3ff0000000000000u) - (1.0 - 0x1p-53);
}

// The digits of any row from four tables, one for each byte of its index.
class RowDigits {
  public:
    explicit RowDigits(const Coordinate& coordinate) {
        for (unsigned byte = 0; byte < bytes; ++byte) {
            auto& table = tables_[byte];
            table[0] = byte == 0 ? coordinate.shift : 0;
            for (unsigned k = 0; k < 8; ++k)
                for (unsigned i = 0; i < (1u << k); ++i)
                    table[i + (1u << k)] = table[i] ^ coordinate.directions[8 * byte + k];
        }
    }

    const std::uint64_t* lowest() const { return tables_[0].data(); }

    // What the bytes above the lowest add.
    std::uint64_t higher(std::uint32_t row) const {
        return tables_[1][row >> 8 & 255u] ^ tables_[2][row >> 16 & 255u] ^ tables_[3][row >> 24];
    }

    std::uint64_t operator()(std::uint32_t row) const { return tables_[0][row & 255u] ^ higher(row); }

  private:
    static constexpr unsigned bytes = 4;
    std::array<std::array<std::uint64_t, 256>, bytes> tables_;
};

PELLUCID_SIMD void fill_in_order(const std::uint64_t* __restrict low, std::uint64_t high, Index count,
                                 double* __restrict out) {
    for (Index i = 0; i < count; ++i) out[i] = middle(low[i] ^ high);
}

// Rows first, ..., first + count - 1 of one coordinate; `order` holds their places in the sequence, or nothing for
// their own.
void fill(const Coordinate& coordinate, const std::vector<std::uint32_t>& order, Index first, Index count,
          double* out) {
    const RowDigits of(coordinate);
    for (std::size_t i = 0; i < order.size(); ++i) out[i] = middle(of(order[i]));
    if (!order.empty()) return;
    for (Index done = 0; done < count;) {
        const auto row = static_cast<std::uint32_t>(first + done);
        const Index size = std::min<Index>(count - done, 256 - row % 256);
        fill_in_order(of.lowest() + row % 256, of.higher(row), size, out + done);
        done += size;
    }
}

}  // namespace

std::array<std::uint32_t, sobol_index_bits> sobol_directions(Index dimension) {
    require(dimension >= 0 && dimension < sobol_dimensions, "dimension must be 0 to ", sobol_dimensions - 1, ", got ",
            dimension);
    std::array<std::uint32_t, sobol_index_bits> v;
    if (dimension == 0) {
        for (unsigned k = 0; k < sobol_index_bits; ++k) v[k] = 1u << (31 - k);
        return v;
    }
    const std::uint16_t* entry = joe_kuo_numbers;
    for (Index j = 1; j < dimension; ++j) entry += std::bit_width(entry[0]);
    const std::uint32_t polynomial = entry[0];
    const unsigned degree = static_cast<unsigned>(std::bit_width(polynomial)) - 1;
    for (unsigned k = 0; k < degree; ++k) v[k] = static_cast<std::uint32_t>(entry[k + 1]) << (31 - k);
    for (unsigned k = degree; k < sobol_index_bits; ++k) {
        v[k] = v[k - degree] ^ (v[k - degree] >> degree);
        for (unsigned i = 1; i < degree; ++i)
            if (polynomial >> (degree - i) & 1u) v[k] ^= v[k - i];
    }
    return v;
}

Matrix sobol_coordinates(std::uint64_t seed, Index dimensions, Index first, Index count) {
    require(dimensions >= 1 && first >= 0 && count >= 0, "dimensions must be positive, first and count not negative");
    require(first <= (Index{1} << 32) && count <= (Index{1} << 32) - first,
            "a Sobol sequence has 2^32 rows, asked for ", count, " from row ", first);
    checked_product(dimensions, count, "dimensions times rows");
    std::vector<Index> source(static_cast<std::size_t>(dimensions));
    std::iota(source.begin(), source.end(), Index{0});
    RowStream(seed, 0, 0, StreamOf::sobol, dimension_order).shuffle(source);

    // The first block reads the rows in their own order.
    std::vector<std::vector<std::uint32_t>> orders(static_cast<std::size_t>((dimensions - 1) / sobol_dimensions + 1));
    for (std::size_t block = 1; block < orders.size(); ++block) {
        const RowOrder order(seed, static_cast<Index>(block));
        for (Index i = first; i < first + count; ++i) orders[block].push_back(order(static_cast<std::uint32_t>(i)));
    }
    Matrix result(dimensions, count);
    const Index per_chunk = std::max<Index>(1, (Index{1} << 16) / std::max<Index>(1, count));
    parallel_for(dimensions, per_chunk, [&](Index begin, Index end) {
        for (Index j = begin; j < end; ++j) {
            const Coordinate coordinate = scrambled(seed, j, source[static_cast<std::size_t>(j)]);
            fill(coordinate, orders[static_cast<std::size_t>(coordinate.block)], first, count, result.row(j).data());
        }
    });
    return result;
}

}  // namespace pellucid
