#include "pellucid/shapley/tree_marginal_kernels.hpp"
#include "pellucid/trees/simd.hpp"

#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__)
#define PELLUCID_LANES 2
#else
#define PELLUCID_LANES 1
#endif
#define PELLUCID_LEVEL baseline
#include "pellucid/shapley/tree_marginal_kernels_source.hpp"

namespace pellucid {

const MarginalKernels& marginal_kernels() {
#if defined(__GNUC__) && defined(__x86_64__)
    if (simd_level() == Simd::avx512) return avx512::marginal_kernels;
    if (simd_level() == Simd::avx2) return avx2::marginal_kernels;
#endif
    return baseline::marginal_kernels;
}

}  // namespace pellucid
