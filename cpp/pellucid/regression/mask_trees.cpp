#include "pellucid/regression/mask_trees.hpp"

#include <algorithm>
#include <array>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"
#include "pellucid/regression/mask_products.hpp"
#include "pellucid/regression/mask_ridge.hpp"

namespace pellucid {
namespace {

constexpr Index lanes = 32;

// Rows padded with zeros to whole vectors.
struct PaddedMasks {
    explicit PaddedMasks(MasksIn masks) : stride((masks.cols() + lanes - 1) / lanes * lanes) {
        bytes.assign(static_cast<std::size_t>(checked_product(masks.rows(), stride, "masks times parts")), 0);
        for (Index i = 0; i < masks.rows(); ++i)
            std::copy_n(masks.data() + i * masks.cols(), masks.cols(), bytes.begin() + i * stride);
    }

    Index stride;
    std::vector<std::uint8_t> bytes;
};

// sums[j] += sum over the rows of z_j x_i, four rows at a time: the order is the same for every width of vector.
PELLUCID_SIMD void add_rows(const std::uint8_t* masks, Index stride, const std::int32_t* rows, Index count,
                            const float* x, float* sums) {
    Index r = 0;
    for (; r + 4 <= count; r += 4) {
        const std::uint8_t *z0 = masks + rows[r] * stride, *z1 = masks + rows[r + 1] * stride,
                           *z2 = masks + rows[r + 2] * stride, *z3 = masks + rows[r + 3] * stride;
        const float x0 = x[rows[r]], x1 = x[rows[r + 1]], x2 = x[rows[r + 2]], x3 = x[rows[r + 3]];
        for (Index j = 0; j < stride; ++j)
            sums[j] += (static_cast<float>(z0[j]) * x0 + static_cast<float>(z1[j]) * x1) +
                       (static_cast<float>(z2[j]) * x2 + static_cast<float>(z3[j]) * x3);
    }
    for (; r < count; ++r) {
        const std::uint8_t* z = masks + rows[r] * stride;
        const float x0 = x[rows[r]];
        for (Index j = 0; j < stride; ++j) sums[j] += static_cast<float>(z[j]) * x0;
    }
}

}  // namespace

// Grows the trees of one block and one output; its buffers serve all of them.
class TreeGrower {
  public:
    TreeGrower(const PaddedMasks& masks, Index parts, std::vector<std::int32_t> rows, std::vector<float> weights,
               std::vector<double> residuals)
        : masks_(masks),
          parts_(parts),
          all_(std::move(rows)),
          order_(all_),
          scratch_(all_.size()),
          weights_(std::move(weights)),
          weighted_(weights_.size()),
          residuals_(std::move(residuals)) {
        for (Sums& sums : sums_) sums.resize(static_cast<std::size_t>(2 * masks_.stride));
        root_weights_.assign(static_cast<std::size_t>(masks_.stride), 0.0f);
        add_rows(masks_.bytes.data(), masks_.stride, all_.data(), size_of(all_), weights_.data(), root_weights_.data());
    }

    MaskTrees::Tree grow() {
        MaskTrees::Tree tree(1);
        open_.assign(1, root());
        open_.front().split = best_split(open_.front());
        for (Index leaves = 1; leaves < MaskTrees::leaves; ++leaves) {
            auto best = std::max_element(open_.begin(), open_.end(),
                                         [](const Leaf& a, const Leaf& b) { return a.split.gain < b.split.gain; });
            if (!(best->split.gain > 0.0)) break;
            split(static_cast<std::size_t>(best - open_.begin()), leaves + 1 < MaskTrees::leaves, tree);
        }
        for (const Leaf& leaf : open_) {
            const double value = leaf.weight > 0.0 ? MaskTrees::rate * leaf.total / leaf.weight : 0.0;
            tree[static_cast<std::size_t>(leaf.node)].value = value;
            for (Index i = leaf.first; i < leaf.last; ++i) residual(i) -= value;
        }
        return tree;
    }

  private:
    using Sums = std::vector<float>;  // over {z_j = 1}: of w r for every j, then of w
    struct Split {
        double gain = 0.0;
        Index feature = -1;
    };
    struct Leaf {
        Index node, first, last, depth;
        double total, weight;  // of w r and of w
        std::size_t sums;
        Split split;
    };

    static Index size_of(const std::vector<std::int32_t>& rows) { return static_cast<Index>(rows.size()); }
    double& residual(Index place) {
        return residuals_[static_cast<std::size_t>(order_[static_cast<std::size_t>(place)])];
    }

    Leaf root() {
        order_ = all_;
        Leaf leaf{0, 0, size_of(all_), 0, 0.0, 0.0, 0, {}};
        for (const std::int32_t row : all_) {
            const auto i = static_cast<std::size_t>(row);
            const double x = static_cast<double>(weights_[i]) * residuals_[i];
            weighted_[i] = static_cast<float>(x);
            leaf.total += x;
            leaf.weight += static_cast<double>(weights_[i]);
        }
        Sums& sums = sums_[0];
        std::fill_n(sums.begin(), masks_.stride, 0.0f);
        std::copy(root_weights_.begin(), root_weights_.end(), sums.begin() + masks_.stride);
        add_rows(masks_.bytes.data(), masks_.stride, all_.data(), size_of(all_), weighted_.data(), sums.data());
        return leaf;
    }

    // The feature that lowers the squared error most: sum over both sides of (sum w r)^2 / sum w, less that of the
    // node.
    Split best_split(const Leaf& leaf) const {
        Split best;
        if (leaf.depth >= MaskTrees::most_depth || leaf.weight < 2.0 * MaskTrees::least_weight) return best;
        const float *totals = sums_[leaf.sums].data(), *weights = totals + masks_.stride;
        const double before = leaf.total * leaf.total / leaf.weight;
        for (Index j = 0; j < parts_; ++j) {
            const double on = static_cast<double>(weights[j]), off = leaf.weight - on;
            if (!(on >= MaskTrees::least_weight && off >= MaskTrees::least_weight)) continue;
            const double total_on = static_cast<double>(totals[j]), total_off = leaf.total - total_on;
            const double gain = (total_on * total_on * off + total_off * total_off * on) / (on * off) - before;
            if (gain > best.gain) best = {gain, j};
        }
        return best;
    }

    // Rows with the feature off come first, each side in its old order.
    Index partition(const Leaf& leaf) {
        Index middle = leaf.first, kept = 0;
        for (Index i = leaf.first; i < leaf.last; ++i) {
            const std::int32_t row = order_[static_cast<std::size_t>(i)];
            if (masks_.bytes[static_cast<std::size_t>(row * masks_.stride + leaf.split.feature)] == 0)
                order_[static_cast<std::size_t>(middle++)] = row;
            else
                scratch_[static_cast<std::size_t>(kept++)] = row;
        }
        std::copy_n(scratch_.begin(), kept, order_.begin() + middle);
        return middle;
    }

    void split(std::size_t place, bool more, MaskTrees::Tree& tree) {
        const Leaf parent = open_[place];
        const Index middle = partition(parent), child = static_cast<Index>(tree.size());
        tree[static_cast<std::size_t>(parent.node)].feature = parent.split.feature;
        tree[static_cast<std::size_t>(parent.node)].child = child;
        tree.resize(tree.size() + 2);
        Leaf off{child, parent.first, middle, parent.depth + 1, 0.0, 0.0, 0, {}};
        Leaf on{child + 1, middle, parent.last, parent.depth + 1, 0.0, 0.0, 0, {}};
        for (Leaf* leaf : {&off, &on})
            for (Index i = leaf->first; i < leaf->last; ++i) {
                const auto row = static_cast<std::size_t>(order_[static_cast<std::size_t>(i)]);
                leaf->total += static_cast<double>(weights_[row]) * residuals_[row];
                leaf->weight += static_cast<double>(weights_[row]);
            }
        if (more) {
            Leaf& small = middle - parent.first <= parent.last - middle ? off : on;
            Leaf& large = &small == &off ? on : off;
            small.sums = open_.size();  // the leaves have 0 .. size - 1
            large.sums = parent.sums;
            sum_children(small, large);
            off.split = best_split(off);
            on.split = best_split(on);
        }
        open_[place] = off;
        open_.push_back(on);
    }

    void sum_children(const Leaf& small, const Leaf& large) {
        Sums &mine = sums_[small.sums], &others = sums_[large.sums];
        std::fill(mine.begin(), mine.end(), 0.0f);
        const std::int32_t* rows = order_.data() + small.first;
        const Index count = small.last - small.first;
        add_rows(masks_.bytes.data(), masks_.stride, rows, count, weighted_.data(), mine.data());
        add_rows(masks_.bytes.data(), masks_.stride, rows, count, weights_.data(), mine.data() + masks_.stride);
        for (std::size_t j = 0; j < mine.size(); ++j) others[j] -= mine[j];
    }

    const PaddedMasks& masks_;
    Index parts_;
    std::vector<std::int32_t> all_, order_, scratch_;
    std::vector<float> weights_, weighted_;
    std::vector<double> residuals_;
    std::array<Sums, MaskTrees::leaves> sums_;
    Sums root_weights_;
    std::vector<Leaf> open_;
};

MaskTrees::MaskTrees(MasksIn masks, MatrixIn targets, VectorIn weights, const Indices& starts, Index trees)
    : parts_(masks.cols()), outputs_(targets.cols()), blocks_(starts.size() - 1) {
    require(parts_ >= 1 && trees >= 1, "there must be at least one part and one tree, got ", parts_, " and ", trees);
    const Index m = masks.rows();
    require(m < (Index{1} << 31), "at most 2^31 - 1 masks can be fitted, got ", m);
    const std::vector<Matrix> linear = mask_ridge(masks, targets, weights, starts, ridge);
    const PaddedMasks padded(masks);
    trees_.resize(static_cast<std::size_t>(blocks_ * outputs_));
    parallel_for(blocks_ * outputs_, 1, [&](Index first, Index last) {
        for (Index job = first; job < last; ++job) {
            const Index block = job / outputs_, output = job % outputs_;
            std::vector<std::int32_t> rows;
            for (Index i = 0; i < m; ++i)
                if ((i < starts[block] || i >= starts[block + 1]) && weights[i] > 0.0)
                    rows.push_back(static_cast<std::int32_t>(i));
            const double scale =
                static_cast<double>(rows.size()) /
                (weights.sum() - weights.segment(starts[block], starts[block + 1] - starts[block]).sum());
            std::vector<float> relative(static_cast<std::size_t>(m));
            std::vector<double> residuals(static_cast<std::size_t>(m));
            const Vector fit = linear[static_cast<std::size_t>(block)].col(output);
            linear_values(masks.data(), m, parts_, fit.data(), residuals.data());
            for (Index i = 0; i < m; ++i) {
                relative[static_cast<std::size_t>(i)] = static_cast<float>(weights[i] * scale);
                residuals[static_cast<std::size_t>(i)] = targets(i, output) - residuals[static_cast<std::size_t>(i)];
            }
            TreeGrower grower(padded, parts_, std::move(rows), std::move(relative), std::move(residuals));
            std::vector<Tree>& grown = trees_[static_cast<std::size_t>(job)];
            for (Index t = 0; t < trees; ++t) {
                grown.push_back(grower.grow());
                poll_interrupt();
            }
        }
    });
}

Matrix MaskTrees::evaluate(MasksIn masks, IndicesIn blocks) const {
    require(masks.cols() == parts_ && blocks.size() == masks.rows(), "masks must have ", parts_,
            " columns and a block for each row, got ", masks.cols(), " columns, ", masks.rows(), " rows and ",
            blocks.size(), " blocks");
    require(masks.rows() == 0 || (blocks.minCoeff() >= 0 && blocks.maxCoeff() < blocks_), "blocks must be 0 to ",
            blocks_ - 1);
    Matrix values(masks.rows(), outputs_);
    parallel_for(masks.rows(), 256, [&](Index first, Index last) {
        for (Index i = first; i < last; ++i) {
            const std::uint8_t* z = masks.data() + i * parts_;
            for (Index o = 0; o < outputs_; ++o) {
                double sum = 0.0;
                for (const Tree& tree : trees(blocks[i], o)) {
                    const Node* node = tree.data();
                    while (node->feature >= 0) node = tree.data() + node->child + (z[node->feature] != 0 ? 1 : 0);
                    sum += node->value;
                }
                values(i, o) = sum;
            }
        }
    });
    return values;
}

Matrix MaskTrees::limits(Index block, const Matrix& alpha, const Vector& inverse) const {
    require(block >= 0 && block < blocks_, "block must be 0 to ", blocks_ - 1, ", got ", block);
    const ExchangeableLaw law{alpha, inverse};
    law.require_complete(most_depth);
    struct Visit {
        Index node;
        std::vector<std::pair<Index, bool>> path;  // (part, on)
    };
    Matrix beta(parts_ + 1, outputs_);
    for (Index o = 0; o < outputs_; ++o) {
        Vector moments = Vector::Zero(parts_ + 1);
        double elsewhere = 0.0;  // the moment of the parts off every path; the others differ from it
        for (const Tree& tree : trees(block, o)) {
            std::vector<Visit> waiting{{0, {}}};
            while (!waiting.empty()) {
                const Visit visit = std::move(waiting.back());
                waiting.pop_back();
                const Node& node = tree[static_cast<std::size_t>(visit.node)];
                if (node.feature >= 0) {
                    for (const bool on : {false, true}) {
                        waiting.push_back({node.child + (on ? 1 : 0), visit.path});
                        waiting.back().path.emplace_back(node.feature, on);
                    }
                    continue;
                }
                const auto a = std::count_if(visit.path.begin(), visit.path.end(), [](auto& p) { return p.second; });
                const auto b = static_cast<Index>(visit.path.size()) - a;
                const double reached = node.value * alpha(a, b), with_one_more = node.value * alpha(a + 1, b);
                moments[0] += reached;
                elsewhere += with_one_more;
                for (const auto& [part, on] : visit.path) moments[part + 1] += (on ? reached : 0.0) - with_one_more;
            }
        }
        moments.tail(parts_).array() += elsewhere;
        beta.col(o) = law.projected(moments);
    }
    return beta;
}

}  // namespace pellucid
