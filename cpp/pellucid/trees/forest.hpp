// An ensemble of trees from any library, in flat arrays that are checked once and then trusted.
//
// Every library has its own way to ask a question of a value. Here there is one: x goes left when x <= threshold. What
// asks x < t is the same question with the next smaller threshold, in the precision in which x is compared.
#pragma once

#include <cstdint>
#include <vector>

#include "pellucid/types.hpp"

namespace pellucid {

using Flags = Eigen::Matrix<std::uint8_t, Eigen::Dynamic, 1>;

enum class Question : std::uint8_t {
    leaf = 0,
    threshold = 1,        // x <= threshold goes left, a missing x where missing_left says
    zero_is_missing = 2,  // the same, and |x| <= 1e-35f counts as missing
    categories = 3        // x, cut to a whole number, goes against others_left where it is listed
};

// What a library says of its ensemble: entries of nodes (N), tree after tree. Node numbers are counted from the first
// node of their tree, which is its root.
struct ForestArrays {
    Index features = 0;
    Indices tree_starts;     // (trees + 1): first node of each tree, and N
    Columns tree_outputs;    // (trees): the output that the one value of a leaf counts for; empty where leaves have one
                             // for each
    Flags questions;         // (N) of Question
    Columns split_features;  // (N); any number at a leaf
    Vector thresholds;       // (N); any number where there is none
    Indices left, right;     // (N); any number at a leaf
    Flags missing_left;      // (N)
    Flags others_left;       // (N): where categories go that are not listed
    Indices category_starts;           // (N + 1), or empty where nothing is categorical
    Indices categories;                // listed categories, ascending for each node, not negative
    Vector cover;                      // (N) weight of the training rows in a node, or empty where it is not known
    Matrix values;                     // (N, 1 or outputs), of leaves
    Vector base;                       // (outputs), added once
    bool strict = false;               // the library asks x < threshold
    bool single = false;               // it rounds x to float first
    bool negative_is_missing = false;  // of categories; otherwise negative numbers are others
};

struct Node {
    double threshold = 0.0;       // x <= threshold goes left
    Index left = -1, right = -1;  // in nodes()
    Index first_category = 0, category_count = 0;
    std::int32_t feature = -1;  // -1: a leaf
    Question question = Question::leaf;
    bool missing_left = false, others_left = false;
};

class Forest {
  public:
    // Throws ModelFormatError that names the tree, the node and the field.
    explicit Forest(ForestArrays arrays);

    Index features() const { return features_; }
    Index outputs() const { return base_.size(); }
    Index trees() const { return static_cast<Index>(roots_.size()); }
    Index root(Index tree) const { return roots_[static_cast<std::size_t>(tree)]; }
    // Its nodes are root(tree), ..., end(tree) - 1.
    Index end(Index tree) const { return tree + 1 < trees() ? root(tree + 1) : static_cast<Index>(nodes_.size()); }
    // Of each node of a tree, the splits at and below it.
    std::vector<Index> splits_below(Index tree) const;
    // The output of a tree whose leaves have one value, -1 where they have one for each output.
    Index output_of(Index tree) const { return tree_outputs_.size() == 0 ? -1 : tree_outputs_[tree]; }
    const std::vector<Node>& nodes() const { return nodes_; }
    const Node& node(Index i) const { return nodes_[static_cast<std::size_t>(i)]; }
    // (N, 1 or outputs), rows of leaves.
    const Matrix& values() const { return values_; }
    double value(Index leaf, Index output) const { return values_(leaf, tree_outputs_.size() == 0 ? output : 0); }
    const Vector& base() const { return base_; }
    const Indices& categories() const { return categories_; }
    bool single() const { return single_; }
    bool strict() const { return strict_; }
    bool negative_is_missing() const { return negative_is_missing_; }

    bool has_cover() const { return cover_.size() > 0; }
    const Vector& cover() const { return cover_; }
    // The share of the cover that goes to a child, of what goes to both: at least 1e-12, and 1/2 where nothing does.
    double share(Index parent, bool left) const;

    Index depth() const { return depth_; }  // splits on the longest path
    Index leaves() const { return leaves_; }

    // The plain ways, as the definition has them.
    bool goes_left(const Node& node, double x) const;
    Index leaf_of(Index tree, const double* x) const;

  private:
    void check_tree(const ForestArrays& arrays, Index tree);

    Index features_, depth_ = 0, leaves_ = 0;
    bool strict_, single_, negative_is_missing_;
    std::vector<Index> roots_;
    std::vector<Node> nodes_;
    Columns tree_outputs_;
    Indices categories_;
    Vector cover_, base_;
    Matrix values_;
};

}  // namespace pellucid
