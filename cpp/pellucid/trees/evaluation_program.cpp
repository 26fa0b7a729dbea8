#include "pellucid/trees/evaluation_program.hpp"

#include <algorithm>
#include <limits>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"

namespace pellucid::evaluation {
namespace {

constexpr std::int32_t most_borders_of_set = 48;  // of a question that is asked of 64 rows at once

// Cells after which the answer of a set changes.
template <typename Take>
std::int32_t changes(const Cells& cells, const Cells::Rule& rule, std::int32_t most, const Take& take) {
    std::int32_t count = 0;
    for (std::int32_t c = 0; c + 1 < cells.cells_of_slot(rule.slot) && count <= most; ++c)
        if (cells.bit(rule.set + c) != cells.bit(rule.set + c + 1)) {
            ++count;
            take(c);
        }
    return count;
}

}  // namespace

WalkProgram::WalkProgram(const Forest& forest, const Cells& cells) {
    const auto count = static_cast<Index>(forest.nodes().size());
    require<BudgetError>(count < std::numeric_limits<std::int32_t>::max(), "a forest of ", count,
                         " nodes is too large to be evaluated, at most 2^31 - 2 are possible");
    require<BudgetError>(cells.used().size() < std::size_t{1} << 30, "a forest that asks for ", cells.used().size(),
                         " features is too large to be evaluated, at most 2^30 are possible");
    nodes.resize(forest.nodes().size());
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        const Node& node = forest.nodes()[i];
        const Cells::Rule& rule = cells.rules()[i];
        const auto here = static_cast<std::int32_t>(i);
        if (node.feature < 0) {
            nodes[i] = {0, 0, {here, here}};
            continue;
        }
        nodes[i] = {2 * rule.slot + rule.missing_left,
                    rule.cell + rule.missing_left,
                    {static_cast<std::int32_t>(node.left), static_cast<std::int32_t>(node.right)}};
        if (rule.set < 0) continue;
        nodes[i].slot = -1;
        nodes[i].cell = static_cast<std::int32_t>(sets.size());
        sets.push_back({rule.set, rule.slot, cells.cells_of_slot(rule.slot)});
    }
}

MaskProgram::MaskProgram(const Forest& forest, const Cells& cells) {
    const auto trees = static_cast<std::size_t>(forest.trees());
    number_.assign(trees, -1);
    first_leaf_.assign(trees, 0);
    for (Index t = 0; t < forest.trees(); ++t) {
        if (t % 64 == 0) poll_interrupt();
        if (takes(forest, cells, t)) add(forest, cells, t);
    }
    // Where the arrays are is known when they do not grow any more.
    const Question64* questions = questions_.data();
    const std::uint16_t* places = places_.data();
    for (Tree64& tree : trees_) {
        tree.questions = questions;
        tree.places = places;
        questions += tree.question_count;
        if (tree.planes > 0) places += tree.ends[tree.planes - 1];
    }
}

bool MaskProgram::takes(const Forest& forest, const Cells& cells, Index tree) const {
    const Index count = forest.end(tree) - forest.root(tree), root = forest.root(tree);
    if (count >= 2 * most_leaves) return false;
    for (Index i = root; i < root + count; ++i) {
        const Cells::Rule& rule = cells.rule(i);
        if (rule.slot < 0) continue;
        if (cells.cells_of_slot(rule.slot) > std::numeric_limits<std::uint16_t>::max()) return false;
        if (rule.set >= 0 && changes(cells, rule, most_borders_of_set, [](std::int32_t) {}) > most_borders_of_set)
            return false;
    }
    return true;
}

void MaskProgram::add(const Forest& forest, const Cells& cells, Index tree) {
    std::vector<Index> order{forest.root(tree)};  // level by level
    std::vector<std::int32_t> parents{-1}, leaves, firsts;
    Tree64 made{};
    for (std::size_t place = 0; place < order.size(); ++place) {
        const Index i = order[place];
        const Cells::Rule& rule = cells.rule(i);
        if (rule.slot < 0) continue;
        ++made.question_count;
        wide_ = wide_ || cells.cells_of_slot(rule.slot) > 256;
        questions_.push_back({rule.slot, rule.missing_left ? rule.slot + 1 : 0,
                              rule.set < 0 ? no_set : add_set(cells, rule), static_cast<std::uint16_t>(rule.cell),
                              static_cast<std::uint16_t>(place), static_cast<std::uint16_t>(order.size())});
        for (const Index child : {forest.node(i).left, forest.node(i).right}) {
            order.push_back(child);
            parents.push_back(static_cast<std::int32_t>(place));
        }
    }
    // Leaves below each node, and the first of them counted from the left.
    leaves.assign(order.size(), 0);
    firsts.assign(order.size(), 0);
    for (std::size_t place = order.size(); place-- > 0;) {
        if (forest.node(order[place]).feature < 0) leaves[place] = 1;
        if (place > 0) leaves[static_cast<std::size_t>(parents[place])] += leaves[place];
    }
    for (std::size_t place = 1; place < order.size(); ++place) {
        const bool right = place % 2 == 0;  // the root is alone, all others come in pairs
        firsts[place] = firsts[static_cast<std::size_t>(parents[place])] + (right ? leaves[place - 1] : 0);
    }
    const auto has_bit = [&](std::size_t place, int b) {
        const std::int32_t first = firsts[place], last = first + leaves[place] - 1;
        return (first >> b & 1) != 0 && first >> b == last >> b;
    };
    const std::size_t start = places_.size();
    while ((1 << made.planes) < leaves[0]) {
        for (std::size_t place = 1; place < order.size(); ++place)
            if (has_bit(place, made.planes) && !has_bit(static_cast<std::size_t>(parents[place]), made.planes))
                places_.push_back(static_cast<std::uint16_t>(place));
        made.ends[made.planes++] = static_cast<std::int32_t>(places_.size() - start);
    }
    const std::size_t first_leaf = leaf_nodes_.size();
    first_leaf_[static_cast<std::size_t>(tree)] = static_cast<std::int64_t>(first_leaf);
    leaf_nodes_.resize(first_leaf + static_cast<std::size_t>(leaves[0]));
    const bool single = forest.values().cols() == 1;
    if (single) leaf_values_.resize(leaf_nodes_.size());
    for (std::size_t place = 0; place < order.size(); ++place) {
        if (forest.node(order[place]).feature >= 0) continue;
        const std::size_t leaf = first_leaf + static_cast<std::size_t>(firsts[place]);
        leaf_nodes_[leaf] = static_cast<std::int32_t>(order[place]);
        if (single) leaf_values_[leaf] = forest.values()(order[place], 0);
    }
    number_[static_cast<std::size_t>(tree)] = static_cast<std::int32_t>(trees_.size());
    trees_.push_back(made);
}

std::int32_t MaskProgram::add_set(const Cells& cells, const Cells::Rule& rule) {
    const auto first = static_cast<std::int64_t>(borders_.size());
    const std::int32_t count = changes(cells, rule, most_borders_of_set,
                                       [&](std::int32_t c) { borders_.push_back(static_cast<std::uint16_t>(c)); });
    sets_.push_back({first, count, cells.bit(rule.set + cells.cells_of_slot(rule.slot) - 1)});
    return static_cast<std::int32_t>(sets_.size() - 1);
}

}  // namespace pellucid::evaluation
