#include "pellucid/shapley/tree_marginal_kernels.hpp"

#if defined(__GNUC__) && defined(__x86_64__)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#define PELLUCID_LANES 1
#else
#pragma GCC target("avx2")
#define PELLUCID_LANES 4
#endif
#define PELLUCID_LEVEL avx2
#include "pellucid/shapley/tree_marginal_kernels_source.hpp"
#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
