// Lets the N-th allocation of the process fail, wherever it is made: by operator new and by the malloc of Eigen.
#pragma once

#include <cstdint>

namespace pellucid::driver {

// The allocation number `nth` from now on fails, counted from 1 over all threads, and no other; 0 lets none fail.
void fail_allocation(std::int64_t nth);

// Whether that allocation was asked for since.
bool allocation_failed();

}  // namespace pellucid::driver
