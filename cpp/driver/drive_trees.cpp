#include "drive_trees.hpp"

#include <cstdio>
#include <limits>
#include <utility>
#include <vector>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"
#include "pellucid/random.hpp"
#include "pellucid/trees/evaluation.hpp"
#include "pellucid/trees/simd.hpp"
#include "random_inputs.hpp"

namespace pellucid::driver {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double odd_numbers[] = {0.0, -0.0, NAN, infinity, -infinity, 1e-45, -1e-36, 1e300, -3.5, 5e-324, 0x1p62};
constexpr Index odd_indices[] = {-1,
                                 0,
                                 1,
                                 2,
                                 7,
                                 1000,
                                 Index{1} << 31,
                                 Index{1} << 40,
                                 std::numeric_limits<Index>::max(),
                                 std::numeric_limits<Index>::min()};

template <typename Value, std::size_t n>
Value one_of(RowStream& stream, const Value (&values)[n]) {
    return values[static_cast<std::size_t>(stream.uniform() * static_cast<double>(n))];
}

template <typename Array, typename Value>
Array array_of(const std::vector<Value>& values) {
    Array made(static_cast<Index>(values.size()));
    for (std::size_t i = 0; i < values.size(); ++i)
        made[static_cast<Index>(i)] = static_cast<typename Array::Scalar>(values[i]);
    return made;
}

// Trees of up to `most` splits: a leaf drawn at random is split, again and again.
ForestArrays random_arrays(RowStream& stream, Index trees, Index most, Index outputs) {
    ForestArrays a;
    a.features = 1 + below(stream, 6);
    std::vector<Index> starts{0}, left, right, category_starts, categories;
    std::vector<int> questions;
    for (Index t = 0; t < trees; ++t) {
        const auto first = static_cast<Index>(questions.size());
        const auto grow = [&] {
            questions.push_back(0);
            left.push_back(-1);
            right.push_back(-1);
            return static_cast<Index>(questions.size()) - 1 - first;
        };
        grow();
        for (Index s = below(stream, most + 1); s > 0; --s) {
            auto leaf = static_cast<std::size_t>(first + below(stream, static_cast<Index>(questions.size()) - first));
            while (questions[leaf] != 0)
                leaf = static_cast<std::size_t>(first + (stream.uniform() < 0.5 ? left[leaf] : right[leaf]));
            questions[leaf] = 1 + static_cast<int>(below(stream, 3));
            left[leaf] = grow();
            right[leaf] = grow();
        }
        starts.push_back(static_cast<Index>(questions.size()));
    }
    const auto n = static_cast<Index>(questions.size());
    for (const int question : questions) {
        category_starts.push_back(static_cast<Index>(categories.size()));
        if (question == 3)
            for (Index c = below(stream, 3); c < 12; c += 1 + below(stream, 4)) categories.push_back(c);
    }
    category_starts.push_back(static_cast<Index>(categories.size()));
    a.tree_starts = array_of<Indices>(starts);
    a.questions = array_of<Flags>(questions);
    a.left = array_of<Indices>(left);
    a.right = array_of<Indices>(right);
    a.category_starts = array_of<Indices>(category_starts);
    a.categories = array_of<Indices>(categories);
    const auto flags = [&] {
        std::vector<int> drawn;
        for (Index i = 0; i < n; ++i) drawn.push_back(stream.uniform() < 0.5);
        return drawn;
    };
    a.missing_left = array_of<Flags>(flags());
    a.others_left = array_of<Flags>(flags());
    std::vector<double> numbers, cover, values;
    std::vector<Index> features;
    for (Index i = 0; i < n; ++i) {
        features.push_back(below(stream, a.features));
        numbers.push_back(stream.uniform() < 0.1 ? -1e-36 : 0.5 * static_cast<double>(below(stream, 24) - 12));
        cover.push_back(static_cast<double>(below(stream, 20)));
    }
    a.split_features = array_of<Columns>(features);
    a.thresholds = array_of<Vector>(numbers);
    a.cover = array_of<Vector>(cover);
    const bool one_each = stream.uniform() < 0.5;
    if (one_each) {
        std::vector<Index> of;
        for (Index t = 0; t < trees; ++t) of.push_back(below(stream, outputs));
        a.tree_outputs = array_of<Columns>(of);
    }
    Matrix drawn(n, one_each ? 1 : outputs);
    for (Index i = 0; i < drawn.size(); ++i) drawn.data()[i] = stream.normal();
    a.values.swap(drawn);
    for (Index o = 0; o < outputs; ++o) values.push_back(stream.normal());
    a.base = array_of<Vector>(values);
    a.strict = stream.uniform() < 0.5;
    a.single = stream.uniform() < 0.5;
    a.negative_is_missing = stream.uniform() < 0.5;
    return a;
}

Matrix random_rows(RowStream& stream, Index rows, Index features) {
    Matrix made(rows, features);
    for (Index i = 0; i < made.size(); ++i)
        made.data()[i] =
            stream.uniform() < 0.3 ? one_of(stream, odd_numbers) : 0.25 * static_cast<double>(below(stream, 60) - 20);
    return made;
}

template <typename Array>
void damage(RowStream& stream, Array& array, const auto& odd) {
    using Scalar = typename Array::Scalar;
    const Index n = array.size();
    const double way = stream.uniform();
    if (way < 0.15 || n == 0) {
        Array other(std::max<Index>(0, n + below(stream, 5) - 3));
        for (Index i = 0; i < other.size(); ++i) other[i] = i < n ? array[i] : static_cast<Scalar>(odd());
        array.swap(other);
    } else if (way < 0.5) {
        array[below(stream, n)] = static_cast<Scalar>(odd());
    } else if (way < 0.8) {
        array[below(stream, n)] = array[below(stream, n)];
    } else {
        std::swap(array[below(stream, n)], array[below(stream, n)]);
    }
}

void damage(RowStream& stream, ForestArrays& a) {
    const auto index = [&] { return one_of(stream, odd_indices); };
    const auto number = [&] { return one_of(stream, odd_numbers); };
    const auto small = [&] { return below(stream, 6); };
    switch (below(stream, 16)) {
        case 0:
            return damage(stream, a.tree_starts, index);
        case 1:
            return damage(stream, a.tree_outputs, small);
        case 2:
            return damage(stream, a.questions, small);
        case 3:
            return damage(stream, a.split_features, [&] { return below(stream, 12) - 2; });
        case 4:
            return damage(stream, a.thresholds, number);
        case 5:
            return damage(stream, a.left, index);
        case 6:
            return damage(stream, a.right, index);
        case 7:
            return damage(stream, a.left, small);
        case 8:
            return damage(stream, a.right, small);
        case 9:
            return damage(stream, a.missing_left, small);
        case 10:
            return damage(stream, a.category_starts, index);
        case 11:
            return damage(stream, a.categories, index);
        case 12:
            return damage(stream, a.cover, number);
        case 13:
            return damage(stream, a.base, number);
        case 14:
            a.features = one_of(stream, odd_indices);
            return;
        default:
            if (a.values.size() > 0) a.values.data()[below(stream, a.values.size())] = number();
    }
}

Matrix plain(const Forest& forest, const Matrix& rows) {
    Matrix out(rows.rows(), forest.outputs());
    for (Index i = 0; i < rows.rows(); ++i) {
        out.row(i) = forest.base().transpose();
        for (Index t = 0; t < forest.trees(); ++t) {
            const Index leaf = forest.leaf_of(t, rows.data() + i * rows.cols());
            for (Index o = 0; o < forest.outputs(); ++o)
                if (forest.output_of(t) < 0 || forest.output_of(t) == o) out(i, o) += forest.value(leaf, o);
        }
    }
    return out;
}

int wrong_answers(const Forest& forest, RowStream& stream) {
    if (forest.features() > 4000) return 0;
    int wrong = 0;
    const ForestEvaluator evaluator(forest);
    for (const Index n : {70, 3}) {
        const Matrix rows = random_rows(stream, n, forest.features()), expected = plain(forest, rows);
        for (const Simd level : {Simd::baseline, Simd::avx2, Simd::avx512}) {
            if (level > best_simd_level()) continue;
            set_simd_level(level);
            wrong += evaluator.margins(rows) != expected;
        }
    }
    set_simd_level(best_simd_level());
    return wrong;
}

// 100,000 questions one below the other, or an arrow back to the root at the end.
ForestArrays chain(bool cycle) {
    constexpr Index splits = 100000, n = 2 * splits + 1;
    ForestArrays a;
    a.features = 2;
    a.tree_starts = Indices::LinSpaced(2, 0, n);
    a.questions = Flags::NullaryExpr(n, [](Index i) { return static_cast<std::uint8_t>(i < splits); });
    a.split_features = Columns::NullaryExpr(n, [](Index i) { return static_cast<std::int32_t>(i % 2); });
    a.thresholds = Vector::NullaryExpr(n, [](Index i) { return -static_cast<double>(i % 9); });
    a.left = Indices::NullaryExpr(n, [](Index i) { return i + splits; });
    a.right = Indices::NullaryExpr(n, [&](Index i) {
        return cycle && i + 1 == splits ? 0 : i + 1 == splits ? n - 1 : i + 1;
    });
    a.missing_left = a.others_left = Flags::Zero(n);
    a.values = Matrix::NullaryExpr(n, 1, [](Index i, Index) { return static_cast<double>(i); });
    a.base = Vector::Zero(1);
    return a;
}

int wrong_chains() {
    int wrong = 0;
    RowStream stream(15, 0, 0, StreamOf::test);
    wrong += wrong_answers(Forest(chain(false)), stream);
    try {
        const Forest forest(chain(true));
        ++wrong;
    } catch (const ModelFormatError&) {
    }
    return wrong;
}

}  // namespace

Matrix forest_answers() {
    RowStream stream(13, 0, 0, StreamOf::test);
    const Forest forest(random_arrays(stream, 40, 60, 2));
    const ForestEvaluator evaluator(forest);
    const Matrix rows = random_rows(stream, 300, forest.features());
    const Matrix margins = evaluator.margins(rows), leaves = evaluator.leaves_of(rows).cast<double>();
    Matrix out(300, 2 + forest.trees());
    out << margins, leaves;
    return out;
}

int wrong_forests() {
    int wrong = wrong_chains(), refused = 0;
    constexpr std::uint64_t cases = 1500;
    for (std::uint64_t row = 0; row < cases; ++row) {
        RowStream stream(14, 0, row, StreamOf::test);
        ForestArrays arrays = random_arrays(stream, below(stream, 5), row % 50 == 0 ? 700 : 12, 1 + below(stream, 3));
        for (Index i = below(stream, 3); i > 0; --i) damage(stream, arrays);
        try {
            wrong += wrong_answers(Forest(std::move(arrays)), stream);
        } catch (const ModelFormatError&) {
            ++refused;
        }
    }
    std::printf("checked  %d forests, refused %d of them\n", static_cast<int>(cases), refused);
    return wrong;
}

}  // namespace pellucid::driver
