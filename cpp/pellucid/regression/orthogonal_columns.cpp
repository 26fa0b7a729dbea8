#include "pellucid/regression/orthogonal_columns.hpp"

#include "pellucid/check.hpp"

namespace pellucid {
namespace {

constexpr Index lanes = 8;

// Sums in `lanes` places side by side, whatever the processor has: the order is part of the result.
PELLUCID_SIMD void products(const double* __restrict s, const double* __restrict y, Index n, double& sy, double& ss) {
    double with_y[lanes] = {}, own[lanes] = {};
    Index i = 0;
    for (; i + lanes <= n; i += lanes)
        for (Index l = 0; l < lanes; ++l) {
            with_y[l] += s[i + l] * y[i + l];
            own[l] += s[i + l] * s[i + l];
        }
    for (; i < n; ++i) {
        with_y[i % lanes] += s[i] * y[i];
        own[i % lanes] += s[i] * s[i];
    }
    sy = ss = 0.0;
    for (Index l = 0; l < lanes; ++l) {
        sy += with_y[l];
        ss += own[l];
    }
}

PELLUCID_SIMD void subtract(const double* __restrict s, double slope, Index n, double* __restrict y) {
    for (Index i = 0; i < n; ++i) y[i] -= slope * s[i];
}

}  // namespace

void take_out_columns(MatrixIn store, IndicesIn slots, MatrixOut values) {
    const Index n = values.rows();
    require(store.cols() == n, "store must have a column for each of the ", n, " rows of values, got ", store.cols());
    for (Index e = 0; e < slots.size(); ++e)
        require(slots[e] >= 0 && slots[e] < store.rows(), "slots[", e, "] is ", slots[e], ", the store has ",
                store.rows());
    if (n == 0) return;
    for (Index output = 0; output < values.cols(); ++output) {
        Vector y = values.col(output);
        const double mean = y.sum() / static_cast<double>(n);
        y.array() -= mean;
        for (Index e = 0; e < slots.size(); ++e) {
            const double* s = store.row(slots[e]).data();
            double sy, ss;
            products(s, y.data(), n, sy, ss);
            if (ss > 0.0) subtract(s, sy / ss, n, y.data());
        }
        values.col(output) = y.array() + mean;
    }
}

}  // namespace pellucid
