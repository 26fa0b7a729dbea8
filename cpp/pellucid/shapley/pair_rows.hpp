// The pairs of a design as rows of the Shapley regression, in an order that does not depend on how it grew.
//
// A row is u = 1_S - |S|/n (centred), its target y = (v_b(S) - v_b(complement))/2 - D_b (|S| - n/2)/n with
// D_b = v_b(N) - v_b(nobody), its weight n k_s / e_bs with the Shapley kernel k_s = 2 / (s (n - s)) (half of that at
// the middle size) and e_bs the expected pairs of its cell; binomials cancel, so 2,000 players are no harder than 20.
// Centring makes the efficiency constraint exact and leaves only D_b of the values of nobody and everybody. n counts
// the active players of the draw; u is 0 for the others, the null players of its game.
#pragma once

#include <vector>

#include "pellucid/sampling/paired_design.hpp"
#include "pellucid/types.hpp"

namespace pellucid {

struct PairRows {
    explicit PairRows(const PairedDesign& design);

    Index size() const { return static_cast<Index>(position.size()); }
    const std::uint8_t* mask(Index row) const { return masks.data() + row * stride; }
    // Rows first .. first + count - 1, centred, as a dense (count, players) matrix; all players must be active.
    Matrix centred(Index first, Index count) const;
    // The rows of one draw, centred, a column for each of its active players.
    Matrix centred_active(Index draw) const;
    void require_all_active() const;

    // Throws InputError unless targets are (size, k) and gaps (draws, k).
    void check_shapes(MatrixIn targets, MatrixIn gaps) const;
    // y of a row: its target in the order of the design, less the equal share of D_b.
    double target(MatrixIn targets, MatrixIn gaps, Index row, Index output) const {
        return targets(position[row], output) - gaps(draw[row], output) * shift[row];
    }
    // Every player's equal share of D, the part of the values (players, k) that efficiency fixes.
    Matrix equal_split(MatrixIn gaps) const;

    Index players, draws;
    std::vector<std::vector<Index>> active;  // (draws), the active players of each
    bool all_active;
    Index stride;                     // players rounded up to 8, the rest is zero
    std::vector<std::uint8_t> masks;  // (size, stride)
    std::vector<Index> position;      // which pair of the design the row is
    std::vector<Index> draw;          // its draw of the background
    std::vector<Index> draw_start;    // (draws + 1), the rows of each draw
    std::vector<double> weight;       // n k_s / e_bs: the rows of one draw sum to about the identity on 1's complement
    std::vector<double> shift;        // (|S| - n/2) / n
    std::vector<double> missing;      // (1 - e_bs / N) N / (N - 1), N all pairs of the cell: 0 where all are in
    std::vector<double> share;        // |S| / n
    std::vector<double> expected;     // (draws), the expected pairs of each draw
    std::vector<bool> complete;       // (draws), all its pairs are in
    Vector draw_weights;
};

// gram += U' diag(w) U, lower triangle, tiles of columns in parallel; every entry is summed in the order of the rows.
void add_gram(const Matrix& u, const Vector& w, Matrix& gram);

// sum += sum_i a_i mask_i over `rows` masks of `stride` entries, and out_i = mask_i . t.
void add_masks(const std::uint8_t* masks, Index rows, Index stride, const double* a, double* sum);
void dot_masks(const std::uint8_t* masks, Index rows, Index stride, const double* t, double* out);

}  // namespace pellucid
