#include "pellucid/shapley/pair_rows.hpp"

#include <algorithm>
#include <numeric>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"
#include "pellucid/sampling/coalitions.hpp"

namespace pellucid {
namespace {

constexpr Index tile = 64;

}  // namespace

PairRows::PairRows(const PairedDesign& design)
    : players(design.players()),
      draws(design.draws_count()),
      all_active(design.all_active()),
      stride((design.players() + 7) / 8 * 8),
      draw_weights(design.draw_weights()) {
    const Index rows = design.pairs();
    require(rows >= 1, "the design holds no pair yet");
    position.resize(static_cast<std::size_t>(rows));
    std::iota(position.begin(), position.end(), Index{0});
    std::stable_sort(position.begin(), position.end(), [&](Index a, Index b) {
        const Index draw_a = design.draws()[a], draw_b = design.draws()[b];
        return draw_a != draw_b ? draw_a < draw_b : design.sizes()[a] < design.sizes()[b];
    });

    masks.assign(static_cast<std::size_t>(checked_product(rows, stride, "the design")), 0);
    draw_start.assign(static_cast<std::size_t>(draws) + 1, 0);
    for (Index b = 0; b < draws; ++b) {
        active.push_back(design.active(b));
        expected.push_back(design.plan().pairs_per_draw(b));
        complete.push_back(design.complete(b));
    }
    for (Index row = 0; row < rows; ++row) {
        const Index pair = position[row];
        const Index b = design.draws()[pair], s = design.sizes()[pair];
        const auto own_players = static_cast<Index>(active[b].size());
        const auto n = static_cast<double>(own_players);
        std::copy_n(design.masks().data() + pair * players, players, masks.data() + row * stride);
        const auto size = static_cast<double>(s);
        const double pairs = design.plan().expected(b, s);
        const double kernel = (2 * s == own_players ? 1.0 : 2.0) / (size * (n - size));
        draw.push_back(b);
        ++draw_start[static_cast<std::size_t>(b) + 1];
        weight.push_back(n * kernel / pairs);
        shift.push_back(size / n - 0.5);
        share.push_back(size / n);
        const double there = pairs_of_size(own_players, s);
        const double drawn_from = there > 1.0 ? 1.0 / (1.0 - 1.0 / there) : 1.0;  // N / (N - 1), N may be infinite
        missing.push_back(std::max(0.0, 1.0 - pairs / there) * drawn_from);
    }
    std::partial_sum(draw_start.begin(), draw_start.end(), draw_start.begin());
}

Matrix PairRows::centred(Index first, Index count) const {
    Matrix u(count, players);
    for (Index i = 0; i < count; ++i) {
        const std::uint8_t* row = mask(first + i);
        for (Index j = 0; j < players; ++j) u(i, j) = static_cast<double>(row[j]) - share[first + i];
    }
    return u;
}

Matrix PairRows::centred_active(Index of_draw) const {
    const std::vector<Index>& own = active[of_draw];
    const Index first = draw_start[of_draw], count = draw_start[of_draw + 1] - first;
    Matrix u(count, static_cast<Index>(own.size()));
    for (Index i = 0; i < count; ++i) {
        const std::uint8_t* row = mask(first + i);
        for (Index j = 0; j < u.cols(); ++j) u(i, j) = static_cast<double>(row[own[j]]) - share[first + i];
    }
    return u;
}

void PairRows::require_all_active() const {
    require(all_active, "this regression needs a design without null players");
}

void PairRows::check_shapes(MatrixIn targets, MatrixIn gaps) const {
    require(targets.rows() == size(), "targets must have a row for each of the ", size(), " pairs, got ",
            targets.rows());
    require(gaps.rows() == draws && gaps.cols() == targets.cols(), "gaps must be ", draws, " by ", targets.cols(),
            ", got ", gaps.rows(), " by ", gaps.cols());
}

Matrix PairRows::equal_split(MatrixIn gaps) const {
    const Vector mean = gaps.transpose() * draw_weights;
    return Matrix::Ones(players, 1) * mean.transpose() / static_cast<double>(players);
}

void add_gram(const Matrix& u, const Vector& w, Matrix& gram) {
    const Matrix weighted = w.asDiagonal() * u;
    parallel_for(u.cols(), tile, [&](Index first, Index last) {
        gram.block(first, 0, last - first, last).noalias() +=
            weighted.middleCols(first, last - first).transpose() * u.leftCols(last);
    });
}

PELLUCID_SIMD void add_masks(const std::uint8_t* __restrict masks, Index rows, Index stride, const double* __restrict a,
                             double* __restrict sum) {
    for (Index i = 0; i < rows; ++i) {
        const std::uint8_t* __restrict mask = masks + i * stride;
        for (Index j = 0; j < stride; ++j) sum[j] += a[i] * static_cast<double>(mask[j]);
    }
}

PELLUCID_SIMD void dot_masks(const std::uint8_t* __restrict masks, Index rows, Index stride, const double* __restrict t,
                             double* __restrict out) {
    std::vector<double> buffer(static_cast<std::size_t>(stride));
    double* __restrict product = buffer.data();
    for (Index i = 0; i < rows; ++i) {
        // In two steps, because compilers vectorise a conversion of bytes and a sum, but not both at once.
        const std::uint8_t* __restrict mask = masks + i * stride;
        for (Index j = 0; j < stride; ++j) product[j] = static_cast<double>(mask[j]) * t[j];
        // Eight running sums: an order of addition that vectorises and is the same on every processor.
        double lane[8] = {};
        for (Index j = 0; j < stride; j += 8)
            for (Index l = 0; l < 8; ++l) lane[l] += product[j + l];
        out[i] = ((lane[0] + lane[4]) + (lane[1] + lane[5])) + ((lane[2] + lane[6]) + (lane[3] + lane[7]));
    }
}

}  // namespace pellucid
