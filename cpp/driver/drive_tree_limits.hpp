// Limits of a random forest, for the sanitizers and for the same bits with any number of threads.
#pragma once

#include "pellucid/types.hpp"

namespace pellucid::driver {

// Means and slopes under a few laws of columns and of a group of columns, with all kinds of questions, and the masses
// of cells, in a row.
Vector tree_limits();

}  // namespace pellucid::driver
