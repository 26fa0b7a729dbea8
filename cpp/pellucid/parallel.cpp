#include "pellucid/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <limits>
#include <mutex>
#include <thread>
#include <utility>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

#include "pellucid/check.hpp"
#include "pellucid/thread_pool.hpp"

namespace pellucid {
namespace {

constexpr auto poll_interval = std::chrono::milliseconds(20);
constexpr long most_threads = 1024;

thread_local int requested_threads = 0;
thread_local bool inside_parallel = false;
thread_local bool is_worker = false;  // not the thread that the user called from
std::atomic<bool> forked_child{false};
std::atomic<InterruptHook> interrupt_hook{nullptr};

// A forked child inherits the locks of a thread team but not its threads: it must never wait for them.
[[maybe_unused]] const bool fork_guard = [] {
#if defined(__unix__) || defined(__APPLE__)
    pthread_atfork(nullptr, nullptr, [] { forked_child = true; });
#endif
    return true;
}();

int environment_threads(const char* name) {
    const char* text = std::getenv(name);
    return text == nullptr ? 0 : static_cast<int>(std::clamp(std::strtol(text, nullptr, 10), 0L, most_threads));
}

int default_threads() {
    static const int threads = [] {
        for (const char* name : {"PELLUCID_NUM_THREADS", "OMP_NUM_THREADS"})
            if (const int asked = environment_threads(name); asked > 0) return asked;
        const long available = std::thread::hardware_concurrency();
        return static_cast<int>(std::clamp(available, 1L, most_threads));
    }();
    return threads;
}

// The state that the threads of one loop share.
class Loop {
  public:
    Loop(Index n, Index chunk, const std::function<void(Index, Index)>& body)
        : n_(n), chunk_(chunk), chunks_((n + chunk - 1) / chunk), body_(body) {}

    Index chunks() const { return chunks_; }

    void work(bool as_worker) {
        const bool was_inside = std::exchange(inside_parallel, true);
        const bool was_worker = std::exchange(is_worker, is_worker || as_worker);
        while (!stop_.load(std::memory_order_relaxed)) {
            const Index c = next_.fetch_add(1, std::memory_order_relaxed);
            if (c >= chunks_) break;
            try {
                body_(c * chunk_, std::min(n_, (c + 1) * chunk_));
                poll_interrupt();
            } catch (const Interrupted&) {
                fail(-1, std::current_exception());
            } catch (...) {
                fail(c, std::current_exception());
            }
        }
        inside_parallel = was_inside;
        is_worker = was_worker;
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
    require(threads >= 0 && threads <= most_threads, "n_threads must be between 1 and ", most_threads, ", got ",
            threads);
    requested_threads = threads;
}

void set_interrupt_hook(InterruptHook hook) {
    interrupt_hook = hook;
}

void poll_interrupt() {
    if (is_worker) return;
    thread_local std::chrono::steady_clock::time_point last_poll{};
    const auto now = std::chrono::steady_clock::now();
    if (now - last_poll < poll_interval) return;
    last_poll = now;
    const InterruptHook hook = interrupt_hook.load();
    if (hook != nullptr && hook()) throw Interrupted();
}

void parallel_for(Index n, Index chunk, const std::function<void(Index, Index)>& body) {
    require(chunk > 0, "the chunk of a parallel loop must be positive, got ", chunk);
    if (n <= 0) return;
    Loop loop(n, chunk, body);
    const int threads = static_cast<int>(std::min<Index>(thread_count(), loop.chunks()));
    if (threads <= 1)
        loop.work(false);
    else
        ThreadPool::instance().run(threads - 1, [&loop] { loop.work(true); }, [&loop] { loop.work(false); });
    loop.finish();
}

}  // namespace pellucid
