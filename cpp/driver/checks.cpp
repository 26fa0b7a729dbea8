#include "checks.hpp"

#include <cstdio>

namespace pellucid::driver {

std::atomic<int> failures{0};

void check(bool condition, const std::string& what) {
    if (condition) return;
    ++failures;
    std::printf("FAILED  %s\n", what.c_str());
}

}  // namespace pellucid::driver
