#include "pellucid/trees/forest.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"

namespace pellucid {
namespace {

constexpr double nearly_zero = static_cast<double>(1e-35f);
constexpr double least_share = 1e-12;

template <typename... Parts>
void require_format(bool condition, const Parts&... parts) {
    require<ModelFormatError>(condition, parts...);
}

// The largest number that still goes left: x <= it says what x < threshold says, and for a rounded x what x <=
// threshold does.
double canonical(double threshold, bool strict, bool single) {
    if (!single) return strict ? std::nextafter(threshold, -std::numeric_limits<double>::infinity()) : threshold;
    const float down = -std::numeric_limits<float>::infinity();
    auto rounded = static_cast<float>(threshold);
    if (static_cast<double>(rounded) > threshold) rounded = std::nextafter(rounded, down);
    const bool itself = static_cast<double>(rounded) == threshold;
    return static_cast<double>(strict && itself ? std::nextafter(rounded, down) : rounded);
}

void check_lengths(const ForestArrays& a) {
    const Index n = a.questions.size();
    require_format(a.features >= 1 && a.features <= std::numeric_limits<std::int32_t>::max(),
                   "a forest must have 1 to 2^31 - 1 features, got ", a.features);
    require_format(a.base.size() >= 1, "a forest must have at least one output, got none");
    require_format(a.base.allFinite(), "base of the forest must be finite");
    require_format(a.tree_starts.size() >= 1 && a.tree_starts[0] == 0 && a.tree_starts[a.tree_starts.size() - 1] == n,
                   "tree_starts must begin with 0 and end with the number of nodes, ", n);
    const auto whole = [&](Index size, const char* name) {
        require_format(size == n, name, " must have an entry for each of ", n, " nodes, got ", size);
    };
    whole(a.split_features.size(), "split_features");
    whole(a.thresholds.size(), "thresholds");
    whole(a.left.size(), "left");
    whole(a.right.size(), "right");
    whole(a.missing_left.size(), "missing_left");
    whole(a.others_left.size(), "others_left");
    whole(a.values.rows(), "values");
    if (a.cover.size() > 0) whole(a.cover.size(), "cover");
    const Index trees = a.tree_starts.size() - 1;
    const bool shared = a.tree_outputs.size() == 0;
    require_format(shared || a.tree_outputs.size() == trees, "tree_outputs must have an entry for each of ", trees,
                   " trees, got ", a.tree_outputs.size());
    require_format(n == 0 || a.values.cols() == (shared ? a.base.size() : 1), "values must have ",
                   shared ? a.base.size() : 1, " columns, got ", a.values.cols());
    for (Index t = 0; t < trees; ++t) {
        require_format(a.tree_starts[t] < a.tree_starts[t + 1], "tree ", t, " has no nodes");
        require_format(shared || (a.tree_outputs[t] >= 0 && a.tree_outputs[t] < a.base.size()), "tree ", t,
                       " counts for output ", shared ? 0 : a.tree_outputs[t], ", there are ", a.base.size());
    }
}

void check_categories(const ForestArrays& a) {
    const Index n = a.questions.size();
    if (a.category_starts.size() == 0) {
        require_format(a.categories.size() == 0, "categories are listed without category_starts");
        return;
    }
    require_format(
        a.category_starts.size() == n + 1 && a.category_starts[0] == 0 && a.category_starts[n] == a.categories.size(),
        "category_starts must have ", n + 1, " entries from 0 to ", a.categories.size());
    for (Index i = 0; i < n; ++i) {
        const Index first = a.category_starts[i], last = a.category_starts[i + 1];
        require_format(first <= last && last <= a.categories.size(), "category_starts of node ", i, " must not fall");
        for (Index c = first; c < last; ++c)
            require_format(a.categories[c] >= 0 && (c == first || a.categories[c - 1] < a.categories[c]),
                           "categories of node ", i, " must be ascending and not negative");
    }
}

}  // namespace

Forest::Forest(ForestArrays a)
    : features_(a.features), strict_(a.strict), single_(a.single), negative_is_missing_(a.negative_is_missing) {
    check_lengths(a);
    check_categories(a);
    const Index trees = a.tree_starts.size() - 1;
    nodes_.resize(static_cast<std::size_t>(a.questions.size()));
    roots_.reserve(static_cast<std::size_t>(trees));
    for (Index t = 0; t < trees; ++t) {
        poll_interrupt();
        roots_.push_back(a.tree_starts[t]);
        check_tree(a, t);
    }
    tree_outputs_.swap(a.tree_outputs);
    categories_.swap(a.categories);
    cover_.swap(a.cover);
    base_.swap(a.base);
    values_.swap(a.values);
}

// Walks the tree once: every node must be met exactly once, so that there is neither a cycle nor a second parent.
void Forest::check_tree(const ForestArrays& a, Index tree) {
    const Index first = a.tree_starts[tree], count = a.tree_starts[tree + 1] - first;
    std::vector<bool> met(static_cast<std::size_t>(count));
    std::vector<std::pair<Index, Index>> open{{0, 0}};  // node, depth
    Index found = 0;
    while (!open.empty()) {
        const auto [local, depth] = open.back();
        open.pop_back();
        require_format(!met[static_cast<std::size_t>(local)], "tree ", tree, ": node ", local,
                       " is the child of two nodes, or of one below it");
        met[static_cast<std::size_t>(local)] = true;
        ++found;
        depth_ = std::max(depth_, depth);
        const Index i = first + local;
        Node& node = nodes_[static_cast<std::size_t>(i)];
        require_format(a.questions[i] <= static_cast<std::uint8_t>(Question::categories), "tree ", tree, ", node ",
                       local, ": there is no question of kind ", int{a.questions[i]});
        require_format(a.cover.size() == 0 || (a.cover[i] >= 0.0 && std::isfinite(a.cover[i])), "tree ", tree,
                       ", node ", local, ": cover must be finite and not negative, got ",
                       a.cover.size() == 0 ? 0.0 : a.cover[i]);
        node.question = static_cast<Question>(a.questions[i]);
        if (node.question == Question::leaf) {
            ++leaves_;
            require_format(a.values.row(i).allFinite(), "tree ", tree, ", node ", local, ": values must be finite");
            continue;
        }
        require_format(a.split_features[i] >= 0 && a.split_features[i] < features_, "tree ", tree, ", node ", local,
                       ": split feature ", a.split_features[i], " is not one of ", features_);
        node.feature = a.split_features[i];
        node.missing_left = a.missing_left[i] != 0;
        node.others_left = a.others_left[i] != 0;
        if (node.question == Question::categories) {
            require_format(a.category_starts.size() > 0, "tree ", tree, ", node ", local, ": no categories are listed");
            node.first_category = a.category_starts[i];
            node.category_count = a.category_starts[i + 1] - node.first_category;
        } else {
            require_format(!std::isnan(a.thresholds[i]), "tree ", tree, ", node ", local, ": threshold is NaN");
            node.threshold = canonical(a.thresholds[i], strict_, single_);
        }
        for (const Index child : {a.right[i], a.left[i]}) {
            require_format(child > 0 && child < count, "tree ", tree, ", node ", local, ": child ", child,
                           " is not one of the ", count, " nodes");
            open.emplace_back(child, depth + 1);
        }
        node.left = first + a.left[i];
        node.right = first + a.right[i];
    }
    require_format(found == count, "tree ", tree, ": ", count - found, " of ", count,
                   " nodes cannot be reached from the root");
}

std::vector<Index> Forest::splits_below(Index tree) const {
    const Index first = root(tree);
    // Parents come before their children, so that the reverse meets children first.
    std::vector<Index> order{first};
    order.reserve(static_cast<std::size_t>(end(tree) - first));
    for (std::size_t i = 0; i < order.size(); ++i) {
        const Node& split = node(order[i]);
        if (split.feature < 0) continue;
        order.push_back(split.left);
        order.push_back(split.right);
    }
    std::vector<Index> splits(order.size());
    const auto of = [&](Index i) -> Index& { return splits[static_cast<std::size_t>(i - first)]; };
    for (std::size_t i = order.size(); i-- > 0;) {
        const Node& split = node(order[i]);
        if (split.feature >= 0) of(order[i]) = 1 + of(split.left) + of(split.right);
    }
    return splits;
}

double Forest::share(Index parent, bool left) const {
    const Node& split = node(parent);
    const double to_left = cover_[split.left], to_right = cover_[split.right], both = to_left + to_right;
    if (!(both > 0.0)) return 0.5;
    return std::max((left ? to_left : to_right) / both, least_share);
}

bool Forest::goes_left(const Node& node, double x) const {
    if (std::isnan(x)) return node.missing_left;
    if (node.question == Question::categories) {
        if (x < 0.0 && negative_is_missing_) return node.missing_left;
        const double whole = std::trunc(x);
        const auto* first = categories_.data() + node.first_category;
        const auto* last = first + node.category_count;
        // Beyond 2^62 nothing can be listed that a double tells from its neighbours.
        const bool listed =
            whole >= 0.0 && whole < 0x1p62 && std::binary_search(first, last, static_cast<Index>(whole));
        return listed != node.others_left;
    }
    if (node.question == Question::zero_is_missing && std::abs(x) <= nearly_zero) return node.missing_left;
    return (single_ ? static_cast<double>(static_cast<float>(x)) : x) <= node.threshold;
}

Index Forest::leaf_of(Index tree, const double* x) const {
    Index i = root(tree);
    while (node(i).feature >= 0) i = goes_left(node(i), x[node(i).feature]) ? node(i).left : node(i).right;
    return i;
}

}  // namespace pellucid
