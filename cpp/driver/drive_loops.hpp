// The parallel loop: every chunk once, nested, with exceptions, interrupts and several callers.
#pragma once

namespace pellucid::driver {

void check_loops();

}  // namespace pellucid::driver
