// Rows of tables: composites of the explained row and the background, and random rows around a point.
#pragma once

#include "pellucid/types.hpp"

namespace pellucid {

// Row i takes column c from x where mask i holds the part of column c, and from background row draws[i] elsewhere.
void compose(VectorIn x, MatrixIn background, ColumnsIn part_of_column, MasksIn masks, IndicesIn draws, MatrixOut out);

// The same for every mask with each of the draws first_draw .. first_draw + draw_count - 1, mask by mask.
void compose_grid(VectorIn x, MatrixIn background, ColumnsIn part_of_column, MasksIn masks, Index first_draw,
                  Index draw_count, MatrixOut out);

// total_i += sum_c weights_c outputs_(i, c) over the next draws of every mask, with Neumaier's compensation carried
// along, so that the sum is the same however the draws are cut into batches.
void add_weighted(MatrixIn outputs, VectorIn weights, MatrixOut total, MatrixOut compensation);

// Rows first .. first + count - 1 of independent normal columns.
Matrix gaussian_rows(std::uint64_t seed, VectorIn centre, VectorIn scale, Index first, Index count);

// Rows of independent uniform columns on (low, high).
Matrix uniform_rows(std::uint64_t seed, VectorIn low, VectorIn high, Index first, Index count);

// Rows of independent categorical columns: column c takes code j with probability frequencies(c, j); codes that a
// column does not have get frequency 0.
Matrix frequency_rows(std::uint64_t seed, MatrixIn frequencies, Index first, Index count);

}  // namespace pellucid
