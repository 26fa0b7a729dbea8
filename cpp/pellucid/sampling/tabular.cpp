#include "pellucid/sampling/tabular.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"
#include "pellucid/random.hpp"

namespace pellucid {
namespace {

// Lanes of the stream of tables: columns of one row that come from different samplers are independent.
enum Lane : std::uint64_t { gaussian = 0, uniform = 1, frequency = 2 };

// One part per column, in order, is the common case: the mask is then read straight through.
bool parts_are_columns(ColumnsIn part_of_column, Index parts) {
    if (part_of_column.size() != parts) return false;
    for (Index c = 0; c < parts; ++c)
        if (part_of_column[c] != c) return false;
    return true;
}

// Selection by bits: random masks would make every branch a wrong guess.
double select(std::uint8_t chosen, double inside, double outside) {
    const std::uint64_t bits = std::uint64_t{0} - static_cast<std::uint64_t>(chosen != 0);
    return std::bit_cast<double>((std::bit_cast<std::uint64_t>(inside) & bits) |
                                 (std::bit_cast<std::uint64_t>(outside) & ~bits));
}

PELLUCID_SIMD void blend(const std::uint8_t* __restrict mask, const double* __restrict inside,
                         const double* __restrict outside, Index columns, double* __restrict out) {
    for (Index c = 0; c < columns; ++c) out[c] = select(mask[c], inside[c], outside[c]);
}

void blend_parts(const std::uint8_t* mask, const std::int32_t* part, const double* inside, const double* outside,
                 Index columns, double* out) {
    for (Index c = 0; c < columns; ++c) out[c] = select(mask[part[c]], inside[c], outside[c]);
}

// A chunk is 1 MiB of rows: long enough to be worth waking a thread for.
Index rows_per_chunk(Index columns) {
    return std::max<Index>(1, (Index{1} << 17) / std::max<Index>(1, columns));
}

class Composer {
  public:
    Composer(VectorIn x, MatrixIn background, ColumnsIn part_of_column, MasksIn masks)
        : x_(x.data()),
          columns_(x.size()),
          part_(part_of_column.data()),
          direct_(parts_are_columns(part_of_column, masks.cols())) {
        require(background.cols() == columns_, "background has ", background.cols(), " columns, x has ", columns_);
        require(part_of_column.size() == columns_, "part_of_column must name a part for each of the ", columns_,
                " columns, got ", part_of_column.size());
        for (Index c = 0; c < columns_; ++c)
            require(part_[c] >= 0 && part_[c] < masks.cols(), "part_of_column[", c, "] is ", part_[c],
                    ", the masks have ", masks.cols(), " parts");
    }

    void write(const std::uint8_t* mask, const double* draw, double* out) const {
        if (direct_)
            blend(mask, x_, draw, columns_, out);
        else
            blend_parts(mask, part_, x_, draw, columns_, out);
    }

  private:
    const double* x_;
    Index columns_;
    const std::int32_t* part_;
    bool direct_;
};

void check_draws(IndicesIn draws, Index rows, Index background_rows) {
    require(draws.size() == rows, "draws must name a background row for each of the ", rows, " masks, got ",
            draws.size());
    if (draws.size() == 0) return;
    const Index lowest = draws.minCoeff(), highest = draws.maxCoeff();
    require(lowest >= 0 && highest < background_rows, "draws must be from 0 to ", background_rows - 1, ", got ", lowest,
            " to ", highest);
}

void check_room(const MatrixOut& out, Index rows, Index columns) {
    require(out.rows() >= rows && out.cols() == columns, "out must hold ", rows, " rows of ", columns, " columns, got ",
            out.rows(), " by ", out.cols());
}

void check_rows(Index first, Index count) {
    require(first >= 0 && count >= 0, "first and count must not be negative, got ", first, " and ", count);
}

}  // namespace

void compose(VectorIn x, MatrixIn background, ColumnsIn part_of_column, MasksIn masks, IndicesIn draws, MatrixOut out) {
    const Composer composer(x, background, part_of_column, masks);
    check_draws(draws, masks.rows(), background.rows());
    check_room(out, masks.rows(), x.size());
    parallel_for(masks.rows(), rows_per_chunk(x.size()), [&](Index first, Index last) {
        for (Index i = first; i < last; ++i)
            composer.write(masks.row(i).data(), background.row(draws[i]).data(), out.row(i).data());
    });
}

void compose_grid(VectorIn x, MatrixIn background, ColumnsIn part_of_column, MasksIn masks, Index first_draw,
                  Index draw_count, MatrixOut out) {
    const Composer composer(x, background, part_of_column, masks);
    require(first_draw >= 0 && draw_count >= 0 && first_draw <= background.rows() - draw_count, draw_count,
            " draws from ", first_draw, " on do not exist: the background has ", background.rows(), " rows");
    const Index rows = checked_product(masks.rows(), draw_count, "masks times draws");
    check_room(out, rows, x.size());
    parallel_for(rows, rows_per_chunk(x.size()), [&](Index first, Index last) {
        for (Index i = first; i < last; ++i)
            composer.write(masks.row(i / draw_count).data(), background.row(first_draw + i % draw_count).data(),
                           out.row(i).data());
    });
}

void add_weighted(MatrixIn outputs, VectorIn weights, MatrixOut total, MatrixOut compensation) {
    const Index masks = total.rows(), draws = weights.size(), k = total.cols();
    require(outputs.cols() == k && outputs.rows() == checked_product(masks, draws, "masks times draws"),
            "outputs must have a row for each mask and draw and ", k, " columns");
    require(compensation.rows() == masks && compensation.cols() == k, "compensation must be shaped like total");
    for (Index i = 0; i < masks; ++i) {
        for (Index o = 0; o < k; ++o) {
            double sum = total(i, o), lost = compensation(i, o);
            for (Index c = 0; c < draws; ++c) {
                const double term = weights[c] * outputs(i * draws + c, o);
                const double next = sum + term;
                lost += std::abs(sum) >= std::abs(term) ? (sum - next) + term : (term - next) + sum;
                sum = next;
            }
            total(i, o) = sum;
            compensation(i, o) = lost;
        }
    }
}

Matrix gaussian_rows(std::uint64_t seed, VectorIn centre, VectorIn scale, Index first, Index count) {
    require(scale.size() == centre.size(), "scale must have ", centre.size(), " entries, got ", scale.size());
    require((scale.array() >= 0.0).all(), "scale must not be negative");
    check_rows(first, count);
    Matrix rows(count, centre.size());
    parallel_for(count, 64, [&](Index begin, Index end) {
        for (Index i = begin; i < end; ++i) {
            RowStream stream(seed, 0, static_cast<std::uint64_t>(first + i), StreamOf::tables, gaussian);
            for (Index j = 0; j < rows.cols(); ++j) rows(i, j) = centre[j] + scale[j] * stream.normal();
        }
    });
    return rows;
}

Matrix uniform_rows(std::uint64_t seed, VectorIn low, VectorIn high, Index first, Index count) {
    require(high.size() == low.size(), "high must have ", low.size(), " entries, got ", high.size());
    require((high.array() >= low.array()).all(), "high must not be below low");
    check_rows(first, count);
    Matrix rows(count, low.size());
    parallel_for(count, 64, [&](Index begin, Index end) {
        for (Index i = begin; i < end; ++i) {
            RowStream stream(seed, 0, static_cast<std::uint64_t>(first + i), StreamOf::tables, uniform);
            for (Index j = 0; j < rows.cols(); ++j) rows(i, j) = low[j] + (high[j] - low[j]) * stream.uniform();
        }
    });
    return rows;
}

Matrix frequency_rows(std::uint64_t seed, MatrixIn frequencies, Index first, Index count) {
    require((frequencies.array() >= 0.0).all() && frequencies.allFinite(), "frequencies must be finite, not negative");
    require(frequencies.cols() >= 1 && (frequencies.array() > 0.0).rowwise().any().all(),
            "every column needs a positive frequency");
    check_rows(first, count);
    Matrix rows(count, frequencies.rows());
    parallel_for(count, 64, [&](Index begin, Index end) {
        for (Index i = begin; i < end; ++i) {
            RowStream stream(seed, 0, static_cast<std::uint64_t>(first + i), StreamOf::tables, frequency);
            for (Index c = 0; c < rows.cols(); ++c) {
                double left = stream.uniform() * frequencies.row(c).sum();
                Index code = 0, last_possible = 0;
                for (; code < frequencies.cols(); ++code) {
                    if (frequencies(c, code) > 0.0) last_possible = code;
                    left -= frequencies(c, code);
                    if (left < 0.0) break;
                }
                rows(i, c) = static_cast<double>(std::min(code, last_possible));
            }
        }
    });
    return rows;
}

}  // namespace pellucid
