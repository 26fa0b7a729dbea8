// What was found to be wrong, counted.
#pragma once

#include <atomic>
#include <string>

namespace pellucid::driver {

extern std::atomic<int> failures;

void check(bool condition, const std::string& what);

}  // namespace pellucid::driver
