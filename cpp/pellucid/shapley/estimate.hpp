// What a Shapley regression returns, whichever it is.
#pragma once

#include "pellucid/types.hpp"

namespace pellucid {

struct ShapleyEstimate {
    Matrix values;    // (players, k), columns sum to D exactly
    Matrix variance;  // (players, k), of the sampling of the coalitions and draws
    // (players, k), of the mean over the draws if these are a sample: sum w^2 (t_b - values)^2 / (1 - sum w^2) with t_b
    // the values under draw b. NaN where the fit has no values of its own for every draw.
    Matrix background_variance;
};

}  // namespace pellucid
