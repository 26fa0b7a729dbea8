// Path-dependent values and interactions of a random forest, for the sanitizers.
#pragma once

#include "pellucid/types.hpp"

namespace pellucid::driver {

// Values, then interactions, in double and in float, of some rows side by side.
Matrix drive_tree_path();

}  // namespace pellucid::driver
