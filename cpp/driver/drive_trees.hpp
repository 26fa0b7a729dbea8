// Forests of every kind, sound and damaged, for the sanitizers and against the plain loop.
#pragma once

#include "pellucid/types.hpp"

namespace pellucid::driver {

// Margins and leaves of a random forest.
Matrix forest_answers();

// How many of the damaged forests were taken and then gave other margins than the plain loop, or broke in another way
// than by ModelFormatError.
int wrong_forests();

}  // namespace pellucid::driver
