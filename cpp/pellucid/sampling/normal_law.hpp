// A normal law fitted to weighted rows, and draws from it.
#pragma once

#include "pellucid/types.hpp"

namespace pellucid {

struct Moments {
    Vector mean;        // (d,)
    Matrix covariance;  // (d, d), sum of w (x - mean)(x - mean)'; exactly 0 in the rows and columns of a constant
};

// weights (B,) with sum 1, positive.
Moments weighted_moments(MatrixIn rows, VectorIn weights);

// The smallest eigenvalue of the correlation matrix of the columns that vary; 1 when there is none.
double smallest_correlation(MatrixIn covariance);

// 2 * pairs rows mean + L z and mean - L z, L L' = covariance, whose mean and covariance are those given, exactly, and
// whose odd central moments are 0: the mean of any polynomial of degree 3 over them is its expectation. The z are
// normal deviates made white over the pairs, so there must be a pair for each dimension of the law. Singular laws are
// drawn on their support.
Matrix matched_normal_draws(std::uint64_t seed, VectorIn mean, MatrixIn covariance, Index pairs);

// Standard normal quantiles of probabilities in (0, 1).
Vector normal_quantiles(VectorIn probabilities);

// The rows of a normal copula: row i of `rows` holds latent standard normal values. Columns that mask i / masks_of_run
// knows become x, the others the value of the step quantile function of their column: values[first + k] for the first
// k whose threshold is not below the latent value. thresholds and values hold the columns one after another, the
// columns begin at first_of_column (d + 1,).
void latent_to_values(VectorIn x, ColumnsIn part_of_column, MasksIn masks, Index rows_per_mask, VectorIn thresholds,
                      VectorIn values, IndicesIn first_of_column, MatrixOut rows);

}  // namespace pellucid
