#include "pellucid/shapley/interaction_rows.hpp"

#include <algorithm>
#include <numeric>

#include "pellucid/check.hpp"
#include "pellucid/sampling/coalitions.hpp"

namespace pellucid {

InteractionRows::InteractionRows(MasksIn given, IndicesIn draws_of, VectorIn expected, MasksIn active_players,
                                 VectorIn weights)
    : players(given.cols()),
      edges(players * (players - 1) / 2),
      draw_weights(weights),
      active(active_players.cast<double>()),
      active_count(active.rowwise().sum()) {
    const Index rows = given.rows(), count = weights.size();
    require(players >= 2, "interactions need at least 2 players, got ", players);
    require(draws_of.size() == rows && expected.size() == rows, "draws and expected must have an entry for each of ",
            rows, " masks, got ", draws_of.size(), " and ", expected.size());
    require(active_players.rows() == count && active_players.cols() == players, "active must be ", count, " by ",
            players, ", got ", active_players.rows(), " by ", active_players.cols());
    require((active_players.array() <= 1).all() && (given.array() <= 1).all(), "masks and active must hold 0 and 1");
    require(rows == 0 || (draws_of.minCoeff() >= 0 && draws_of.maxCoeff() < count), "draws must lie between 0 and ",
            count - 1);
    require((expected.array() > 0.0).all() && expected.allFinite(), "expected must be positive and finite");

    const Indices given_sizes = given.cast<Index>().rowwise().sum();
    position.resize(static_cast<std::size_t>(rows));
    std::iota(position.begin(), position.end(), Index{0});
    std::stable_sort(position.begin(), position.end(), [&](Index a, Index b) {
        return draws_of[a] != draws_of[b] ? draws_of[a] < draws_of[b] : given_sizes[a] < given_sizes[b];
    });

    masks.resize(rows, players);
    sizes.resize(rows);
    root.resize(rows);
    missing.resize(rows);
    draw_start.assign(static_cast<std::size_t>(count) + 1, 0);
    for (Index row = 0; row < rows; ++row) {
        const Index pair = position[row], b = draws_of[pair], size = given_sizes[pair];
        const auto n = static_cast<Index>(active_count[b]);
        masks.row(row) = given.row(pair).cast<double>();
        sizes[row] = static_cast<double>(size);
        ++draw_start[static_cast<std::size_t>(b) + 1];
        require(size >= 1 && 2 * size <= n && masks.row(row).dot(active.row(b)) == sizes[row],
                "masks must hold 1 to n / 2 of the n players of their draw, got ", size, " of ", n, " in mask ", pair);
        const double s = sizes[row], rest = static_cast<double>(n - size);
        const double half_at_middle = 2 * size == n ? 0.5 : 1.0;
        const double scale = half_at_middle * static_cast<double>(n) * draw_weights[b] / expected[pair];
        shares.push_back({size > 1 ? -2.0 * scale / (s * (s - 1.0)) : 0.0, 2.0 * scale / (s * rest),
                          n - size > 1 ? -2.0 * scale / (rest * (rest - 1.0)) : 0.0});
        // The squares of the shares of a row sum to about 1 / (s (n - s))^2: by so much its error counts.
        root[row] = std::sqrt(scale) / (s * rest);
        missing[row] = std::max(0.0, 1.0 - expected[pair] / pairs_of_size(n, size));
    }
    std::partial_sum(draw_start.begin(), draw_start.end(), draw_start.begin());
}

Matrix InteractionRows::cuts(Index b, Index first, Index count) const {
    Matrix u(count, edges);
    for (Index r = 0; r < count; ++r) {
        const double half = 0.5 * root[first + r];
        Index edge = 0;
        for (Index i = 0; i < players; ++i)
            for (Index j = i + 1; j < players; ++j, ++edge) {
                const bool cut = masks(first + r, i) != masks(first + r, j);
                u(r, edge) = cut ? half * active(b, i) * active(b, j) : 0.0;
            }
    }
    return u;
}

Matrix InteractionRows::of_edges(Index b, const Matrix& x) const {
    const auto z = masks.middleRows(draw_start[b], count(b));
    const Matrix outside = Matrix::Ones(count(b), 1) * active.row(b) - z;
    Matrix y(count(b), x.cols());
    Matrix square = Matrix::Zero(players, players);
    for (Index o = 0; o < x.cols(); ++o) {
        Index edge = 0;
        for (Index i = 0; i < players; ++i)
            for (Index j = i + 1; j < players; ++j, ++edge) square(i, j) = square(j, i) = x(edge, o);
        y.col(o) = 0.5 * (z * square).cwiseProduct(outside).rowwise().sum();
    }
    return root.segment(draw_start[b], count(b)).asDiagonal() * y;
}

Matrix InteractionRows::to_edges(Index b, const Matrix& y) const {
    const Vector none = Vector::Zero(count(b));
    Matrix x(edges, y.cols());
    for (Index o = 0; o < y.cols(); ++o)
        x.col(o) = spread(b, none, 0.5 * root.segment(draw_start[b], count(b)).cwiseProduct(y.col(o)), none);
    return x;
}

// The sum over the rows of draw b of `inside`, `cut` or `outside`, by where an edge lies, for all edges at once:
//   outside + (cut - outside) (z_i + z_j) + (inside - 2 cut + outside) z_i z_j,   z the mask.
Vector InteractionRows::spread(Index b, const Vector& inside, const Vector& cut, const Vector& outside) const {
    const auto z = masks.middleRows(draw_start[b], count(b));
    const double constant = outside.sum();
    const Vector ends = z.transpose() * (cut - outside);
    const Vector both = inside - 2.0 * cut + outside;
    const Matrix products = z.transpose() * both.asDiagonal() * z;
    Vector sum(edges);
    Index edge = 0;
    for (Index i = 0; i < players; ++i)
        for (Index j = i + 1; j < players; ++j, ++edge)
            sum[edge] = active(b, i) * active(b, j) * (constant + ends[i] + ends[j] + products(i, j));
    return sum;
}

void InteractionRows::add_shares(Index b, const Matrix& loss, const Matrix& error, InteractionEstimate& sum) const {
    const Index first = draw_start[b], rows = count(b);
    Vector inside(rows), cut(rows), outside(rows);
    for (Index r = 0; r < rows; ++r) {
        inside[r] = shares[first + r].inside;
        cut[r] = shares[first + r].cut;
        outside[r] = shares[first + r].outside;
    }
    for (Index o = 0; o < loss.cols(); ++o) {
        const Vector l = loss.col(o);
        sum.values.col(o) += spread(b, inside.cwiseProduct(l), cut.cwiseProduct(l), outside.cwiseProduct(l));
        // Differences of sums of squares: rounding must not leave them below zero.
        const Vector e = missing.segment(first, rows).cwiseProduct(error.col(o).cwiseAbs2());
        const Vector of_inside = inside.cwiseAbs2().cwiseProduct(e), of_cut = cut.cwiseAbs2().cwiseProduct(e),
                     of_outside = outside.cwiseAbs2().cwiseProduct(e);
        sum.variance.col(o) += spread(b, of_inside, of_cut, of_outside).cwiseMax(0.0);
        sum.squares.col(o) +=
            spread(b, of_inside.cwiseAbs2(), of_cut.cwiseAbs2(), of_outside.cwiseAbs2()).cwiseMax(0.0);
        // Over the edges of a player the shares of a row sum to zero, but for those of a player alone.
        for (Index r = 0; r < rows && sizes[first + r] == 1.0; ++r) {
            const double of_player = (active_count[b] - 1.0) * cut[r];
            for (Index i = 0; i < players; ++i)
                if (masks(first + r, i) == 1.0 || (active_count[b] == 2.0 && active(b, i) == 1.0))
                    sum.sum_variance(i, o) += of_player * of_player * e[r];
        }
    }
}

}  // namespace pellucid
