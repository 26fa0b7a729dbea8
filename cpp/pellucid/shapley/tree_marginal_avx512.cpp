#include "pellucid/shapley/tree_marginal_kernels.hpp"

#if defined(__GNUC__) && defined(__x86_64__)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512dq,avx512bw"))), apply_to = function)
#define PELLUCID_LANES 1
#else
#pragma GCC target("avx512f,avx512vl,avx512dq,avx512bw")
#define PELLUCID_LANES 8
#endif
#define PELLUCID_LEVEL avx512
#include "pellucid/shapley/tree_marginal_kernels_source.hpp"
#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
