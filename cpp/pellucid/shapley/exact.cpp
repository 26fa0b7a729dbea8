#include "pellucid/shapley/exact.hpp"

#include <bit>
#include <vector>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"
#include "pellucid/shapley/pairwise_sum.hpp"

namespace pellucid {
namespace {

constexpr Index block = 4096;

// weight[s] = s! (n - s - 1)! / n!, what a coalition of size s weighs when one more player joins it.
std::vector<double> joining_weights(Index players) {
    std::vector<double> weight(static_cast<std::size_t>(players));
    weight[0] = 1.0 / static_cast<double>(players);
    for (Index s = 1; s < players; ++s)
        weight[s] = weight[s - 1] * static_cast<double>(s) / static_cast<double>(players - s);
    return weight;
}

}  // namespace

Matrix exact_shapley(MatrixIn values, Index players) {
    require(players >= 1 && players <= 40, "players must be between 1 and 40, got ", players);
    const Index total = Index{1} << players;
    require(values.rows() == total, "values must have 2^", players, " = ", total, " rows, got ", values.rows());
    const Index k = values.cols();
    const std::vector<double> weight = joining_weights(players);

    std::vector<Matrix> parts(static_cast<std::size_t>((total + block - 1) / block));
    parallel_for(total, block, [&](Index first, Index last) {
        Matrix sum = Matrix::Zero(players, k);
        for (Index mask = first; mask < last; ++mask) {
            const Index size = std::popcount(static_cast<std::uint64_t>(mask));
            // A coalition counts positively for its members and negatively for the others.
            const double inside = size > 0 ? weight[size - 1] : 0.0;
            const double outside = size < players ? -weight[size] : 0.0;
            for (Index i = 0; i < players; ++i) {
                const double w = (mask >> i) & 1 ? inside : outside;
                for (Index o = 0; o < k; ++o) sum(i, o) += w * values(mask, o);
            }
        }
        parts[static_cast<std::size_t>(first / block)] = std::move(sum);
    });
    return pairwise_sum(parts);
}

}  // namespace pellucid
