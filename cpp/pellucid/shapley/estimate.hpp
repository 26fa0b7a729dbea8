// What a Shapley regression returns, whichever it is.
#pragma once

#include "pellucid/types.hpp"

namespace pellucid {

struct ShapleyEstimate {
    Matrix values;    // (players, k), columns sum to D exactly
    Matrix variance;  // (players, k), of the sampling of the coalitions and draws
};

}  // namespace pellucid
