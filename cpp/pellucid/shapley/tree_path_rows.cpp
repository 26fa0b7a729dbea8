#include "pellucid/shapley/tree_path_rows.hpp"

#include <algorithm>
#include <type_traits>

#include "pellucid/shapley/tree_path_row.hpp"
#include "pellucid/trees/simd.hpp"

namespace pellucid {
namespace {

// Rows of a block that are sooner explained one by one.
constexpr Index few_rows = 2;

// Vectors and masks of 64 bytes at most, two masks for each open node and one for each place.
template <typename Scalar>
std::size_t scratch_lines(const PathView<Scalar>& view, Index vectors) {
    const auto size = [](std::int32_t x) { return static_cast<std::size_t>(x); };
    const std::size_t vector_count = size(view.slots) * (size(view.nodes) + 1) + size(view.nodes);
    const std::size_t masks = 2 * size(view.depth) + size(view.places);
    return (vector_count + masks) * static_cast<std::size_t>(vectors) + (size(view.places) * 16 + 63) / 64;
}

}  // namespace

template <>
const PathKernel<double>& path_kernel<double>() {
#if defined(PELLUCID_PATH_LEVELS)
    if (simd_level() == Simd::avx512) return path_double_avx512;
    if (simd_level() == Simd::avx2) return path_double_avx2;
#endif
    return path_double_baseline;
}

template <>
const PathKernel<float>& path_kernel<float>() {
#if defined(PELLUCID_PATH_LEVELS)
    if (simd_level() == Simd::avx512) return path_single_avx512;
    if (simd_level() == Simd::avx2) return path_single_avx2;
#endif
    return path_single_baseline;
}

template <typename Scalar>
PathRows<Scalar>::PathRows(const Cells& cells, const MatrixIn& rows, Index first, Index last, Index columns)
    : kernel_(path_kernel<Scalar>()), features_(static_cast<Index>(cells.used().size())), columns_(columns) {
    const Index vector = kernel_.lanes, wide = vector * kernel_.most_vectors;
    Index at = 0;
    while (at < last - first) {
        const Index left = last - first - at;
        const Index here = 2 * left > wide ? wide : vector;
        blocks_.push_back({at, here, std::min(here, left)});
        at += here;
    }
    cells_.resize(static_cast<std::size_t>(features_ * at));
    totals_.resize(static_cast<std::size_t>(columns_ * at));
    if constexpr (!std::is_same_v<Scalar, double>) sums_.resize(totals_.size());
    for (const Block& block : blocks_)
        cells.rank(rows, first + block.first, block.used, cells_.data() + features_ * block.first, block.rows);
}

template <typename Scalar>
void PathRows<Scalar>::add(const PathView<Scalar>& tree, bool pairs, const PathRowView<Scalar>& of_row) {
    std::size_t lines = scratch_lines(tree, blocks_.front().rows / kernel_.lanes);
    const bool by_row = of_row.nodes > 0 && blocks_.back().used <= few_rows;
    if (by_row) lines = std::max(lines, PathRowProgram<Scalar>::scratch_bytes(of_row) / sizeof(Line) + 1);
    if (lines > scratch_.size()) scratch_ = std::vector<Line>(lines);
    Scalar* sums;
    if constexpr (std::is_same_v<Scalar, double>)
        sums = totals_.data();
    else
        sums = sums_.data();
    for (const Block& block : blocks_) {
        const std::int32_t* const cells = cells_.data() + features_ * block.first;
        Scalar* const to = sums + columns_ * block.first;
        std::byte* const scratch = scratch_.data()->of;
        if (by_row && block.used <= few_rows) {
            for (Index i = 0; i < block.used; ++i) kernel_.row(of_row, block.rows, cells + i, to + i, scratch);
            continue;
        }
        (pairs ? kernel_.pairs : kernel_.values)(tree, static_cast<int>(block.rows / kernel_.lanes), cells, to,
                                                 scratch);
    }
}

template <typename Scalar>
void PathRows<Scalar>::flush() {
    for (std::size_t i = 0; i < sums_.size(); ++i) totals_[i] += static_cast<double>(sums_[i]);
    std::fill(sums_.begin(), sums_.end(), Scalar(0));
}

template <typename Scalar>
typename PathRows<Scalar>::Place PathRows<Scalar>::place(Index i) const {
    const Index wide = blocks_.front().rows;  // all but the last ones are so wide
    std::size_t b = static_cast<std::size_t>(i / wide);
    b = std::min(b, blocks_.size() - 1);
    while (i >= blocks_[b].first + blocks_[b].rows) ++b;
    const Block& block = blocks_[b];
    return {columns_ * block.first + (i - block.first), block.rows};
}

template class PathRows<double>;
template class PathRows<float>;

}  // namespace pellucid
