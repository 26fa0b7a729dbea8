#include "pellucid/shapley/tree_marginal_weights.hpp"

#include <bit>
#include <cstdint>

#include "pellucid/check.hpp"

namespace pellucid {
namespace {

// s! (n - s)! / (n + 1)!, 0 where there is no such coalition; the binomial is a whole number below 2^53.
double weight(Index n, Index s) {
    if (n < 0 || s < 0 || s > n) return 0.0;
    double ways = 1.0;
    for (Index i = 1; i <= s; ++i) ways = ways * static_cast<double>(n - s + i) / static_cast<double>(i);
    return 1.0 / (static_cast<double>(n + 1) * ways);
}

}  // namespace

CoalitionWeights::CoalitionWeights(Index most_players, bool pairs)
    : parts_(pairs ? 3 : 2), weights_(static_cast<std::size_t>(parts_ * ((Index{2} << most_players) - 1))) {
    std::vector<double> by_size(static_cast<std::size_t>(most_players + 1));
    double* out = weights_.data();
    for (Index k = 0; k <= most_players; ++k) {
        for (Index part = 0; part < parts_; ++part) {
            for (Index s = 0; s <= k; ++s) {
                const Index n = pairs ? k - 2 : k - 1;
                double sum = pairs ? weight(n, s - 2) : weight(n, s - 1);
                if (part > 0) sum += pairs ? static_cast<double>(part) * weight(n, s - 1) : weight(n, s);
                if (part > 1) sum += weight(n, s);
                by_size[static_cast<std::size_t>(s)] = sum;
            }
            for (std::uint32_t coalition = 0; coalition < std::uint32_t{1} << k; ++coalition)
                *out++ = by_size[static_cast<std::size_t>(std::popcount(coalition))];
        }
    }
}

BetaWeights::BetaWeights(Index size)
    : size_(size), weights_(static_cast<std::size_t>(checked_product(size, size, "weights of a path"))) {
    for (Index y = 0; y < size; ++y) {
        double w = 1.0 / static_cast<double>(y + 1);
        for (Index x = 0; x + y < size; ++x) {
            if (x > 0) w *= static_cast<double>(x) / static_cast<double>(x + y + 1);
            weights_[static_cast<std::size_t>(x * size + y)] = w;
        }
    }
}

}  // namespace pellucid
