// The few names that every room of the core shares.
#pragma once

#include <Eigen/Dense>
#include <cstdint>

namespace pellucid {

using Index = std::int64_t;
using Vector = Eigen::VectorXd;
using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Masks = Eigen::Matrix<std::uint8_t, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Indices = Eigen::Matrix<std::int64_t, Eigen::Dynamic, 1>;
using IndexMatrix = Eigen::Matrix<std::int64_t, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Columns = Eigen::Matrix<std::int32_t, Eigen::Dynamic, 1>;

using VectorIn = Eigen::Ref<const Vector>;
using MatrixIn = Eigen::Ref<const Matrix>;
using MasksIn = Eigen::Ref<const Masks>;
using IndicesIn = Eigen::Ref<const Indices>;
using IndexMatrixIn = Eigen::Ref<const IndexMatrix>;
using ColumnsIn = Eigen::Ref<const Columns>;
using MatrixOut = Eigen::Ref<Matrix>;

}  // namespace pellucid

// Kernels so marked are compiled twice, and the loader takes the version the processor can run. Contraction
// into fused multiply-add is off for the whole build, so both versions give the same bits.
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__linux__) && \
    !defined(PELLUCID_SANITIZED)
#define PELLUCID_SIMD __attribute__((target_clones("arch=x86-64-v3", "default")))
#else
#define PELLUCID_SIMD
#endif
