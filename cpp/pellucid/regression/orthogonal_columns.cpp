#include "pellucid/regression/orthogonal_columns.hpp"

#include <algorithm>

#include "pellucid/check.hpp"

namespace pellucid {
namespace {

constexpr Index lanes = 4, together = 4;

struct Products {
    double with_y[together], own[together];
};

// Sums in `lanes` places side by side, whatever the processor has: the order is part of the result.
PELLUCID_SIMD Products products(const double* const (&s)[together], const double* __restrict y, Index n) {
    double with_y[together][lanes] = {}, own[together][lanes] = {};
    const Index whole = n / lanes * lanes;
    for (Index i = 0; i < whole; i += lanes)
        for (Index c = 0; c < together; ++c)
            for (Index l = 0; l < lanes; ++l) {
                with_y[c][l] += s[c][i + l] * y[i + l];
                own[c][l] += s[c][i + l] * s[c][i + l];
            }
    for (Index i = whole; i < n; ++i)
        for (Index c = 0; c < together; ++c) {
            with_y[c][i - whole] += s[c][i] * y[i];
            own[c][i - whole] += s[c][i] * s[c][i];
        }
    Products sums = {};
    for (Index c = 0; c < together; ++c)
        for (Index l = 0; l < lanes; ++l) {
            sums.with_y[c] += with_y[c][l];
            sums.own[c] += own[c][l];
        }
    return sums;
}

PELLUCID_SIMD void subtract(const double* const (&s)[together], const double (&slope)[together], Index n,
                            double* __restrict y) {
    for (Index i = 0; i < n; ++i)
        y[i] -= (slope[0] * s[0][i] + slope[1] * s[1][i]) + (slope[2] * s[2][i] + slope[3] * s[3][i]);
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
        for (Index first = 0; first < slots.size(); first += together) {
            const Index count = std::min(together, slots.size() - first);
            const double* s[together];
            for (Index c = 0; c < together; ++c) s[c] = store.row(slots[first + std::min(c, count - 1)]).data();
            const Products sums = products(s, y.data(), n);
            double slope[together] = {};
            for (Index c = 0; c < count; ++c) slope[c] = sums.own[c] > 0.0 ? sums.with_y[c] / sums.own[c] : 0.0;
            subtract(s, slope, n, y.data());
        }
        values.col(output) = y.array() + mean;
    }
}

}  // namespace pellucid
