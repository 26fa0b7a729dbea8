#include "pellucid/shapley/tree_path_row.hpp"

#include <algorithm>

namespace pellucid {

// Follows the steps of a program with the items in the place of its slots.
template <typename Scalar>
class PathRowWriter {
  public:
    PathRowWriter(PathRowProgram<Scalar>& made, const PathView<Scalar>& tree)
        : made_(made),
          tree_(tree),
          width_(static_cast<std::size_t>(path_row_width(tree.nodes))),
          item_of_(static_cast<std::size_t>(tree.places)) {}

    void write();

  private:
    struct Open {
        std::int32_t split, here, left, above;
    };

    void open(const PathOp& op);
    void turn(const PathOp& op);
    void close(const PathOp& op);
    void leaf(const PathOp& op);
    void block(const PathOp& op);

    std::int32_t& item_of(std::int32_t place) { return item_of_[static_cast<std::size_t>(place)]; }
    void copy(std::int64_t from, Scalar* to) const { std::copy_n(tree_.data + from, tree_.nodes, to); }

    PathRowProgram<Scalar>& made_;
    const PathView<Scalar>& tree_;
    const std::size_t width_;
    std::vector<std::int32_t> item_of_;  // of the edges on the path
    std::vector<Open> open_;
    std::int32_t here_ = 2;  // item where the next step begins
};

template <typename Scalar>
void PathRowWriter<Scalar>::write() {
    made_.nodes_ = tree_.nodes;
    made_.bits_ = tree_.bits;
    made_.items_ = 3;
    const std::int64_t ones = made_.down_.reserve(width_), away = made_.up_.reserve(width_);
    std::fill_n(made_.down_.at(ones), width_, Scalar(1));
    std::copy_n(tree_.away, tree_.nodes, made_.up_.at(away));
    for (std::int64_t i = 0; i < tree_.count; ++i) {
        const PathOp& op = tree_.ops[i];
        switch (op.step) {
            case PathStep::open:
            case PathStep::open_again:
                open(op);
                break;
            case PathStep::turn:
            case PathStep::turn_again:
                turn(op);
                break;
            case PathStep::close:
            case PathStep::close_again:
                close(op);
                break;
            case PathStep::leaf:
                leaf(op);
                break;
            case PathStep::block:
                block(op);
                break;
        }
    }
}

template <typename Scalar>
void PathRowWriter<Scalar>::open(const PathOp& op) {
    const bool again = op.step == PathStep::open_again;
    PathRowSplit split;
    split.test = op.test;
    split.here = here_;
    split.left = static_cast<std::int32_t>(made_.items_);
    split.above = again ? item_of(op.place) : 1;
    split.data = made_.down_.reserve((again ? 4 : 2) * width_);
    copy(op.data, made_.down_.at(split.data));
    if (again) copy(op.data + tree_.nodes, made_.down_.at(split.data) + 2 * width_);
    made_.items_ += 2;
    open_.push_back({static_cast<std::int32_t>(made_.splits_.size()), split.here, split.left, split.above});
    made_.splits_.push_back(split);
    here_ = item_of(op.place) = split.left;
}

template <typename Scalar>
void PathRowWriter<Scalar>::turn(const PathOp& op) {
    const Open& top = open_.back();
    Scalar* const to = made_.down_.at(made_.splits_[static_cast<std::size_t>(top.split)].data) + width_;
    copy(op.data, to);
    if (op.step == PathStep::turn_again) copy(op.data + tree_.nodes, to + 2 * width_);
    here_ = item_of(op.place) = top.left + 1;
}

template <typename Scalar>
void PathRowWriter<Scalar>::close(const PathOp& op) {
    const std::size_t runs = op.step == PathStep::close_again ? 3 : 2;
    const Open& top = open_.back();
    PathRowStep step;
    step.step = op.step;
    step.here = top.here;
    step.left = top.left;
    step.split = top.split;
    step.above = item_of(op.place) = top.above;
    step.column = op.column;
    step.data = made_.up_.reserve(runs * width_);
    for (std::size_t i = 0; i < runs; ++i)
        copy(op.data + static_cast<std::int64_t>(i) * tree_.nodes, made_.up_.at(step.data) + i * width_);
    made_.steps_.push_back(step);
    open_.pop_back();
}

template <typename Scalar>
void PathRowWriter<Scalar>::leaf(const PathOp& op) {
    PathRowStep step;
    step.here = here_;
    step.data = made_.up_.reserve(width_);
    copy(op.data, made_.up_.at(step.data));
    made_.steps_.push_back(step);
}

template <typename Scalar>
void PathRowWriter<Scalar>::block(const PathOp& op) {
    const PathBlock& from = tree_.blocks[op.block];
    PathRowBlock block;
    for (int b = 0; b < block_answers; ++b) {
        block.tests[b].last = std::numeric_limits<std::int32_t>::min();
        if (b < op.tests)
            block.tests[b] = from.tests[b];
        else if (b < op.tests + op.held)
            block.held[b] = item_of(from.held[b - op.tests]);
    }
    std::copy_n(from.columns, block_answers, block.columns);
    made_.blocks_.push_back(block);

    PathRowStep step;
    step.step = PathStep::block;
    step.tests = op.tests;
    step.players = op.players;
    step.here = here_;
    const std::size_t runs = 1 + std::size_t{op.players};
    step.data = made_.up_.reserve(block_entries * runs * width_);
    const Scalar* const tables = tree_.data + op.data;
    Scalar* to = made_.up_.at(step.data);
    for (std::size_t pattern = 0; pattern < block_entries; ++pattern)
        for (std::size_t j = 0; j < runs; ++j, to += width_)
            for (std::size_t q = 0; q < static_cast<std::size_t>(tree_.nodes); ++q)
                to[q] = tables[(q * runs + j) * block_entries + pattern];
    made_.steps_.push_back(step);
}

template <typename Scalar>
std::int64_t PathRowProgram<Scalar>::Numbers::reserve(std::size_t more) {
    constexpr std::size_t line = 64 / sizeof(Scalar);
    const std::size_t before = count;
    count += more;
    lines.resize((count + line - 1) / line);
    return static_cast<std::int64_t>(before);
}

template <typename Scalar>
PathRowProgram<Scalar>::PathRowProgram(const PathView<Scalar>& tree) {
    if (tree.nodes <= path_row_nodes) PathRowWriter<Scalar>(*this, tree).write();
}

template <typename Scalar>
PathRowView<Scalar> PathRowProgram<Scalar>::view() const {
    return {splits_.data(),
            steps_.data(),
            blocks_.data(),
            down_.data(),
            up_.data(),
            bits_,
            static_cast<std::int64_t>(splits_.size()),
            static_cast<std::int64_t>(steps_.size()),
            items_,
            nodes_};
}

template <typename Scalar>
std::size_t PathRowProgram<Scalar>::scratch_bytes(const PathRowView<Scalar>& view) {
    // A vector and its A for each item, and whether it is known; an answer of each split.
    const auto numbers = static_cast<std::size_t>(path_row_width(view.nodes) + 1);
    const auto items = static_cast<std::size_t>(view.items), splits = static_cast<std::size_t>(view.split_count);
    return items * numbers * sizeof(Scalar) + (items + splits) * sizeof(std::int32_t);
}

template class PathRowProgram<double>;
template class PathRowProgram<float>;

}  // namespace pellucid
