#include <algorithm>
#include <utility>

#include "pellucid/shapley/tree_path_block.hpp"
#include "pellucid/shapley/tree_path_program.hpp"

namespace pellucid {

// Walks a tree in the order in which the kernel will, and writes down what it will need.
template <typename Scalar>
class PathCompiler {
  public:
    PathCompiler(PathProgram<Scalar>& program, const Forest& forest, const Cells& cells, const PathPlayers& players,
                 const Quadrature& quadrature, Index output, bool pairs)
        : program_(program),
          forest_(forest),
          cells_(cells),
          players_(players),
          quadrature_(quadrature),
          output_(output),
          nodes_(quadrature.weight.size()),
          pairs_(pairs),
          place_of_(static_cast<std::size_t>(players.used), -1) {}

    void compile(Index tree);

  private:
    struct Open {
        Index node;
        std::int32_t slot, free, depth;
        int done = 0;
        bool again = false;
        std::int32_t place = -1;
        double before = 1.0;       // ratio of its player above
        std::int64_t earlier = 0;  // numbers of the edge above
    };
    // A player on the path.
    struct Place {
        std::int32_t column;
        double ratio;
        std::int64_t data;  // of b of its last edge, in pairs
    };

    bool begin(Open& open);
    void descend(const Open& open, bool left);
    void close(const Open& open);
    void write_leaf(const Open& open);
    bool write_block(const Open& open);
    bool lay_open(Index root, OpenBlock& laid, PathBlock& block) const;
    void enter(const Open& open, bool left, std::int64_t b);
    PathOp op_of(const Open& open, PathStep step, PathStep again) const;

    Index splits_below(Index node) const { return splits_[static_cast<std::size_t>(node - first_)]; }
    std::int32_t column_of(const Node& node) const {
        return players_.column[static_cast<std::size_t>(players_.of_feature[node.feature])];
    }
    std::int32_t result_column(std::int32_t column) const {
        return pairs_ ? column : static_cast<std::int32_t>(output_ * players_.used + column);
    }
    PathTest test_of(Index node) const;
    double least() const { return least_ratio<Scalar>; }
    double ratio_of(const Open& open, bool left) const {
        return std::max(open.before * forest_.share(open.node, left), least());
    }

    // Numbers are taken in whole lines, so that tables and most runs begin one.
    std::int64_t reserve(std::size_t count);
    Scalar* data(std::int64_t at) { return program_.lines_.data()->of + at; }
    // h of a ratio over that of another one, b of a ratio: one number for each node.
    void put_h(std::int64_t at, double ratio, double before);
    void put_b(std::int64_t at, double ratio);

    PathProgram<Scalar>& program_;
    const Forest& forest_;
    const Cells& cells_;
    const PathPlayers& players_;
    const Quadrature& quadrature_;
    const Index output_;
    const std::size_t nodes_;
    const bool pairs_;
    Index first_ = 0;                     // node of the tree
    std::vector<Index> splits_;           // at and below each of its nodes
    std::vector<std::int32_t> place_of_;  // of a column
    std::vector<Place> path_;
    std::vector<double> above_;  // a row for each open node: product of f1 over the path to it
};

template <typename Scalar>
std::int64_t PathCompiler<Scalar>::reserve(std::size_t count) {
    constexpr std::size_t line = 64 / sizeof(Scalar);
    const std::size_t before = program_.lines_.size();
    program_.lines_.resize(before + (count + line - 1) / line);
    return static_cast<std::int64_t>(before * line);
}

template <typename Scalar>
void PathCompiler<Scalar>::put_h(std::int64_t at, double ratio, double before) {
    for (std::size_t q = 0; q < nodes_; ++q) {
        const double p = quadrature_.at[q], rest = quadrature_.rest[q];
        const double h = rest * ratio / (rest * ratio + p);
        data(at)[q] = static_cast<Scalar>(before < 0.0 ? h : h / (rest * before / (rest * before + p)));
    }
}

template <typename Scalar>
void PathCompiler<Scalar>::put_b(std::int64_t at, double ratio) {
    for (std::size_t q = 0; q < nodes_; ++q) {
        const double p = quadrature_.at[q], rest = quadrature_.rest[q];
        const double b = (1.0 - ratio) / (rest * ratio + p) + 1.0 / rest;
        data(at)[q] = static_cast<Scalar>(pairs_ ? b : quadrature_.weight[q] * b);
    }
}

template <typename Scalar>
PathTest PathCompiler<Scalar>::test_of(Index node) const {
    const Cells::Rule& rule = cells_.rule(node);
    const std::int32_t add = rule.set < 0 && rule.missing_left;
    return {rule.slot, add, rule.cell + add, cells_.cells_of_slot(rule.slot), rule.set};
}

template <typename Scalar>
void PathCompiler<Scalar>::compile(Index tree) {
    const Index root = forest_.root(tree);
    program_.bits_ = cells_.bits().data();
    program_.nodes_ = static_cast<std::int32_t>(nodes_);
    if (pairs_) program_.first_pair_ = output_ * (Index{players_.used} * (players_.used - 1) / 2);
    for (std::size_t q = 0; q < nodes_; ++q) {
        const double away = -1.0 / quadrature_.rest[q];
        program_.away_.push_back(static_cast<Scalar>(pairs_ ? away : quadrature_.weight[q] * away));
        program_.weight_.push_back(static_cast<Scalar>(quadrature_.weight[q]));
    }
    if (forest_.node(root).feature < 0) return;
    first_ = root;
    splits_ = forest_.splits_below(tree);
    above_.assign(nodes_, 1.0);
    std::vector<Open> open;
    open.push_back({root, 0, 1, 0});
    while (!open.empty()) {
        Open& top = open.back();
        program_.slots_ = std::max(program_.slots_, top.free);
        program_.depth_ = std::max(program_.depth_, top.depth + 1);
        if (top.done == 0 && !begin(top)) {
            open.pop_back();
            above_.resize(above_.size() - nodes_);
            continue;
        }
        if (top.done == 2) {
            close(top);
            open.pop_back();
            above_.resize(above_.size() - nodes_);
            continue;
        }
        const bool left = top.done++ == 0;
        descend(top, left);
        const Node& node = forest_.node(top.node);
        const Open child{left ? node.left : node.right, left ? top.free : top.slot, top.free + 1, top.depth + 1};
        open.push_back(child);
    }
}

// Takes the edge to a child: its ratio and, for all below, the product of f1.
template <typename Scalar>
void PathCompiler<Scalar>::enter(const Open& open, bool left, std::int64_t b) {
    Place& place = path_[static_cast<std::size_t>(open.place)];
    place.ratio = ratio_of(open, left);
    place.data = b;
    const std::size_t row = above_.size();
    above_.resize(row + nodes_);
    for (std::size_t q = 0; q < nodes_; ++q) {
        const double p = quadrature_.at[q], rest = quadrature_.rest[q];
        double f1 = rest * place.ratio + p;
        if (open.again) f1 /= rest * open.before + p;
        above_[row + q] = above_[row - nodes_ + q] * f1;
    }
}

// False where the node is done with: a leaf, a block.
template <typename Scalar>
bool PathCompiler<Scalar>::begin(Open& open) {
    const Node& node = forest_.node(open.node);
    if (node.feature < 0) {
        write_leaf(open);
        return false;
    }
    if (!pairs_ && splits_below(open.node) <= block_answers && write_block(open)) return false;
    const std::int32_t column = column_of(node);
    std::int32_t& place = place_of_[static_cast<std::size_t>(column)];
    open.again = place >= 0;
    if (!open.again) {
        place = static_cast<std::int32_t>(path_.size());
        path_.push_back({column, 1.0, 0});
    }
    open.place = place;
    open.before = path_[static_cast<std::size_t>(place)].ratio;
    open.earlier = path_[static_cast<std::size_t>(place)].data;
    program_.places_ = std::max(program_.places_, static_cast<std::int32_t>(path_.size()));
    return true;
}

template <typename Scalar>
PathOp PathCompiler<Scalar>::op_of(const Open& open, PathStep step, PathStep again) const {
    PathOp op;
    op.step = open.again ? again : step;
    op.slot = open.slot;
    op.other = open.free;
    op.depth = open.depth;
    op.place = open.place;
    op.places = static_cast<std::int32_t>(path_.size());
    op.column = result_column(path_[static_cast<std::size_t>(open.place)].column);
    return op;
}

template <typename Scalar>
void PathCompiler<Scalar>::descend(const Open& open, bool left) {
    PathOp op =
        left ? op_of(open, PathStep::open, PathStep::open_again) : op_of(open, PathStep::turn, PathStep::turn_again);
    if (left) op.test = test_of(open.node);
    op.data = reserve((open.again ? 2 : 1) * nodes_ + (pairs_ ? nodes_ : 0));
    const double ratio = ratio_of(open, left);
    const auto next = static_cast<std::int64_t>(nodes_);
    put_h(op.data, ratio, -1.0);
    if (open.again) put_h(op.data + next, ratio, open.before);
    op.edge = op.data + (open.again ? 2 : 1) * next;
    if (pairs_) put_b(op.edge, ratio);
    program_.ops_.push_back(op);
    enter(open, left, op.edge);
}

template <typename Scalar>
void PathCompiler<Scalar>::close(const Open& open) {
    PathOp op = op_of(open, PathStep::close, PathStep::close_again);
    op.data = reserve((open.again ? 3 : 2) * nodes_);
    op.edge = open.earlier;
    const auto next = static_cast<std::int64_t>(nodes_);
    put_b(op.data, ratio_of(open, true));
    put_b(op.data + next, ratio_of(open, false));
    if (open.again) put_b(op.data + 2 * next, open.before);
    program_.ops_.push_back(op);
    Place& place = path_[static_cast<std::size_t>(open.place)];
    if (open.again) {
        place.ratio = open.before;
        place.data = open.earlier;
        return;
    }
    place_of_[static_cast<std::size_t>(place.column)] = -1;
    path_.pop_back();
}

template <typename Scalar>
void PathCompiler<Scalar>::write_leaf(const Open& open) {
    PathOp op;
    op.step = PathStep::leaf;
    op.slot = open.slot;
    op.data = reserve(nodes_);
    const double value = forest_.value(open.node, output_);
    for (std::size_t q = 0; q < nodes_; ++q)
        data(op.data)[q] = static_cast<Scalar>(value * above_[above_.size() - nodes_ + q]);
    program_.ops_.push_back(op);
}

// False where its questions and the players split above are too many.
template <typename Scalar>
bool PathCompiler<Scalar>::write_block(const Open& open) {
    OpenBlock laid;
    PathBlock block{};
    const bool fits = lay_open(open.node, laid, block);
    if (!fits) return false;
    PathOp op;
    op.step = PathStep::block;
    op.tests = static_cast<std::uint8_t>(laid.splits);
    op.held = static_cast<std::uint8_t>(laid.held);
    op.players = static_cast<std::uint8_t>(laid.players);
    op.slot = open.slot;
    op.block = static_cast<std::int64_t>(program_.blocks_.size());
    op.data = reserve(nodes_ * static_cast<std::size_t>((1 + laid.players) * block_entries));
    fill_block<Scalar>(laid, quadrature_, above_.data() + (above_.size() - nodes_), least(), data(op.data));
    program_.blocks_.push_back(block);
    program_.ops_.push_back(op);
    return true;
}

template <typename Scalar>
bool PathCompiler<Scalar>::lay_open(Index root, OpenBlock& laid, PathBlock& block) const {
    struct Below {
        Index node;
        OpenBlock::Leaf path;
    };
    Below below[block_answers + 2];
    int count = 0;
    below[count++] = {root, {}};
    while (count > 0) {
        Below here = below[--count];
        const Node& node = forest_.node(here.node);
        if (node.feature < 0) {
            here.path.value = forest_.value(here.node, output_);
            laid.leaves[laid.leaf_count++] = here.path;
            continue;
        }
        const std::int32_t column = column_of(node);
        int player = 0;
        while (player < laid.players && block.columns[player] != result_column(column)) ++player;
        if (player == laid.players) {
            const std::int32_t place = place_of_[static_cast<std::size_t>(column)];
            block.columns[laid.players] = result_column(column);
            laid.held_at[player] = place < 0 ? -1 : laid.held;
            laid.ratio[player] = place < 0 ? 1.0 : path_[static_cast<std::size_t>(place)].ratio;
            if (place >= 0) block.held[laid.held++] = place;
            ++laid.players;
        }
        block.tests[laid.splits] = test_of(here.node);
        for (const bool left : {false, true}) {
            Below child = here;
            child.node = left ? node.left : node.right;
            child.path.edges[child.path.depth++] = {laid.splits, player, left, forest_.share(here.node, left)};
            below[count++] = child;
        }
        ++laid.splits;
    }
    return laid.splits + laid.held <= block_answers;
}

template <typename Scalar>
PathProgram<Scalar>::PathProgram(const Forest& forest, const Cells& cells, const PathPlayers& players,
                                 const Quadrature& quadrature, Index tree, Index output, bool pairs) {
    PathCompiler<Scalar>(*this, forest, cells, players, quadrature, output, pairs).compile(tree);
}

template class PathProgram<double>;
template class PathProgram<float>;

}  // namespace pellucid
