// Pairs of coalitions as rows for the interactions of players, sorted by draw and size.
//
// A coalition S and its complement together lose  h(S) = (v(N) + v(nobody) - v(S) - v(complement)) / 2.  The pairs of
// players {i, j} are called edges here, and S cuts those with one end in it. For any game
//   I_ij = sum over pairs {S, complement} of  a_s(i, j) h(S) / pairs of size s,
//   a_s = -2 n / (s (s-1)) for i, j in S,  2 n / (s (n-s)) where S cuts the edge,  -2 n / ((n-s) (n-s-1)) outside,
// half of that at the middle size (from the definition by Grabisch and Roubens 1999, complements joined). Binomials
// cancel. In a game with interactions of two and three players alone, h(S) is half the sum of I_ij over the edges cut.
//
// A draw may have players of its own: the others change nothing there, and have no interaction with anybody.
#pragma once

#include <vector>

#include "pellucid/types.hpp"

namespace pellucid {

struct InteractionEstimate {
    Matrix values;        // (n (n - 1) / 2, k), the index I of the edges (0, 1), (0, 2), ..., (1, 2), ...
    Matrix variance;      // the same shape, a sum over pairs of coalitions
    Matrix squares;       // the sum of the squares of its terms: variance^2 / squares of them carry the variance
    Matrix sum_variance;  // (n, k), of sum_j I_ij, which coalitions of one player alone decide
};

struct InteractionRows {
    // masks (pairs, n), the smaller sides; draws (pairs,); expected (pairs,), e_bs, the expected pairs of the draw and
    // size; active (B, n), the players of each draw; draw_weights (B,), summing to 1.
    InteractionRows(MasksIn masks, IndicesIn draws, VectorIn expected, MasksIn active, VectorIn draw_weights);

    // What a unit of h gives to I of the edges inside S, cut by S and outside of S: a_s / e_bs, the weight of the draw
    // included.
    struct Shares {
        double inside, cut, outside;
    };

    Index size() const { return static_cast<Index>(position.size()); }
    Index draws() const { return static_cast<Index>(draw_weights.size()); }
    Index count(Index b) const { return draw_start[b + 1] - draw_start[b]; }

    // U, the rows as a regression sees them: root times a half for every edge of the draw that is cut. Rows first ..
    // first + count - 1 of draw b as a dense (count, edges) matrix; U x for all rows of b; U' y.
    Matrix cuts(Index b, Index first, Index count) const;
    Matrix of_edges(Index b, const Matrix& x) const;
    Matrix to_edges(Index b, const Matrix& y) const;

    // Adds the shares of `loss` (count, k), what is left of h, and to the variance the squares of those of `error`.
    void add_shares(Index b, const Matrix& loss, const Matrix& error, InteractionEstimate& sum) const;

    Index players, edges;
    Vector draw_weights;
    Matrix active;                  // (B, n), 1 for the players of a draw
    Vector active_count;            // (B,)
    Matrix masks;                   // (size, n)
    std::vector<Index> position;    // which pair the row is
    std::vector<Index> draw_start;  // (B + 1), the rows of each draw
    std::vector<Shares> shares;
    Vector sizes;    // |S|
    Vector root;     // of the weight of the row
    Vector missing;  // 1 - e_bs / all pairs of the size: 0 where nothing was left out

  private:
    Vector spread(Index b, const Vector& inside, const Vector& cut, const Vector& outside) const;
};

}  // namespace pellucid
