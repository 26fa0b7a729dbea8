// A mixture of linear regressions with fused coefficients, by expectation and maximisation.
//
//   l = sum_i w_i log sum_c pi_c N(y_i; a_c + z_i b_c, sigma_c^2) - sum_c penalty_c TV(b_c)
//
// or without the last term and with TV(b_c) <= bound. With the responsibilities r_ic fixed, b_c is a fused lasso of the
// r-weighted moments, its penalty being sigma_c^2 penalty_c with the sigma_c of before; then sigma_c^2 is the weighted
// mean of the squared residuals. Either step raises l or leaves it. sigma_c stays above a floor, without which a
// component of a few rows has a likelihood without bound.
#pragma once

#include <cstdint>

#include "pellucid/types.hpp"

namespace pellucid {

struct MixtureFit {
    Matrix coefficients;          // (components, p)
    Vector intercepts;            // (components,)
    Vector shares;                // (components,) pi
    Vector sigmas;                // (components,)
    Matrix responsibilities;      // (n, components) under these parameters
    Vector log_likelihoods;       // (iterations,) l after each, without the constant -1/2 log 2 pi of each row
    double log_likelihood = 0.0;  // the last of them without the penalties
    bool converged = false;
};

struct MixtureOptions {
    double bound = -1.0;  // negative: the penalised form, else penalties are not read
    double floor = 0.0;   // > 0, the least sigma
    Index most_iterations = 200;
    double tolerance = 1e-8;  // of l, by unit of weight
};

// z (n, p), y (n,), weights (n,) >= 0; responsibilities (n, components) and sigmas (components,) to begin with;
// penalties (components,). Cost of an iteration: n p^2 times the number of components; the sums run over chunks of rows
// that n alone fixes.
MixtureFit mixture_regression(MatrixIn z, VectorIn y, VectorIn weights, MatrixIn responsibilities, VectorIn sigmas,
                              VectorIn penalties, const MixtureOptions& options);

// Numbers (n, starts) by which rows may be put into groups: those of a start are z times a direction drawn at random,
// with columns in their standard deviations. The direction belongs to (seed, start).
Matrix random_projections(MatrixIn z, std::uint64_t seed, Index first, Index count);

}  // namespace pellucid
