// Values of one column from uniform coordinates: the coordinate picks a cell (a bin or a category), and what is left of
// it a value inside the cell. One coordinate for both keeps the stratification of a net within the cells as well.
#pragma once

#include "pellucid/types.hpp"

namespace pellucid {

using Cells = Eigen::Matrix<std::int32_t, Eigen::Dynamic, 1>;
using CellsIn = Eigen::Ref<const Cells>;
using VectorOut = Eigen::Ref<Vector>;
using MasksOut = Eigen::Ref<Masks>;

// u (n,) in (0, 1); starts (B + 1,) ascending from 0 to 1: cell b is [starts[b], starts[b + 1]), empty where the two
// are equal. Writes the cell of each u, and where u lies in it as a part of its width, into inside (n,).
void cells_of(VectorIn u, VectorIn starts, Eigen::Ref<Cells> cell, VectorOut inside);

// laws (B, 6), for each cell: centre c, spread s, base a, width w, least and greatest value.
// linear: c + s v; normal: c + s Phi^-1(a + w v), a normal law cut where the probabilities a and a + w say, both below
// 1/2 with s and w negative in an upper tail, so that it keeps its digits. Where w is 0 the cell is the point c. Values
// are held between the least and the greatest; with `whole` they are rounded first.
void linear_values(CellsIn cell, VectorIn inside, MatrixIn laws, bool whole, VectorOut out);
void normal_values(CellsIn cell, VectorIn inside, MatrixIn laws, bool whole, VectorOut out);

// The step quantile function of the values of each cell: cell b has values[first_of_cell[b]], ... with the cumulative
// shares `shares` of its weight, the last of them 1.
void listed_values(CellsIn cell, VectorIn inside, VectorIn values, VectorIn shares, IndicesIn first_of_cell,
                   VectorOut out);

// out (n, c): column j is offset[j] + scale[j] * store.row(slots[j]). Store (slots, n) holds columns as rows.
void gather_columns(MatrixIn store, IndicesIn slots, VectorIn offset, VectorIn scale, MatrixOut out);
void gather_flags(MasksIn store, IndicesIn slots, MasksOut out);

}  // namespace pellucid
