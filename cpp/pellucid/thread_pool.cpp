#include "pellucid/thread_pool.hpp"

#include <system_error>
#include <thread>

namespace pellucid {

ThreadPool& ThreadPool::instance() {
    static ThreadPool* const pool = new ThreadPool;
    return *pool;
}

void ThreadPool::run(int helpers, const std::function<void()>& help, const std::function<void()>& lead) {
    Job job{help, helpers};
    {
        const std::lock_guard lock(mutex_);
        grow(helpers);
        jobs_.push_back(&job);
    }
    for (int i = 0; i < helpers; ++i) wake_.notify_one();
    lead();
    std::unique_lock lock(mutex_);
    std::erase(jobs_, &job);
    done_.wait(lock, [&] { return job.working == 0; });
}

void ThreadPool::grow(int threads) {
    try {
        for (; threads_ < threads; ++threads_) std::thread([this] { serve(); }).detach();
    } catch (const std::system_error&) {
        // The system gives no more threads: those there are do all the work.
    }
}

ThreadPool::Job* ThreadPool::open_job() {
    for (Job* job : jobs_)
        if (job->wanted > 0) return job;
    return nullptr;
}

void ThreadPool::serve() {
    std::unique_lock lock(mutex_);
    while (true) {
        Job* job = nullptr;
        wake_.wait(lock, [&] { return (job = open_job()) != nullptr; });
        --job->wanted;
        ++job->working;
        lock.unlock();
        job->help();
        lock.lock();
        if (--job->working == 0) done_.notify_all();
    }
}

}  // namespace pellucid
