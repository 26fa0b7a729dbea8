#include "pellucid/trees/product_measure.hpp"

#include <algorithm>
#include <bit>
#include <limits>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"

namespace pellucid {
namespace {

constexpr Index nodes_per_block = 32768;
constexpr Index most_partial_sums = Index{1} << 22;
constexpr Index most_words = Index{1} << 32;

}  // namespace

ProductMeasure::ProductMeasure(const Forest& forest, ColumnsIn part_of_column, Index parts) : forest_(&forest) {
    require(part_of_column.size() == forest.features(), "part_of_column must have an entry for each of ",
            forest.features(), " features, got ", part_of_column.size());
    require(parts >= 1 && parts <= forest.features(), "parts must be 1 to ", forest.features(), ", got ", parts);
    kinds_.resize(static_cast<std::size_t>(parts));
    const Cells cells(forest);
    find_kinds(part_of_column, cells);
    compile(part_of_column, cells);
    find_blocks();
}

void ProductMeasure::find_kinds(ColumnsIn part_of_column, const Cells& cells) {
    std::vector<Index> columns(kinds_.size(), 0);
    for (Index column = 0; column < part_of_column.size(); ++column) {
        const std::int32_t part = part_of_column[column];
        require(part >= 0 && part < parts(), "part_of_column must be 0 to ", parts() - 1, ", got ", part);
        Kind& kind = kinds_[static_cast<std::size_t>(part)];
        kind.column = columns[static_cast<std::size_t>(part)]++ == 0 ? static_cast<std::int32_t>(column) : -1;
        kind.used = kind.used || cells.slot_of(column) >= 0;
    }
    for (Index node = 0; node < static_cast<Index>(forest_->nodes().size()); ++node)
        if (cells.rule(node).set >= 0)
            kinds_[static_cast<std::size_t>(part_of_column[forest_->node(node).feature])].ordered = false;
    Index atoms = 0;
    for (std::size_t part = 0; part < kinds_.size(); ++part) {
        Kind& kind = kinds_[part];
        require(columns[part] > 0, "part ", part, " has no column");
        const bool one = columns[part] == 1;
        kind.cells = one ? cells.cells(kind.column) : columns[part] + 1;
        kind.ordered = kind.ordered && one;
        kind.words = kind.ordered ? 0 : (kind.atoms() + 63) / 64;
        kind.start = atoms;
        atoms += kind.atoms();
        border_starts_.push_back(static_cast<Index>(borders_.size()));
        if (!one || !kind.used) continue;
        const double* borders = cells.borders_of_slot(cells.slot_of(kind.column));
        borders_.insert(borders_.end(), borders, borders + kind.cells - 1);
    }
    border_starts_.push_back(static_cast<Index>(borders_.size()));
}

void ProductMeasure::compile(ColumnsIn part_of_column, const Cells& cells) {
    std::vector<std::int32_t> member(static_cast<std::size_t>(part_of_column.size()));
    std::vector<std::int32_t> next(kinds_.size(), 0);
    for (Index column = 0; column < part_of_column.size(); ++column)
        member[static_cast<std::size_t>(column)] = next[static_cast<std::size_t>(part_of_column[column])]++;
    Index words = 0;
    for (const Node& node : forest_->nodes())
        if (node.feature >= 0) words += kind(part_of_column[node.feature]).words;
    require<BudgetError>(words <= most_words, "the sets of categories of the forest take ", words,
                         " words of 8 bytes, at most ", most_words, " can be held");
    words_.assign(static_cast<std::size_t>(words), 0);
    steps_.resize(forest_->nodes().size());
    Index used = 0;
    for (std::size_t i = 0; i < steps_.size(); ++i) {
        const Node& node = forest_->nodes()[i];
        if (node.feature < 0) continue;
        const Cells::Rule& rule = cells.rule(static_cast<Index>(i));
        Step& step = steps_[i];
        step.left = node.left;
        step.right = node.right;
        step.part = part_of_column[node.feature];
        step.missing_left = rule.missing_left;
        const Kind& kind = this->kind(step.part);
        step.cut = rule.cell + 1;
        if (kind.ordered) continue;
        step.set = used;
        used += kind.words;
        const std::int32_t place = member[static_cast<std::size_t>(node.feature)];
        for (Index atom = 0; atom < kind.atoms(); ++atom) {
            const bool left = atom == kind.cells ? rule.missing_left
                              : kind.column >= 0 ? cells.goes_left(rule, static_cast<std::int32_t>(atom))
                                                 : forest_->goes_left(node, atom == place ? 1.0 : 0.0);
            words_[static_cast<std::size_t>(step.set + atom / 64)] |= static_cast<std::uint64_t>(left) << (atom % 64);
        }
    }
}

void ProductMeasure::find_blocks() {
    const Index trees = forest_->trees(), nodes = static_cast<Index>(forest_->nodes().size());
    blocks_.push_back(0);
    for (Index tree = 1; tree < trees; ++tree)
        if (forest_->root(tree) - forest_->root(blocks_.back()) >= nodes_per_block) blocks_.push_back(tree);
    if (nodes > 0) blocks_.push_back(trees);
}

Indices ProductMeasure::starts() const {
    Indices starts(parts() + 1);
    for (Index part = 0; part < parts(); ++part) starts[part] = kind(part).start;
    starts[parts()] = kinds_.back().start + kinds_.back().atoms();
    return starts;
}

Vector ProductMeasure::borders(Index part) const {
    require(part >= 0 && part < parts(), "part must be 0 to ", parts() - 1, ", got ", part);
    const auto first = border_starts_[static_cast<std::size_t>(part)];
    return Eigen::Map<const Vector>(borders_.data() + first,
                                    border_starts_[static_cast<std::size_t>(part) + 1] - first);
}

// One law, and the sums of the leaves met so far.
class ProductMeasure::Walk {
  public:
    Walk(const ProductMeasure& measure, const double* q, const double* d, double* sums)
        : measure_(measure), q_(q), d_(d), sums_(sums) {
        const Index parts = measure.parts(), size = measure.kinds_.back().start + measure.kinds_.back().atoms() + parts;
        below_.resize(static_cast<std::size_t>(size));
        above_.resize(static_cast<std::size_t>(size));
        slope_below_.resize(static_cast<std::size_t>(size));
        latest_.assign(static_cast<std::size_t>(parts), -1);
        for (Index part = 0; part < parts; ++part) {
            const Kind& kind = measure.kind(part);
            most_words_ = std::max(most_words_, kind.words);
            if (!kind.ordered || !kind.used) continue;
            const Index at = sums_at(kind);
            for (Index c = 0; c < kind.cells; ++c) {
                below_[index(at + c + 1)] = below_[index(at + c)] + q[kind.start + c];
                slope_below_[index(at + c + 1)] = slope_below_[index(at + c)] + d[kind.start + c];
            }
            for (Index c = kind.cells; c-- > 0;) above_[index(at + c)] = above_[index(at + c + 1)] + q[kind.start + c];
        }
    }

    void tree(Index tree) {
        open_.push_back({measure_.forest_->root(tree), -1, 0, false});
        while (!open_.empty()) {
            const Open next = open_.back();
            open_.pop_back();
            while (static_cast<Index>(path_.size()) > next.depth) step_back();
            if (next.parent >= 0) {
                step_into(measure_.step(next.parent), next.left);
                // What has neither probability nor slope takes everything below with it.
                if (path_.back().share == 0.0 && path_.back().slope == 0.0) continue;
            }
            const Step& step = measure_.step(next.node);
            const auto depth = static_cast<Index>(path_.size());
            if (step.part < 0) {
                add_leaf(tree, next.node);
                continue;
            }
            open_.push_back({step.right, next.node, depth, false});
            open_.push_back({step.left, next.node, depth, true});
        }
        while (!path_.empty()) step_back();
    }

  private:
    struct Open {
        Index node, parent, depth;
        bool left;
    };
    // What the path so far leaves of a part.
    struct Left {
        std::int32_t part;
        Index before;           // the same part further up, -1: nowhere
        Index low, high;        // cells low .. high - 1
        bool missing;           // a missing value
        bool narrowed = false;  // an entry further down says it all
        double share, slope;
    };

    static std::size_t index(Index i) { return static_cast<std::size_t>(i); }
    static Index sums_at(const Kind& kind, Index part) { return kind.start + part; }
    Index sums_at(const Kind& kind) const { return sums_at(kind, &kind - measure_.kinds_.data()); }

    void step_back() {
        const Left& last = path_.back();
        latest_[index(last.part)] = last.before;
        if (last.before >= 0) path_[index(last.before)].narrowed = false;
        path_.pop_back();
    }

    void step_into(const Step& step, bool left) {
        const Kind& kind = measure_.kind(step.part);
        const Index before = latest_[index(step.part)];
        Left now{step.part, before, 0, kind.cells, true, false, 0.0, 0.0};
        if (before >= 0) {
            Left& further_up = path_[index(before)];
            further_up.narrowed = true;
            now.low = further_up.low;
            now.high = further_up.high;
            now.missing = further_up.missing;
        }
        now.missing = now.missing && step.missing_left == left;
        if (kind.ordered) {
            if (left)
                now.high = std::min<Index>(now.high, step.cut);
            else
                now.low = std::max<Index>(now.low, step.cut);
            weigh_interval(kind, now);
        } else {
            weigh_set(kind, step, left, now);
        }
        latest_[index(step.part)] = static_cast<Index>(path_.size());
        path_.push_back(now);
    }

    // The sums from the end that leaves less to take away, so that a narrow law keeps its digits in both tails.
    void weigh_interval(const Kind& kind, Left& now) const {
        if (now.low < now.high) {
            const double* below = below_.data() + sums_at(kind);
            const double* above = above_.data() + sums_at(kind);
            const double* slope = slope_below_.data() + sums_at(kind);
            const double all = below[kind.cells];
            if (2.0 * below[now.high] <= all)
                now.share = below[now.high] - below[now.low];
            else if (2.0 * above[now.low] <= all)
                now.share = above[now.low] - above[now.high];
            else
                now.share = (all - below[now.low]) - above[now.high];
            now.share = std::max(0.0, now.share);
            now.slope = slope[now.high] - slope[now.low];
        }
        if (!now.missing) return;
        now.share += q_[kind.start + kind.cells];
        now.slope += d_[kind.start + kind.cells];
    }

    void weigh_set(const Kind& kind, const Step& step, bool left, Left& now) {
        const Index at = static_cast<Index>(path_.size()) * most_words_;
        if (static_cast<Index>(sets_.size()) < at + most_words_) sets_.resize(index(2 * (at + most_words_)));
        for (Index w = 0; w < kind.words; ++w) {
            const std::uint64_t asked = measure_.words_[index(step.set + w)];
            const Index last = kind.atoms() - 64 * w;
            const std::uint64_t all = last >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << last) - 1;
            std::uint64_t kept = (left ? asked : ~asked) & all;
            if (now.before >= 0) kept &= sets_[index(now.before * most_words_ + w)];
            sets_[index(at + w)] = kept;
            for (; kept != 0; kept &= kept - 1) {
                const Index atom = kind.start + 64 * w + std::countr_zero(kept);
                now.share += q_[atom];
                now.slope += d_[atom];
            }
        }
    }

    void add_leaf(Index tree, Index leaf) {
        const Index outputs = measure_.outputs(), one = measure_.forest_->output_of(tree);
        const Index first = one < 0 ? 0 : one, last = one < 0 ? outputs : one + 1;
        const auto add = [&](Index row, double weight) {
            for (Index o = first; o < last; ++o) sums_[row * outputs + o] += weight * measure_.forest_->value(leaf, o);
        };
        factors_.clear();
        double product = 1.0;
        for (const Left& left : path_) {
            if (left.narrowed) continue;
            factors_.push_back({&left, product});
            product *= left.share;
        }
        add(0, product);
        double after = 1.0;
        for (std::size_t i = factors_.size(); i-- > 0;) {
            const auto& [left, before] = factors_[i];
            if (left->slope != 0.0) add(1 + left->part, left->slope * before * after);
            after *= left->share;
        }
    }

    struct Factor {
        const Left* left;
        double before;
    };

    const ProductMeasure& measure_;
    const double *q_, *d_;
    double* sums_;
    Index most_words_ = 0;
    std::vector<double> below_, above_, slope_below_;
    std::vector<Index> latest_;
    std::vector<Open> open_;
    std::vector<Left> path_;
    std::vector<Factor> factors_;
    std::vector<std::uint64_t> sets_;
};

Matrix ProductMeasure::limits(MatrixIn q, MatrixIn d) const {
    const Index atoms = kinds_.back().start + kinds_.back().atoms(), n = q.rows();
    const Index width = checked_product(parts() + 1, outputs(), "parts and outputs");
    require(q.cols() == atoms && d.cols() == atoms && d.rows() == n, "q and d must have shape (", n, ", ", atoms,
            "), got (", q.rows(), ", ", q.cols(), ") and (", d.rows(), ", ", d.cols(), ")");
    checked_product(n, width, "rows and limits");
    const auto blocks = static_cast<Index>(blocks_.size()) - 1;
    Matrix result = Matrix::Zero(n, width);
    for (Index i = 0; i < n; ++i) result.row(i).head(outputs()) = forest_->base().transpose();
    const Index at_once = std::max<Index>(1, most_partial_sums / std::max<Index>(1, blocks * width));
    for (Index begin = 0; begin < n; begin += at_once) {
        const Index rows = std::min(at_once, n - begin);
        Matrix sums = Matrix::Zero(rows * blocks, width);
        parallel_for(rows * blocks, 1, [&](Index first, Index last) {
            for (Index task = first; task < last; ++task) {
                const Index row = begin + task / blocks, block = task % blocks;
                Walk walk(*this, q.row(row).data(), d.row(row).data(), sums.row(task).data());
                for (Index t = blocks_[static_cast<std::size_t>(block)];
                     t < blocks_[static_cast<std::size_t>(block) + 1]; ++t)
                    walk.tree(t);
            }
        });
        for (Index task = 0; task < rows * blocks; ++task) result.row(begin + task / blocks) += sums.row(task);
    }
    return result;
}

}  // namespace pellucid
