// The only parallel loop of the core.
//
// The loop runs over chunks that the problem fixes, never the number of threads, so a reduction that adds up
// its chunks in order gives the same bits for any thread count. It collects the exceptions of its chunks and
// throws the one of the first chunk; runs serially when nested and in a forked child; and answers an interrupt
// (Ctrl-C) through one function pointer that the bindings set, polled on the caller's thread only.
#pragma once

#include <functional>

#include "pellucid/types.hpp"

namespace pellucid {

struct Interrupted : std::exception {
    const char* what() const noexcept override { return "interrupted"; }
};

int thread_count();
void set_thread_count(int threads);  // for the calling thread; 0 gives the default back
const char* parallel_backend();

using InterruptHook = bool (*)();
void set_interrupt_hook(InterruptHook hook);
void poll_interrupt();  // throws Interrupted; for long loops that are not parallel

// Calls body(first, last) for [0, chunk), [chunk, 2 chunk), ... up to n, each exactly once.
void parallel_for(Index n, Index chunk, const std::function<void(Index, Index)>& body);

}  // namespace pellucid
