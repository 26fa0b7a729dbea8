// Rows in blocks for the kernels of path-dependent values: their cells, and the sums of the columns.
#pragma once

#include <cstdint>
#include <vector>

#include "pellucid/shapley/tree_path_steps.hpp"
#include "pellucid/trees/cells.hpp"
#include "pellucid/types.hpp"

namespace pellucid {

// Of the current level.
template <typename Scalar>
const PathKernel<Scalar>& path_kernel();

// Some rows with all that is summed for them. Blocks are as many vectors wide as the kernel takes at once; the last
// rows are in blocks of one vector where that is less work.
template <typename Scalar>
class PathRows {
  public:
    PathRows(const Cells& cells, const MatrixIn& rows, Index first, Index last, Index columns);

    // What is laid out for one row may be missing.
    void add(const PathView<Scalar>& tree, bool pairs, const PathRowView<Scalar>& of_row);
    // Float sums are brought to double before many trees are in them.
    void flush();
    // Sum of a column for row first + i; after a flush.
    struct Place {
        Index offset, stride;
    };
    Place place(Index i) const;
    double sum(Place place, Index column) const {
        return totals_[static_cast<std::size_t>(place.offset + column * place.stride)];
    }

  private:
    struct Block {
        Index first, rows;  // its place, its width
        Index used;         // rows that are there
    };
    struct alignas(64) Line {
        std::byte of[64];
    };

    const PathKernel<Scalar>& kernel_;
    const Index features_, columns_;
    std::vector<Block> blocks_;
    std::vector<std::int32_t> cells_;
    std::vector<Scalar> sums_;  // empty for doubles
    std::vector<double> totals_;
    std::vector<Line> scratch_;
};

}  // namespace pellucid
