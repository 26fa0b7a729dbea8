// Threads that sleep until there is work. Only parallel.cpp uses them.
//
// Threads that spin while they wait, as those of OpenMP runtimes do, make two threads slower than one on a machine that
// has other work, and every loop waits for the slowest of its team to wake up. Here the caller begins at once, whoever
// wakes in time helps, and the caller waits only for those that did begin.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <vector>

namespace pellucid {

class ThreadPool {
  public:
    // Never destroyed: its detached threads sleep on its members until the process ends.
    static ThreadPool& instance();

    // Calls lead() here and help() on up to `helpers` other threads; returns when all that began are done. Neither
    // throws.
    void run(int helpers, const std::function<void()>& help, const std::function<void()>& lead);

  private:
    struct Job {
        const std::function<void()>& help;
        int wanted;
        int working = 0;
    };

    ThreadPool() = default;
    void grow(int threads);
    void serve();
    Job* open_job();

    std::mutex mutex_;
    std::condition_variable wake_, done_;
    std::vector<Job*> jobs_;
    int threads_ = 0;
};

}  // namespace pellucid
