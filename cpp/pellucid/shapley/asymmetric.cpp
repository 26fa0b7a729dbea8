#include "pellucid/shapley/asymmetric.hpp"

#include <vector>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"
#include "pellucid/shapley/pairwise_sum.hpp"

namespace pellucid {
namespace {

constexpr Index block = 4096;

}  // namespace

Matrix asymmetric_shapley(const OrderIdeals& ideals, MatrixIn values) {
    require(ideals.complete(), "ideals must all have been found");
    require(values.rows() == ideals.size(), "values must have a row for each of the ", ideals.size(), " ideals, got ",
            values.rows());
    const Index k = values.cols();
    std::vector<Matrix> parts(static_cast<std::size_t>((ideals.size() + block - 1) / block));
    parallel_for(ideals.size(), block, [&](Index first, Index last) {
        Matrix sum = Matrix::Zero(ideals.players(), k);
        for (Index ideal = first; ideal < last; ++ideal)
            ideals.steps_from(ideal, [&](Index next, Index player, double probability) {
                for (Index o = 0; o < k; ++o) sum(player, o) += probability * (values(next, o) - values(ideal, o));
            });
        parts[static_cast<std::size_t>(first / block)] = std::move(sum);
    });
    return pairwise_sum(parts);
}

}  // namespace pellucid
