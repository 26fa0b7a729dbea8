#include "pellucid/trees/simd.hpp"

#include <atomic>
#include <cstdlib>
#include <string_view>

#include "pellucid/check.hpp"

namespace pellucid {
namespace {

constexpr const char* names[] = {"baseline", "avx2", "avx512"};

Simd of_processor() {
#if defined(__GNUC__) && defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw"))
        return Simd::avx512;
    if (__builtin_cpu_supports("avx2")) return Simd::avx2;
#endif
    return Simd::baseline;
}

// A name that is unknown, or more than there is, changes nothing: a variable must not make an import fail.
Simd at_start() {
    const Simd best = best_simd_level();
    const char* wanted = std::getenv("PELLUCID_SIMD");
    for (const Simd level : {Simd::baseline, Simd::avx2, Simd::avx512})
        if (wanted != nullptr && std::string_view(wanted) == simd_name(level) && level < best) return level;
    return best;
}

std::atomic<Simd>& current() {
    static std::atomic<Simd> level{at_start()};
    return level;
}

}  // namespace

Simd best_simd_level() {
    static const Simd best = of_processor();
    return best;
}

Simd simd_level() {
    return current().load(std::memory_order_relaxed);
}

void set_simd_level(Simd level) {
    require(level <= best_simd_level(), "simd level must be at most ", simd_name(best_simd_level()), " here, got ",
            simd_name(level));
    current().store(level, std::memory_order_relaxed);
}

const char* simd_name(Simd level) {
    return names[static_cast<int>(level)];
}

Simd simd_named(const char* name) {
    for (const Simd level : {Simd::baseline, Simd::avx2, Simd::avx512})
        if (std::string_view(name) == simd_name(level)) return level;
    require(false, "simd level must be 'baseline', 'avx2' or 'avx512', got '", name, "'");
    return Simd::baseline;
}

}  // namespace pellucid
