// Linked with --wrap=malloc and --wrap=realloc, by which calls of this program and of the static core arrive here;
// operator new is replaced, for the standard library as well. Memory still comes from malloc, so AddressSanitizer sees
// every block.

#include "failing_allocation.hpp"

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::int64_t> left{0};
std::atomic<bool> failed{false};

bool must_fail() {
    // The counter runs on below 0, so that exactly one allocation fails whatever the threads.
    if (left.load(std::memory_order_relaxed) <= 0 || left.fetch_sub(1, std::memory_order_relaxed) != 1) return false;
    failed = true;
    return true;
}

}  // namespace

namespace pellucid::driver {

void fail_allocation(std::int64_t nth) {
    failed = false;
    left = nth;
}

bool allocation_failed() {
    return failed;
}

}  // namespace pellucid::driver

extern "C" {
void* __real_malloc(std::size_t size);
void* __real_realloc(void* block, std::size_t size);

void* __wrap_malloc(std::size_t size) {
    return must_fail() ? nullptr : __real_malloc(size);
}

void* __wrap_realloc(void* block, std::size_t size) {
    return must_fail() ? nullptr : __real_realloc(block, size);
}
}

// All forms, as AddressSanitizer has its own of those that are missing, and tells them apart from malloc.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return must_fail() ? nullptr : __real_malloc(size > 0 ? size : 1);
}

void* operator new(std::size_t size) {
    if (void* const block = operator new(size, std::nothrow)) return block;
    throw std::bad_alloc();
}

void* operator new[](std::size_t size) {
    return operator new(size);
}

void operator delete(void* block) noexcept {
    std::free(block);
}

void operator delete(void* block, std::size_t) noexcept {
    std::free(block);
}

void operator delete[](void* block) noexcept {
    std::free(block);
}

void operator delete[](void* block, std::size_t) noexcept {
    std::free(block);
}
