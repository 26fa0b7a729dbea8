#include "pellucid/trees/evaluation.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"
#include "pellucid/trees/evaluation_kernels.hpp"
#include "pellucid/trees/evaluation_program.hpp"
#include "pellucid/trees/simd.hpp"

namespace pellucid {

using namespace evaluation;

namespace {

// Rows up to which the lanes of a walk are trees.
constexpr Index few = 8;

const Kernels& kernels() {
#if PELLUCID_X86_LEVELS
    if (simd_level() == Simd::avx512) return avx512_kernels;
    if (simd_level() == Simd::avx2) return avx2_kernels;
#endif
    return baseline_kernels;
}

void check_rows(const Forest& forest, const MatrixIn& rows) {
    require(rows.cols() == forest.features(), "rows must have ", forest.features(),
            " columns, one for each feature of the forest, got ", rows.cols());
}

}  // namespace

// Some rows with their cells, and one leaf of each for a tree.
class ForestEvaluator::Block {
  public:
    Block(const ForestEvaluator& of, Index rows)
        : of_(of),
          kernels_(kernels()),
          slots_(static_cast<Index>(of.cells_.used().size())),
          groups_((rows + group - 1) / group),
          cells_(static_cast<std::size_t>(groups_ * std::max<Index>(slots_, 1) * group)),
          missing_(static_cast<std::size_t>(groups_ * (slots_ + 1))) {
        if (of.masks_->empty()) return;
        if (of.masks_->wide())
            words_.resize(cells_.size());
        else
            bytes_.resize(cells_.size());
    }

    Index groups() const { return groups_; }

    void load(const MatrixIn& rows, Index first, Index count) {
        for (Index g = 0; g < groups_; ++g)
            for (Index s = 0; s < slots_; ++s)
                load(rows, first + g * group, std::min<Index>(group, count - g * group), g, s);
    }

    // Whether the leaves are those of mask_program, or nodes.
    bool leaves(Index tree, Index g, std::int32_t* leaves) const {
        if (of_.masks_->holds(tree)) {
            const Group rows{cells_of(g), missing_.data() + g * (slots_ + 1), of_.masks_->sets().data(),
                             of_.masks_->borders().data()};
            const auto kernel = of_.masks_->wide() ? kernels_.leaves_of_words : kernels_.leaves_of_bytes;
            kernel(of_.masks_->tree(tree), rows, leaves);
            return true;
        }
        std::int32_t row[group];
        for (std::int32_t r = 0; r < group; ++r) row[r] = r;
        std::fill_n(leaves, group, static_cast<std::int32_t>(of_.forest_.root(tree)));
        const Walk walk = walk_of(g);
        for (Index r = 0; r < group; r += together) kernels_.walk(walk, row + r, leaves + r);
        return false;
    }

    // Nodes of `together` trees for one row of the first group; `count` of them are wanted.
    void leaves_of_row(Index row, Index first_tree, Index count, std::int32_t* leaves) const {
        std::int32_t rows[together];
        std::fill_n(rows, together, static_cast<std::int32_t>(row));
        for (Index t = 0; t < together; ++t)
            leaves[t] = static_cast<std::int32_t>(of_.forest_.root(first_tree + std::min(t, count - 1)));
        kernels_.walk(walk_of(0), rows, leaves);
    }

    const Kernels& kernel() const { return kernels_; }

  private:
    Walk walk_of(Index g) const {
        return {of_.walk_->nodes.data(), of_.walk_->sets.data(), of_.cells_.bits().data(),
                cells_.data() + g * slots_ * group, group};
    }

    const void* cells_of(Index g) const {
        const Index at = g * slots_ * group;
        return of_.masks_->wide() ? static_cast<const void*>(words_.data() + at) : bytes_.data() + at;
    }

    void load(const MatrixIn& rows, Index first, Index count, Index g, Index s) {
        const Index feature = of_.cells_.used()[static_cast<std::size_t>(s)], at = (g * slots_ + s) * group;
        std::int32_t* const cells = cells_.data() + at;
        if (groups_ == 1 && count <= few) {
            for (Index r = 0; r < count; ++r) cells[r] = of_.cells_.cell(feature, rows(first + r, feature));
            return;
        }
        const double* const x = rows.data() + first * rows.outerStride() + feature;
        double column[group];
        for (Index r = 0; r < group; ++r) column[r] = x[std::min(r, count - 1) * rows.outerStride()];
        const auto slot = static_cast<std::int32_t>(s);
        kernels_.rank(of_.cells_.borders_of_slot(slot), of_.cells_.steps_of_slot(slot), column, cells);
        bool any = false;
        for (Index r = 0; r < group; ++r) any |= column[r] != column[r];
        std::uint64_t& missing = missing_[static_cast<std::size_t>(g * (slots_ + 1) + s + 1)];
        missing = 0;
        for (Index r = 0; any && r < group; ++r) {
            if (!std::isnan(column[r])) continue;
            cells[r] = Cells::missing;
            missing |= std::uint64_t{1} << r;
        }
        if (!bytes_.empty()) narrow(cells, bytes_.data() + at);
        if (!words_.empty()) narrow(cells, words_.data() + at);
    }

    template <typename Cell>
    static void narrow(const std::int32_t* from, Cell* to) {
        constexpr std::int32_t most = std::numeric_limits<Cell>::max();
        for (Index r = 0; r < group; ++r) to[r] = static_cast<Cell>(std::min(from[r], most));
    }

    const ForestEvaluator& of_;
    const Kernels& kernels_;
    Index slots_, groups_;
    std::vector<std::int32_t> cells_;  // (groups, slots, 64)
    std::vector<std::uint8_t> bytes_;  // the same, of what trees of few leaves ask
    std::vector<std::uint16_t> words_;
    std::vector<std::uint64_t> missing_;  // (groups, 1 + slots), the first of no rows
};

ForestEvaluator::ForestEvaluator(const Forest& forest)
    : forest_(forest),
      cells_(forest),
      walk_(std::make_unique<WalkProgram>(forest, cells_)),
      masks_(std::make_unique<MaskProgram>(forest, cells_)) {}

ForestEvaluator::~ForestEvaluator() = default;

namespace {

// Rows of a chunk: several groups share what is read of a tree, if their cells stay in the cache.
Index chunk_of(Index rows, std::size_t slots) {
    return rows >= 4096 && slots <= 256 ? 4 * group : group;
}

// Sums of a group: (outputs, 64), or (64, outputs) where leaves have a value for each output.
class Sums {
  public:
    Sums(const Forest& forest, Index groups)
        : forest_(forest),
          outputs_(forest.outputs()),
          wide_(forest.values().cols() > 1),
          sums_(static_cast<std::size_t>(groups * outputs_ * group)) {
        for (Index g = 0; g < groups; ++g)
            for (Index r = 0; r < group; ++r)
                for (Index o = 0; o < outputs_; ++o) of(g)[place(r, o)] = forest.base()[o];
    }

    bool wide() const { return wide_; }
    double* of(Index g) { return sums_.data() + g * outputs_ * group; }
    Index place(Index row, Index output) const { return wide_ ? row * outputs_ + output : output * group + row; }
    // The output of a tree of one value a leaf.
    double* of(Index g, Index tree) { return of(g) + std::max<Index>(forest_.output_of(tree), 0) * group; }
    void add(Index g, Index row, Index tree, Index node) {
        if (!wide_) {
            of(g, tree)[row] += forest_.values()(node, 0);
            return;
        }
        double* const sum = of(g) + row * outputs_;
        const double* const value = forest_.values().data() + node * outputs_;
        for (Index o = 0; o < outputs_; ++o) sum[o] += value[o];
    }

  private:
    const Forest& forest_;
    Index outputs_;
    bool wide_;
    std::vector<double> sums_;
};

}  // namespace

Matrix ForestEvaluator::margins(const MatrixIn& rows) const {
    check_rows(forest_, rows);
    checked_product(rows.rows(), forest_.outputs(), "the number of margins");
    Matrix out(rows.rows(), forest_.outputs());
    parallel_for(rows.rows(), chunk_of(rows.rows(), cells_.used().size()), [&](Index first, Index last) {
        const Index count = last - first, trees = forest_.trees();
        Block block(*this, count);
        Sums sums(forest_, block.groups());
        block.load(rows, first, count);
        std::int32_t leaves[group];
        if (count <= few) {
            for (Index r = 0; r < count; ++r)
                for (Index t = 0; t < trees; t += together) {
                    const Index here = std::min<Index>(together, trees - t);
                    block.leaves_of_row(r, t, here, leaves);
                    for (Index i = 0; i < here; ++i) sums.add(0, r, t + i, leaves[i]);
                }
        } else {
            for (Index t = 0; t < trees; ++t) {
                if (t % 64 == 0) poll_interrupt();
                for (Index g = 0; g < block.groups(); ++g) {
                    const bool numbered = block.leaves(t, g, leaves);
                    if (!sums.wide()) {
                        const double* const values = numbered ? masks_->leaf_values(t) : forest_.values().data();
                        block.kernel().add(sums.of(g, t), values, leaves);
                        continue;
                    }
                    for (Index r = 0; r < group; ++r)
                        sums.add(g, r, t, numbered ? masks_->leaf_nodes(t)[leaves[r]] : leaves[r]);
                }
            }
        }
        for (Index r = 0; r < count; ++r)
            for (Index o = 0; o < out.cols(); ++o) out(first + r, o) = sums.of(r / group)[sums.place(r % group, o)];
    });
    return out;
}

ForestEvaluator::Leaves ForestEvaluator::leaves_of(const MatrixIn& rows) const {
    check_rows(forest_, rows);
    checked_product(rows.rows(), forest_.trees(), "the number of leaves");
    Leaves out(rows.rows(), forest_.trees());
    parallel_for(rows.rows(), group, [&](Index first, Index last) {
        const Index count = last - first, trees = forest_.trees();
        Block block(*this, count);
        block.load(rows, first, count);
        std::int32_t leaves[group];
        for (Index t = 0; t < trees; t += count <= few ? together : 1) {
            if (t % 64 == 0) poll_interrupt();
            if (count <= few) {
                const Index here = std::min<Index>(together, trees - t);
                for (Index r = 0; r < count; ++r) {
                    block.leaves_of_row(r, t, here, leaves);
                    std::copy_n(leaves, here, &out(first + r, t));
                }
                continue;
            }
            const bool numbered = block.leaves(t, 0, leaves);
            for (Index r = 0; r < count; ++r)
                out(first + r, t) = numbered ? masks_->leaf_nodes(t)[leaves[r]] : leaves[r];
        }
    });
    return out;
}

}  // namespace pellucid
