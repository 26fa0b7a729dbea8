// Which k columns explain a response best, from the Gram matrix alone.
//
//   RSS(S) = total - c_S' G_SS^-1 c_S        G = Z'WZ, c = Z'Wy, total = y'Wy, all of centred columns
//
// Forward selection takes the column with the largest drop c_j^2 / G_jj of what is left, as a Cholesky factorisation
// goes on: O(k^2 p). `swap_selection` goes on from there, exchanging one column for another while the RSS falls.
// `best_subset` proves the least RSS by the leaps and bounds of Furnival and Wilson, Technometrics 16 (1974): columns
// are taken out of the full model, and a model bounds all models inside it from below. Out of m columns r must go, each
// at a price of its own b_j^2 / (G^-1)_jj at least: so the r-th smallest price bounds what they cost together.
#pragma once

#include "pellucid/types.hpp"

namespace pellucid {

struct SubsetFit {
    Indices indices;      // in order of entry: each has the largest drop of the RSS among those chosen and not yet in
    Vector coefficients;  // least squares on the chosen columns, in the same order
    double rss = 0.0;
    bool proven = false;  // no subset of this size is better, but for 1e-12 of total
    bool ridged = false;  // the Gram matrix is singular: subsets were compared with a ridge of 1e-9 of its diagonal
    Index nodes = 0;      // models looked at by the search
};

// Fewer than k columns come back where the others are constant or a combination of those chosen: their pivot is below
// 1e-10 of their diagonal. A column with less than 1e-15 of the largest diagonal counts as constant.
SubsetFit forward_selection(MatrixIn gram, VectorIn response, double total, Index k);
SubsetFit swap_selection(MatrixIn gram, VectorIn response, double total, Index k);

// At most `node_limit` models are looked at; the best found until then is returned with proven = false. Cost of a
// model: the square of its number of columns.
constexpr Index most_best_subset_columns = 128;
SubsetFit best_subset(MatrixIn gram, VectorIn response, double total, Index k, Index node_limit);

}  // namespace pellucid
