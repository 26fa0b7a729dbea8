#include "pellucid/sampling/neighbourhood.hpp"

#include <algorithm>
#include <cmath>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"
#include "pellucid/random.hpp"

namespace pellucid {
namespace {

constexpr Index rows_per_chunk = 4096;
// Rows that are turned from columns into rows while they lie in the first cache.
constexpr Index rows_per_tile = 64;
constexpr Index law_columns = 6;

// The last b with starts[b] <= u, by halving without branches: at random u a branch would be wrong every other time.
Index last_at_most(const double* starts, Index cells, double u) {
    const double* base = starts;
    for (Index left = cells; left > 1;) {
        const Index half = left / 2;
        base += base[half] <= u ? half : 0;
        left -= half;
    }
    return base - starts;
}

void check_cells(CellsIn cell, VectorIn inside, Index cells, const VectorOut& out) {
    require(inside.size() == cell.size() && out.size() == cell.size(), "cell, inside and out must have one length");
    for (Index i = 0; i < cell.size(); ++i)
        require(cell[i] >= 0 && cell[i] < cells, "cell must be 0 to ", cells - 1, ", got ", cell[i], " in row ", i);
}

// NaN stays NaN: a missing value is the point of its cell.
double held(double value, const double* law, bool whole) {
    if (whole) value = std::rint(value);
    value = value < law[4] ? law[4] : value;
    return value > law[5] ? law[5] : value;
}

template <typename From, typename Column>
void transpose(Index rows, Index columns, const From& from, const Column& column) {
    parallel_for(rows, rows_per_chunk, [&](Index first, Index last) {
        for (Index begin = first; begin < last; begin += rows_per_tile) {
            const Index end = std::min(last, begin + rows_per_tile);
            for (Index j = 0; j < columns; ++j) column(j, from(j), begin, end);
        }
    });
}

void check_gather(Index slots, Index n, IndicesIn chosen, Index out_rows, Index out_columns) {
    require(out_rows == n && out_columns == chosen.size(), "out must have shape (", n, ", ", chosen.size(), "), got (",
            out_rows, ", ", out_columns, ")");
    for (Index j = 0; j < chosen.size(); ++j)
        require(chosen[j] >= 0 && chosen[j] < slots, "slots[", j, "] is ", chosen[j], ", the store has ", slots);
}

}  // namespace

void cells_of(VectorIn u, VectorIn starts, Eigen::Ref<Cells> cell, VectorOut inside) {
    const Index cells = starts.size() - 1;
    require(cell.size() == u.size() && inside.size() == u.size(), "u, cell and inside must have one length");
    require(cells >= 1 && starts[0] == 0.0 && starts[cells] == 1.0, "starts must go from 0 to 1");
    for (Index b = 0; b < cells; ++b) require(starts[b] <= starts[b + 1], "starts must ascend");
    // An empty cell at the end starts at 1, where no u is.
    parallel_for(u.size(), rows_per_chunk, [&](Index first, Index last) {
        for (Index i = first; i < last; ++i) {
            const Index b = last_at_most(starts.data(), cells, u[i]);
            cell[i] = static_cast<std::int32_t>(b);
            const double width = starts[b + 1] - starts[b];
            inside[i] = width > 0.0 ? (u[i] - starts[b]) / width : 0.5;
        }
    });
}

void linear_values(CellsIn cell, VectorIn inside, MatrixIn laws, bool whole, VectorOut out) {
    require(laws.cols() == law_columns, "laws must have 6 columns, got ", laws.cols());
    check_cells(cell, inside, laws.rows(), out);
    parallel_for(cell.size(), rows_per_chunk, [&](Index first, Index last) {
        for (Index i = first; i < last; ++i) {
            const double* law = laws.data() + cell[i] * law_columns;
            out[i] = held(law[0] + law[1] * inside[i], law, whole);
        }
    });
}

void normal_values(CellsIn cell, VectorIn inside, MatrixIn laws, bool whole, VectorOut out) {
    require(laws.cols() == law_columns, "laws must have 6 columns, got ", laws.cols());
    check_cells(cell, inside, laws.rows(), out);
    parallel_for(cell.size(), rows_per_chunk, [&](Index first, Index last) {
        for (Index i = first; i < last; ++i) {
            const double* law = laws.data() + cell[i] * law_columns;
            // A point has nothing to invert; a probability that underflowed has no quantile.
            const double p = law[2] + law[3] * inside[i];
            out[i] = law[3] == 0.0 ? 0.5 : std::clamp(p, 1e-300, 1.0 - 0x1p-53);
        }
        fill_normal_quantiles(out.data() + first, last - first);
        for (Index i = first; i < last; ++i) {
            const double* law = laws.data() + cell[i] * law_columns;
            out[i] = held(law[0] + law[1] * out[i], law, whole);
        }
    });
}

void listed_values(CellsIn cell, VectorIn inside, VectorIn values, VectorIn shares, IndicesIn first_of_cell,
                   VectorOut out) {
    const Index cells = first_of_cell.size() - 1;
    require(cells >= 1 && values.size() == shares.size(), "values and shares must have one length");
    check_cells(cell, inside, cells, out);
    require(first_of_cell[0] == 0 && first_of_cell[cells] == values.size(), "first_of_cell must cover the values");
    for (Index b = 0; b < cells; ++b) require(first_of_cell[b] < first_of_cell[b + 1], "cell ", b, " has no values");
    parallel_for(cell.size(), rows_per_chunk, [&](Index first, Index last) {
        for (Index i = first; i < last; ++i) {
            const double* begin = shares.data() + first_of_cell[cell[i]];
            const double* final = shares.data() + first_of_cell[cell[i] + 1] - 1;
            out[i] = values[std::upper_bound(begin, final, inside[i]) - shares.data()];
        }
    });
}

void gather_columns(MatrixIn store, IndicesIn slots, VectorIn offset, VectorIn scale, MatrixOut out) {
    const Index n = out.rows(), columns = slots.size();
    check_gather(store.rows(), store.cols(), slots, out.rows(), out.cols());
    require(offset.size() == columns && scale.size() == columns, "offset and scale must have one entry per column");
    const auto from = [&](Index j) { return store.row(slots[j]).data(); };
    transpose(n, columns, from, [&](Index j, const double* source, Index begin, Index end) {
        const double a = offset[j], b = scale[j];
        double* target = out.data() + begin * columns + j;
        for (Index i = begin; i < end; ++i, target += columns) *target = a + b * source[i];
    });
}

void gather_flags(MasksIn store, IndicesIn slots, MasksOut out) {
    const Index n = out.rows(), columns = slots.size();
    check_gather(store.rows(), store.cols(), slots, out.rows(), out.cols());
    const auto from = [&](Index j) { return store.row(slots[j]).data(); };
    transpose(n, columns, from, [&](Index j, const std::uint8_t* source, Index begin, Index end) {
        std::uint8_t* target = out.data() + begin * columns + j;
        for (Index i = begin; i < end; ++i, target += columns) *target = source[i];
    });
}

}  // namespace pellucid
