#include "drive_tree_path.hpp"

#include <cmath>
#include <vector>

#include "pellucid/random.hpp"
#include "pellucid/shapley/tree_path.hpp"
#include "pellucid/trees/forest.hpp"

namespace pellucid::driver {
namespace {

constexpr Index features = 5, trees = 9;

Index below(RowStream& stream, std::uint64_t bound) {
    return static_cast<Index>(stream.below(bound));
}

struct Grown {
    std::vector<std::uint8_t> questions;
    std::vector<std::int32_t> split;
    std::vector<double> threshold, cover, value;
    std::vector<Index> left, right, starts{0}, category_starts{0}, categories;
};

// Nodes in the order of a queue: children are numbered when their parent is met.
void grow(Grown& grown, RowStream& stream, Index depth) {
    std::vector<Index> levels{0};
    for (std::size_t i = 0; i < levels.size(); ++i) {
        const bool leaf = levels[i] == depth || (levels[i] > 1 && stream.uniform() < 0.2);
        const auto feature = static_cast<std::int32_t>(below(stream, features));
        const bool listed = !leaf && feature == 1;
        grown.questions.push_back(static_cast<std::uint8_t>(leaf ? 0 : listed ? 3 : 1 + below(stream, 2)));
        grown.split.push_back(feature);
        grown.threshold.push_back(stream.normal());
        grown.cover.push_back(static_cast<double>(below(stream, 9)));
        grown.value.push_back(stream.normal());
        if (listed) grown.categories.push_back(below(stream, 4));
        grown.category_starts.push_back(static_cast<Index>(grown.categories.size()));
        grown.left.push_back(static_cast<Index>(levels.size()));
        grown.right.push_back(static_cast<Index>(levels.size()) + 1);
        if (!leaf) levels.insert(levels.end(), 2, levels[i] + 1);
    }
    grown.starts.push_back(static_cast<Index>(grown.questions.size()));
}

template <typename Array, typename Values>
Array array_of(const Values& values) {
    return Eigen::Map<const Array>(values.data(), static_cast<Index>(values.size()));
}

ForestArrays arrays() {
    RowStream stream(13, 0, 0, StreamOf::test);
    Grown grown;
    for (Index t = 0; t < trees; ++t) grow(grown, stream, 2 + t);
    const auto n = static_cast<Index>(grown.questions.size());
    return {features,
            array_of<Indices>(grown.starts),
            Columns(),
            array_of<Flags>(grown.questions),
            array_of<Columns>(grown.split),
            array_of<Vector>(grown.threshold),
            array_of<Indices>(grown.left),
            array_of<Indices>(grown.right),
            Flags::Ones(n),
            Flags::Zero(n),
            array_of<Indices>(grown.category_starts),
            array_of<Indices>(grown.categories),
            array_of<Vector>(grown.cover),
            Eigen::Map<const Matrix>(grown.value.data(), n, 1),
            Vector::Ones(1)};
}

Matrix rows() {
    RowStream stream(14, 0, 0, StreamOf::test);
    Matrix x(150, features);
    for (Index i = 0; i < x.size(); ++i) x.data()[i] = i % 17 == 0 ? std::nan("") : 2.0 * stream.normal();
    return x;
}

}  // namespace

Matrix drive_tree_path() {
    const Forest forest(arrays());
    const Matrix x = rows();
    Columns players(features);
    players << 0, 1, 2, 1, 3;
    const PathShapley exact(forest, players, 4, false), quick(forest, players, 4, true);
    // A list of matrices must not be left half read: each is computed before.
    const Matrix values = exact.values(x), quick_values = quick.values(x), pairs = exact.interactions(x),
                 quick_pairs = quick.interactions(x);
    Matrix all(x.rows(), 2 * 4 + 2 * 16);
    all << values, quick_values, pairs, quick_pairs;
    return all;
}

}  // namespace pellucid::driver
