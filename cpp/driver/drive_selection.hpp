// Sparse local models of one random problem, for the sanitizers and for the same bits with any number of threads.
#pragma once

#include "pellucid/types.hpp"

namespace pellucid::driver {

// The coefficients of every way to select columns, of the lasso path, of both fused lassos and of a mixture, in a row.
Vector sparse_models();

}  // namespace pellucid::driver
