#include "pellucid/shapley/interactions.hpp"

#include <array>
#include <bit>
#include <vector>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"

namespace pellucid {
namespace {

constexpr Index block = 4096;

// weight[s] = s! (n - s - 2)! / (n - 1)!, what the second difference at a coalition of size s weighs.
std::vector<double> difference_weights(Index players) {
    std::vector<double> weight(static_cast<std::size_t>(players - 1));
    weight[0] = 1.0 / static_cast<double>(players - 1);
    for (Index s = 1; s < players - 1; ++s)
        weight[s] = weight[s - 1] * static_cast<double>(s) / static_cast<double>(players - s - 1);
    return weight;
}

}  // namespace

Matrix exact_interactions(MatrixIn values, Index players) {
    require(players >= 2 && players <= 40, "players must be between 2 and 40, got ", players);
    const Index total = Index{1} << players;
    require(values.rows() == total, "values must have 2^", players, " = ", total, " rows, got ", values.rows());
    const Index k = values.cols(), pairs = players * (players - 1) / 2;
    const std::vector<double> weight = difference_weights(players);

    std::vector<Matrix> parts(static_cast<std::size_t>((total + block - 1) / block));
    parallel_for(total, block, [&](Index first, Index last) {
        Matrix sum = Matrix::Zero(pairs, k);
        for (Index mask = first; mask < last; ++mask) {
            const Index size = std::popcount(static_cast<std::uint64_t>(mask));
            // By how many of i and j are in: the coalition is S, S + i or S + j, S + i + j of the definition.
            const std::array<double, 3> w = {size <= players - 2 ? weight[size] : 0.0,
                                             size >= 1 && size <= players - 1 ? -weight[size - 1] : 0.0,
                                             size >= 2 ? weight[size - 2] : 0.0};
            Index pair = 0;
            for (Index i = 0; i < players; ++i)
                for (Index j = i + 1; j < players; ++j, ++pair) {
                    const double of_pair = w[static_cast<std::size_t>(((mask >> i) & 1) + ((mask >> j) & 1))];
                    for (Index o = 0; o < k; ++o) sum(pair, o) += of_pair * values(mask, o);
                }
        }
        parts[static_cast<std::size_t>(first / block)] = std::move(sum);
    });
    // In pairs, so that the rounding error grows with n and not with 2^n.
    for (std::size_t step = 1; step < parts.size(); step *= 2)
        for (std::size_t i = 0; i + step < parts.size(); i += 2 * step) parts[i] += parts[i + step];
    return parts[0];
}

}  // namespace pellucid
