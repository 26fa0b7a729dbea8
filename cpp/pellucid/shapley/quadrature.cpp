#include "pellucid/shapley/quadrature.hpp"

#include <cmath>
#include <numbers>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"

namespace pellucid {
namespace {

// P_n and its derivative at x, by the three-term recurrence.
struct Legendre {
    long double value, slope;
};

Legendre legendre(Index n, long double x) {
    long double before = 1.0L, value = x;
    for (Index k = 2; k <= n; ++k) {
        const auto order = static_cast<long double>(k);
        const long double next = ((2.0L * order - 1.0L) * x * value - (order - 1.0L) * before) / order;
        before = value;
        value = next;
    }
    return {value, static_cast<long double>(n) * (x * value - before) / (x * x - 1.0L)};
}

}  // namespace

Quadrature::Quadrature(Index nodes) {
    require(nodes >= 1, "a quadrature must have at least one node, got ", nodes);
    const auto count = static_cast<std::size_t>(nodes);
    at.resize(count);
    rest.resize(count);
    weight.resize(count);
    for (std::size_t i = 0; i < (count + 1) / 2; ++i) {
        poll_interrupt();
        // The first guess is near enough for any n: Newton's method then converges quadratically.
        long double x = std::cos(std::numbers::pi_v<long double> * (static_cast<long double>(i) + 0.75L) /
                                 (static_cast<long double>(nodes) + 0.5L));
        for (int step = 0; step < 8; ++step) {
            const auto [value, slope] = legendre(nodes, x);
            const long double move = value / slope;
            x -= move;
            if (std::abs(move) < 1e-18L) break;
        }
        if (nodes % 2 == 1 && i == count / 2) x = 0.0L;
        const long double slope = legendre(nodes, x).slope;
        const auto w = static_cast<double>(1.0L / ((1.0L - x) * (1.0L + x) * slope * slope));
        const auto near = static_cast<double>((1.0L - x) / 2.0L), far = static_cast<double>((1.0L + x) / 2.0L);
        const std::size_t mirror = count - 1 - i;
        at[i] = rest[mirror] = near;
        rest[i] = at[mirror] = far;
        weight[i] = weight[mirror] = w;
    }
}

}  // namespace pellucid
