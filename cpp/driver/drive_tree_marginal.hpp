// Marginal Shapley values of one random forest, for the sanitizers and for the same bits with any number of threads.
#pragma once

#include "pellucid/types.hpp"

namespace pellucid::driver {

// Values and interactions by tables and by pairs of patterns, of several outputs, in a row.
Vector marginal_tree_values();

}  // namespace pellucid::driver
