#include "drive_loops.hpp"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "checks.hpp"
#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"
#include "pellucid/random.hpp"

namespace pellucid::driver {
namespace {

void check_chunks() {
    for (const int threads : {1, 2, 8, 40}) {
        set_thread_count(threads);
        for (const Index n : {0, 1, 7, 1000}) {
            for (const Index chunk : {1, 3, 1000, 5000}) {
                std::vector<std::atomic<int>> seen(static_cast<std::size_t>(n));
                parallel_for(n, chunk, [&](Index first, Index last) {
                    for (Index i = first; i < last; ++i) ++seen[static_cast<std::size_t>(i)];
                });
                for (const auto& times : seen) check(times == 1, "every index exactly once");
            }
        }
    }
    set_thread_count(0);
    std::printf("checked  chunks\n");
}

void check_nested() {
    set_thread_count(4);
    std::vector<Index> sums(50);
    parallel_for(50, 1, [&](Index i, Index) {
        check(thread_count() == 1, "a nested loop is serial");
        parallel_for(100, 7, [&](Index first, Index last) {
            for (Index j = first; j < last; ++j) sums[static_cast<std::size_t>(i)] += j;
        });
    });
    for (const Index sum : sums) check(sum == 4950, "nested sums");
    set_thread_count(0);
    std::printf("checked  nested loops\n");
}

void check_exceptions() {
    for (const int threads : {1, 2, 8}) {
        set_thread_count(threads);
        for (int repeat = 0; repeat < 50; ++repeat) {
            std::string caught;
            try {
                parallel_for(200, 1, [](Index i, Index) {
                    if (i >= 20) throw InputError("chunk " + std::to_string(i));
                });
            } catch (const InputError& e) {
                caught = e.what();
            }
            check(caught == "chunk 20", "the exception of the first chunk, got '" + caught + "'");
        }
        bool nested = false;
        try {
            parallel_for(8, 1,
                         [](Index, Index) { parallel_for(8, 1, [](Index, Index) { throw NumericalError("deep"); }); });
        } catch (const NumericalError&) {
            nested = true;
        }
        check(nested, "the exception of a nested loop");
    }
    set_thread_count(0);
    std::printf("checked  exceptions\n");
}

std::thread::id caller;
std::atomic<int> polls{0}, polls_elsewhere{0};
std::atomic<bool> stop{false};

bool hook() {
    ++polls;
    if (std::this_thread::get_id() != caller) ++polls_elsewhere;
    return stop;
}

bool interrupted(int threads, bool fail_too) {
    set_thread_count(threads);
    try {
        parallel_for(2000, 1, [&](Index i, Index) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
            poll_interrupt();
            if (fail_too && i > 60) throw InputError("late");
        });
    } catch (const Interrupted&) {
        return true;
    } catch (const InputError&) {
        return false;
    }
    return false;
}

void check_interrupts() {
    caller = std::this_thread::get_id();
    set_interrupt_hook(hook);
    for (const int threads : {1, 2, 8}) {
        stop = false;
        check(!interrupted(threads, true), "no interrupt before it is asked for");
        stop = true;
        check(interrupted(threads, false), "an interrupt ends the loop");
        std::thread later([] {
            std::this_thread::sleep_for(std::chrono::milliseconds(60));
            stop = true;
        });
        stop = false;
        check(interrupted(threads, false), "an interrupt from elsewhere ends the loop");
        later.join();
    }
    check(polls > 0 && polls_elsewhere == 0, "only the caller's thread asks the hook");
    set_interrupt_hook(nullptr);
    set_thread_count(0);
    std::printf("checked  interrupts, %d polls\n", polls.load());
}

void check_callers() {
    std::vector<double> sums(6);
    std::vector<std::thread> callers;
    for (std::size_t t = 0; t < sums.size(); ++t) {
        callers.emplace_back([&sums, t] {
            set_thread_count(static_cast<int>(t % 3) + 1);
            std::vector<double> parts(100);
            parallel_for(1000, 10, [&](Index first, Index last) {
                for (Index i = first; i < last; ++i)
                    parts[static_cast<std::size_t>(first / 10)] +=
                        RowStream(1, 0, static_cast<std::uint64_t>(i), StreamOf::test).normal();
            });
            for (const double part : parts) sums[t] += part;
        });
    }
    for (auto& thread : callers) thread.join();
    for (const double sum : sums) check(sum == sums[0], "callers at once");
    std::printf("checked  callers at once\n");
}

}  // namespace

void check_loops() {
    check_chunks();
    check_nested();
    check_exceptions();
    check_interrupts();
    check_callers();
}

}  // namespace pellucid::driver
