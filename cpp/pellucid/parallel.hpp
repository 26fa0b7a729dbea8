// The only parallel loop of the core.
//
// The loop runs over chunks that the problem fixes, never the number of threads, so a reduction that adds up
// its chunks in order gives the same bits for any thread count. It collects the exceptions of its chunks and
// throws the one of the first chunk, an interrupt before any other; runs serially when nested and in a forked child;
// and answers an interrupt (Ctrl-C) through one function pointer that the bindings set.
#pragma once

#include <functional>

#include "pellucid/types.hpp"

namespace pellucid {

struct Interrupted : std::exception {
    const char* what() const noexcept override { return "interrupted"; }
};

int thread_count();
void set_thread_count(int threads);  // for the calling thread; 0 gives the default back

using InterruptHook = bool (*)();
void set_interrupt_hook(InterruptHook hook);
// Throws Interrupted. Asks the hook every 20 ms at most, and never on a worker, which must not touch the interpreter:
// so it may stand in any loop.
void poll_interrupt();

// Calls body(first, last) for [0, chunk), [chunk, 2 chunk), ... up to n, each exactly once.
void parallel_for(Index n, Index chunk, const std::function<void(Index, Index)>& body);

}  // namespace pellucid
