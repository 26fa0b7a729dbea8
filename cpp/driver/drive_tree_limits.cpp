#include "drive_tree_limits.hpp"

#include <limits>

#include "pellucid/random.hpp"
#include "pellucid/trees/product_measure.hpp"

namespace pellucid::driver {
namespace {

constexpr Index trees = 400, depth = 7, columns = 6, outputs = 2, laws = 3;
constexpr Index inner = (Index{1} << depth) - 1,
                nodes = 2 * inner + 1;  // of each tree, children of i at 2 i + 1, 2 i + 2

// The first column is asked about categories, the second about zeros that count as missing.
Forest random_forest() {
    RowStream stream(31, 0, 0, StreamOf::test);
    const Index all = trees * nodes;
    Indices starts(trees + 1), left = Indices::Constant(all, -1), right = Indices::Constant(all, -1);
    Indices category_starts = Indices::Zero(all + 1), categories(3 * all);
    Columns features = Columns::Zero(all);
    Flags questions = Flags::Zero(all), missing_left = Flags::Zero(all), others_left = Flags::Zero(all);
    Vector thresholds = Vector::Zero(all), base = Vector::Ones(outputs);
    Matrix values = Matrix::Zero(all, outputs);
    Index listed = 0;
    for (Index i = 0; i < all; ++i) {
        const Index local = i % nodes;
        if (local == 0) starts[i / nodes] = i;
        if (local < inner) {
            features[i] = static_cast<std::int32_t>(stream.below(columns));
            const auto kind = features[i] == 0   ? Question::categories
                              : features[i] == 1 ? Question::zero_is_missing
                                                 : Question::threshold;
            questions[i] = static_cast<std::uint8_t>(kind);
            left[i] = 2 * local + 1;
            right[i] = 2 * local + 2;
            thresholds[i] = 0.25 * static_cast<double>(stream.below(17)) - 2.0;
            missing_left[i] = static_cast<std::uint8_t>(stream.below(2));
            others_left[i] = static_cast<std::uint8_t>(stream.below(2));
            if (features[i] == 0)
                for (Index c = 0; c < 3; ++c) categories[listed++] = 40 * c + static_cast<Index>(stream.below(40));
        } else {
            for (Index o = 0; o < outputs; ++o) values(i, o) = stream.normal();
        }
        category_starts[i + 1] = listed;
    }
    starts[trees] = all;
    return Forest(ForestArrays{columns, starts, Columns(), questions, features, thresholds, left, right, missing_left,
                               others_left, category_starts, categories.head(listed), Vector(), values, base, false,
                               true, true});
}

}  // namespace

Vector tree_limits() {
    const Forest forest = random_forest();
    Columns parts(columns);
    parts << 0, 1, 2, 3, 3, 3;
    const ProductMeasure measure(forest, parts, 4);
    const Indices starts = measure.starts();
    const Index atoms = starts[4];
    RowStream stream(31, 0, 1, StreamOf::test);
    Matrix q(laws, atoms), d(laws, atoms);
    for (Index i = 0; i < q.size(); ++i) {
        q.data()[i] = stream.uniform();
        d.data()[i] = stream.normal();
    }
    for (Index part = 0; part < 4; ++part)
        for (Index law = 0; law < laws; ++law) {
            auto shares = q.row(law).segment(starts[part], starts[part + 1] - starts[part]);
            shares /= shares.sum();
        }
    constexpr double infinity = std::numeric_limits<double>::infinity();
    Matrix cut(2, 6);
    cut << 0.5, 2.0, 0.2, 0.7, -1.0, 3.0, 1.0, 0.0, 0.5, 0.0, -infinity, infinity;
    const Vector borders = measure.borders(2);
    const Matrix limits = measure.limits(q, d), masses = cell_masses(cut, borders, true, false),
                 normal = normal_cells(borders);
    Vector found(limits.size() + masses.size() + normal.size());
    found.head(limits.size()) = limits.reshaped();
    found.segment(limits.size(), masses.size()) = masses.reshaped();
    found.tail(normal.size()) = normal.reshaped();
    return found;
}

}  // namespace pellucid::driver
