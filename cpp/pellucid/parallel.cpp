#include "pellucid/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <limits>
#include <mutex>
#include <thread>
#include <vector>

#ifndef PELLUCID_STD_THREAD
#include <omp.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

#include "pellucid/check.hpp"

namespace pellucid {
namespace {

constexpr auto poll_interval = std::chrono::milliseconds(20);

thread_local int requested_threads = 0;
thread_local bool inside_parallel = false;
std::atomic<bool> forked_child{false};
std::atomic<InterruptHook> interrupt_hook{nullptr};

// A forked child inherits the locks of a thread team but not its threads: it must never wait for them.
[[maybe_unused]] const bool fork_guard = [] {
#if defined(__unix__) || defined(__APPLE__)
    pthread_atfork(nullptr, nullptr, [] { forked_child = true; });
#endif
    return true;
}();

int default_threads() {
    static const int from_environment = [] {
        const char* text = std::getenv("PELLUCID_NUM_THREADS");
        return text == nullptr ? 0 : std::clamp(std::atoi(text), 0, 1024);
    }();
    if (from_environment > 0) return from_environment;
#ifdef PELLUCID_STD_THREAD
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
#else
    return std::max(1, omp_get_max_threads());
#endif
}

// The state that the threads of one loop share.
class Loop {
  public:
    Loop(Index n, Index chunk, const std::function<void(Index, Index)>& body)
        : n_(n), chunk_(chunk), chunks_((n + chunk - 1) / chunk), body_(body) {}

    Index chunks() const { return chunks_; }

    void work(bool is_caller) {
        const bool was_inside = inside_parallel;
        inside_parallel = true;
        auto last_poll = std::chrono::steady_clock::now();
        while (!stop_.load(std::memory_order_relaxed)) {
            const Index c = next_.fetch_add(1, std::memory_order_relaxed);
            if (c >= chunks_) break;
            try {
                body_(c * chunk_, std::min(n_, (c + 1) * chunk_));
                if (is_caller && std::chrono::steady_clock::now() - last_poll > poll_interval) {
                    poll_interrupt();
                    last_poll = std::chrono::steady_clock::now();
                }
            } catch (...) {
                fail(c, std::current_exception());
            }
        }
        inside_parallel = was_inside;
    }

    void finish() const {
        if (error_) std::rethrow_exception(error_);
    }

  private:
    void fail(Index chunk, std::exception_ptr error) {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (chunk < failed_chunk_) {
            failed_chunk_ = chunk;
            error_ = std::move(error);
        }
        stop_ = true;
    }

    const Index n_, chunk_, chunks_;
    const std::function<void(Index, Index)>& body_;
    std::atomic<Index> next_{0};
    std::atomic<bool> stop_{false};
    std::mutex mutex_;
    Index failed_chunk_ = std::numeric_limits<Index>::max();
    std::exception_ptr error_;
};

}  // namespace

int thread_count() {
    if (forked_child || inside_parallel) return 1;
    return requested_threads > 0 ? requested_threads : default_threads();
}

void set_thread_count(int threads) {
    require(threads >= 0 && threads <= 1024, "n_threads must be between 1 and 1024, got ", threads);
    requested_threads = threads;
}

const char* parallel_backend() {
#ifdef PELLUCID_STD_THREAD
    return "std::thread";
#else
    return "OpenMP";
#endif
}

void set_interrupt_hook(InterruptHook hook) {
    interrupt_hook = hook;
}

void poll_interrupt() {
    const InterruptHook hook = interrupt_hook.load();
    if (hook != nullptr && hook()) throw Interrupted();
}

void parallel_for(Index n, Index chunk, const std::function<void(Index, Index)>& body) {
    require(chunk > 0, "the chunk of a parallel loop must be positive, got ", chunk);
    if (n <= 0) return;
    Loop loop(n, chunk, body);
    const int threads = static_cast<int>(std::min<Index>(thread_count(), loop.chunks()));
    if (threads <= 1) {
        // The caller of a nested loop may be a worker, which must not touch the interpreter.
        loop.work(!inside_parallel);
    } else {
#ifdef PELLUCID_STD_THREAD
        std::vector<std::thread> workers;
        workers.reserve(static_cast<std::size_t>(threads) - 1);
        for (int t = 1; t < threads; ++t) workers.emplace_back([&loop] { loop.work(false); });
        loop.work(true);
        for (auto& worker : workers) worker.join();
#else
#pragma omp parallel num_threads(threads)
        loop.work(omp_get_thread_num() == 0);
#endif
    }
    loop.finish();
}

}  // namespace pellucid
