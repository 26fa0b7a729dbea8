// Local surrogates of one random problem, for the sanitizers and for the same bits with any number of threads.
#pragma once

#include "pellucid/types.hpp"

namespace pellucid::driver {

// Sobol rows and values of their columns, sized masks, boosted trees and a logistic curve on them, in a row.
Vector local_samples();

// Coefficients and standard errors of masks and of numbers, with further columns, in pairs and alone, in a row.
Vector local_fits();

}  // namespace pellucid::driver
