#include "drive_tree_marginal.hpp"

#include <utility>
#include <vector>

#include "pellucid/random.hpp"
#include "pellucid/shapley/tree_marginal.hpp"
#include "random_inputs.hpp"

namespace pellucid::driver {
namespace {

constexpr Index features = 9, trees = 5, depth = 6, outputs = 2;

Matrix normal(std::uint64_t row, Index n, Index m) {
    return normal_matrix(17, row, n, m);
}

// Full trees; node i has the children 2 i + 1 and 2 i + 2, and feature 8 is one of categories.
ForestArrays full_trees() {
    constexpr Index splits = (Index{1} << depth) - 1, nodes = 2 * splits + 1, all = trees * nodes;
    ForestArrays a;
    a.features = features;
    a.tree_starts = Indices::LinSpaced(trees + 1, 0, all);
    a.questions = Flags::Zero(all);
    a.split_features = Columns::Zero(all);
    a.thresholds = 0.5 * normal(0, all, 1);
    a.left = Indices::Zero(all);
    a.right = Indices::Zero(all);
    a.missing_left = Flags::Zero(all);
    a.others_left = Flags::Zero(all);
    a.category_starts = Indices::Zero(all + 1);
    a.values = normal(1, all, outputs);
    a.base = Vector::Ones(outputs);
    std::vector<Index> listed;
    for (Index i = 0; i < all; ++i) {
        const Index local = i % nodes;
        if (local < splits) {
            a.split_features[i] = static_cast<std::int32_t>((7 * i + i / 5) % features);
            const bool categorical = a.split_features[i] == features - 1;
            a.questions[i] = static_cast<std::uint8_t>(categorical ? Question::categories : Question::threshold);
            a.missing_left[i] = i % 2 == 0;
            a.left[i] = 2 * local + 1;
            a.right[i] = 2 * local + 2;
            if (categorical) listed.push_back(i % 3);
        }
        a.category_starts[i + 1] = static_cast<Index>(listed.size());
    }
    Indices categories = Eigen::Map<const Indices>(listed.data(), static_cast<Index>(listed.size()));
    a.categories.swap(categories);
    return a;
}

}  // namespace

Vector marginal_tree_values() {
    const Forest forest(full_trees());
    const Columns players = Columns::LinSpaced(features, 0, features - 1);
    const Matrix background = normal(2, 30, features), rows = normal(3, 300, features);
    const Vector weights = Vector::Constant(30, 1.0 / 30.0);
    std::vector<double> all;
    for (const Index table_players : {0, 3}) {
        const MarginalShapley shapley(forest, players, features, background, weights, table_players);
        const Matrix few = shapley.values(rows.topRows(3)), values = shapley.values(rows);
        const Matrix pairs = shapley.interactions(rows.topRows(50));
        all.insert(all.end(), few.data(), few.data() + few.size());
        all.insert(all.end(), values.data(), values.data() + values.size());
        all.insert(all.end(), pairs.data(), pairs.data() + pairs.size());
        all.insert(all.end(), shapley.base().data(), shapley.base().data() + outputs);
        all.insert(all.end(), shapley.error_bound().data(), shapley.error_bound().data() + outputs);
    }
    return Eigen::Map<const Vector>(all.data(), static_cast<Index>(all.size()));
}

}  // namespace pellucid::driver
