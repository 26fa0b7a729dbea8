// Images whose segments are kept or filled: row i of the output is the image where mask i keeps the segment, else the
// fill. Pixels are bytes that are moved and never read, so that every type of number comes out as it went in.
//
// The bytes are cut into tiles of 64 labels and 16 KiB at most. A tile has a table of one byte for each of its
// labels, which the mask fills; bytes find their entry by a shuffle (AVX2) or a load, and pick the image or the fill.
// A tile stays in a near cache while 64 masks go by, so the cost is that of writing the output: large
// ones are written past the caches. Same bytes with and without AVX2, and for any number of threads.
#pragma once

#include <cstdint>
#include <vector>

#include "pellucid/types.hpp"

namespace pellucid {

using Bytes = Eigen::Matrix<std::uint8_t, Eigen::Dynamic, 1>;
using BytesIn = Eigen::Ref<const Bytes>;
using MasksOut = Eigen::Ref<Masks>;

class MaskedImage {
  public:
    // labels (H * W), each from 0 to parts - 1. image and fill have planes * H * W * pixel_bytes bytes: a pixel with
    // its channels is pixel_bytes long in one plane where they come last, and has one plane per channel where they come
    // first.
    MaskedImage(BytesIn image, BytesIn fill, ColumnsIn labels, Index parts, Index planes, Index pixel_bytes);

    // masks (m, parts) into the first m rows of out (at least m, bytes). Costs one write of m images.
    void compose(MasksIn masks, MasksOut out) const;

    Index bytes() const { return image_.size(); }
    Index tiles() const { return static_cast<Index>(tiles_.size()); }

  private:
    struct Tile {
        Index first, size;               // bytes of the image
        Index first_label, label_count;  // in tile_labels_
    };

    void compose_tile(const Tile& tile, MasksIn masks, Index first, Index last, bool streamed, MasksOut& out) const;
    void cut(ColumnsIn labels, Index planes, Index pixel_bytes);

    Bytes image_, fill_;
    Bytes places_;  // for each byte the place of its label among those of its tile
    Index parts_;
    std::vector<Tile> tiles_;
    std::vector<std::int32_t> tile_labels_;
};

// Numbers from 0 to 1, row i from its own stream of the seed.
Matrix fill_noise(std::uint64_t seed, Index rows, Index columns);

}  // namespace pellucid
