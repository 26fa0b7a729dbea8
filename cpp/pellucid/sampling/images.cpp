#include "pellucid/sampling/images.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"
#include "pellucid/random.hpp"

#if defined(__GNUC__) && defined(__x86_64__)
#include <immintrin.h>
#define PELLUCID_AVX2 __attribute__((target("avx2")))
#endif

namespace pellucid {
namespace {

constexpr Index tile_bytes = Index{1} << 14, most_labels = 64, vector_bytes = 32;
// One job is a tile under so many masks, and a chunk writes about 1 MiB.
constexpr Index group_rows = 64, chunk_bytes = Index{1} << 20;
// A larger output goes past the caches, which it would only empty.
constexpr Index streamed_bytes = Index{1} << 22;

// 255 where the mask keeps the label at this place, else 0.
using Table = std::array<std::uint8_t, most_labels>;

struct Bytewise {
    const std::uint8_t* image;
    const std::uint8_t* fill;
    const std::uint8_t* place;
    std::uint8_t* out;
};

void pick(const Bytewise& bytes, Index first, Index last, const Table& table) {
    for (Index i = first; i < last; ++i) {
        const std::uint8_t kept = table[bytes.place[i]];
        bytes.out[i] = static_cast<std::uint8_t>((bytes.image[i] & kept) | (bytes.fill[i] & ~kept));
    }
}

#ifdef PELLUCID_AVX2
PELLUCID_AVX2 inline __m256i load(const std::uint8_t* from) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}

// The entries of 32 places in a table of 16 * tables. A shuffle looks at 4 bits and gives 0 where the eighth is set:
// x ^ 16 t is below 16 exactly in the part of table t, and 0x70 more then stays below 0x80.
template <int tables>
PELLUCID_AVX2 inline __m256i entries(__m256i places, const __m256i* table) {
    if constexpr (tables == 1) return _mm256_shuffle_epi8(table[0], places);
    __m256i found = _mm256_setzero_si256();
    for (int t = 0; t < tables; ++t) {
        const __m256i inside = _mm256_xor_si256(places, _mm256_set1_epi8(static_cast<char>(16 * t)));
        const __m256i index = _mm256_adds_epu8(inside, _mm256_set1_epi8(0x70));
        found = _mm256_or_si256(found, _mm256_shuffle_epi8(table[t], index));
    }
    return found;
}

template <int tables, bool streamed>
PELLUCID_AVX2 void pick_vectors(const Bytewise& bytes, Index first, Index last, const Table& entry) {
    __m256i table[tables];
    for (int t = 0; t < tables; ++t)
        table[t] =
            _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(entry.data() + 16 * t)));
    for (Index i = first; i < last; i += vector_bytes) {
        const __m256i kept = entries<tables>(load(bytes.place + i), table);
        const __m256i chosen = _mm256_blendv_epi8(load(bytes.fill + i), load(bytes.image + i), kept);
        __m256i* to = reinterpret_cast<__m256i*>(bytes.out + i);
        if constexpr (streamed)
            _mm256_stream_si256(to, chosen);
        else
            _mm256_storeu_si256(to, chosen);
    }
}

template <bool streamed>
void pick_by_shuffles(const Bytewise& bytes, Index size, const Table& table, Index labels) {
    const Index past = static_cast<Index>(reinterpret_cast<std::uintptr_t>(bytes.out) % vector_bytes);
    const Index aligned = std::min(size, streamed && past != 0 ? vector_bytes - past : 0);
    const Index end = aligned + (size - aligned) / vector_bytes * vector_bytes;
    pick(bytes, 0, aligned, table);
    switch ((labels + 15) / 16) {
        case 1:
            pick_vectors<1, streamed>(bytes, aligned, end, table);
            break;
        case 2:
            pick_vectors<2, streamed>(bytes, aligned, end, table);
            break;
        case 3:
            pick_vectors<3, streamed>(bytes, aligned, end, table);
            break;
        default:
            pick_vectors<4, streamed>(bytes, aligned, end, table);
    }
    pick(bytes, end, size, table);
}

bool shuffles_exist() {
    static const bool exist = __builtin_cpu_supports("avx2");
    return exist;
}

void pick_tile(const Bytewise& bytes, Index size, const Table& table, Index labels, bool streamed) {
    if (!shuffles_exist())
        pick(bytes, 0, size, table);
    else if (streamed)
        pick_by_shuffles<true>(bytes, size, table, labels);
    else
        pick_by_shuffles<false>(bytes, size, table, labels);
}

// What is streamed may be seen late by another thread, but for this.
void settle(bool streamed) {
    if (streamed) _mm_sfence();
}
#else
void pick_tile(const Bytewise& bytes, Index size, const Table& table, Index, bool) {
    pick(bytes, 0, size, table);
}

void settle(bool) {}
#endif

}  // namespace

MaskedImage::MaskedImage(BytesIn image, BytesIn fill, ColumnsIn labels, Index parts, Index planes, Index pixel_bytes)
    : image_(image), fill_(fill), parts_(parts) {
    const Index pixels = checked_product(planes, labels.size(), "planes times pixels");
    const Index bytes = checked_product(pixels, pixel_bytes, "pixels times bytes");
    require(bytes > 0, "an image needs at least one pixel");
    require(image.size() == bytes && fill.size() == bytes, "image and fill must have ", bytes, " bytes, got ",
            image.size(), " and ", fill.size());
    for (Index i = 0; i < labels.size(); ++i)
        require(labels[i] >= 0 && labels[i] < parts, "labels must be from 0 to ", parts - 1, ", got ", labels[i],
                " at pixel ", i);
    cut(labels, planes, pixel_bytes);
}

void MaskedImage::cut(ColumnsIn labels, Index planes, Index pixel_bytes) {
    places_.resize(image_.size());
    // Where a label stands in the current tile, and in which tile it stood there.
    std::vector<std::uint8_t> place(static_cast<std::size_t>(parts_));
    std::vector<Index> tile_of(static_cast<std::size_t>(parts_), -1);
    Index at = 0;
    for (Index plane = 0; plane < planes; ++plane) {
        for (Index i = 0; i < labels.size(); ++i, at += pixel_bytes) {
            const auto label = static_cast<std::size_t>(labels[i]);
            const bool known = !tiles_.empty() && tile_of[label] == tiles() - 1;
            const bool full = tiles_.empty() || tiles_.back().size + pixel_bytes > tile_bytes ||
                              (!known && tiles_.back().label_count == most_labels);
            if (full) tiles_.push_back({at, 0, static_cast<Index>(tile_labels_.size()), 0});
            Tile& tile = tiles_.back();
            if (full || !known) {
                tile_of[label] = tiles() - 1;
                place[label] = static_cast<std::uint8_t>(tile.label_count++);
                tile_labels_.push_back(labels[i]);
            }
            places_.segment(at, pixel_bytes).setConstant(place[label]);
            tile.size += pixel_bytes;
        }
    }
}

void MaskedImage::compose(MasksIn masks, MasksOut out) const {
    require(masks.cols() == parts_, "masks must have ", parts_, " columns, got ", masks.cols());
    require(out.rows() >= masks.rows() && out.cols() == bytes(), "out must hold ", masks.rows(), " rows of ", bytes(),
            " bytes, got ", out.rows(), " by ", out.cols());
    const bool streamed = masks.rows() > streamed_bytes / bytes();
    const Index groups = (masks.rows() + group_rows - 1) / group_rows;
    const Index jobs = checked_product(groups, tiles(), "groups of masks times tiles");
    const Index jobs_per_chunk = std::max<Index>(1, chunk_bytes / group_rows * tiles() / bytes());
    parallel_for(jobs, jobs_per_chunk, [&](Index first, Index last) {
        for (Index job = first; job < last; ++job) {
            poll_interrupt();
            const Index row = job / tiles() * group_rows;
            compose_tile(tiles_[static_cast<std::size_t>(job % tiles())], masks, row,
                         std::min(row + group_rows, masks.rows()), streamed, out);
        }
        settle(streamed);
    });
}

void MaskedImage::compose_tile(const Tile& tile, MasksIn masks, Index first, Index last, bool streamed,
                               MasksOut& out) const {
    const std::int32_t* label = tile_labels_.data() + tile.first_label;
    const std::uint8_t *image = image_.data() + tile.first, *fill = fill_.data() + tile.first;
    const std::uint8_t* places = places_.data() + tile.first;
    Table table{};
    for (Index i = first; i < last; ++i) {
        const std::uint8_t* mask = masks.row(i).data();
        for (Index t = 0; t < tile.label_count; ++t) table[static_cast<std::size_t>(t)] = mask[label[t]] != 0 ? 255 : 0;
        pick_tile({image, fill, places, out.row(i).data() + tile.first}, tile.size, table, tile.label_count, streamed);
    }
}

Matrix fill_noise(std::uint64_t seed, Index rows, Index columns) {
    const Index numbers = checked_product(rows, columns, "rows times columns");
    checked_product(numbers, sizeof(double), "the bytes of the noise");
    Matrix noise(rows, columns);
    parallel_for(rows, 16, [&](Index first, Index last) {
        for (Index i = first; i < last; ++i) {
            RowStream stream(seed, 0, static_cast<std::uint64_t>(i), StreamOf::fill_noise);
            for (Index j = 0; j < columns; ++j) noise(i, j) = stream.uniform();
        }
    });
    return noise;
}

}  // namespace pellucid
