// Explained rows, chunk by chunk and part of the forest by part.
#include <algorithm>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"
#include "pellucid/shapley/tree_marginal.hpp"
#include "pellucid/shapley/tree_marginal_deep.hpp"
#include "pellucid/shapley/tree_marginal_tables.hpp"

namespace pellucid {
namespace {

constexpr Index most_dense_width = 64;
constexpr Index most_rows = 4096, fewest_rows = 128;
constexpr Index sums_bytes = Index{1} << 26;
constexpr Index most_parts = 32;
constexpr int tables_at_once = 4;

Index pairs_of(Index players) {
    return players * (players - 1) / 2;
}

Index padded(Index width) {
    return (width + 7) / 8 * 8;
}

}  // namespace

// The sums of one part for one chunk of rows. Narrow sums get whole rows of tables; wide ones only the entries a block
// has.
class MarginalPass {
  public:
    // kept: sums of the leaves of each tree, or null.
    MarginalPass(const MarginalShapley& shapley, const CoalitionWeights& weights, bool pairs,
                 const MarginalShapley::TreeSums* kept)
        : shapley_(shapley),
          weights_(weights),
          pairs_(pairs),
          kept_(kept),
          used_(static_cast<Index>(shapley.used_players_.size())),
          entries_(pairs ? pairs_of(used_) : used_) {}

    static Index width(const MarginalShapley& shapley, bool pairs, Index outputs) {
        const auto used = static_cast<Index>(shapley.used_players_.size());
        return padded((pairs ? pairs_of(used) : used) * outputs);
    }

    // sums (rows, width), zeros; cells[slot * stride + row]
    void run(const MarginalShapley::Part& part, const std::int32_t* cells, Index stride, Index rows, double* sums) {
        part_ = &part;
        rows_ = rows;
        sums_ = sums;
        width_ = padded(entries_ * part.outputs);
        dense_ = width_ <= most_dense_width;
        MarginalRows walker(shapley_.cells_, cells, stride, rows);
        BlockTables tables(shapley_.forest_, weights_);
        for (std::size_t t = 0; t < tables_at_once; ++t) slots_[t].resize(static_cast<std::size_t>(rows));
        for (const Index tree : part.trees) {
            poll_interrupt();
            const MarginalPlan& plan = shapley_.plans_[static_cast<std::size_t>(tree)];
            const TreeBackground& background = shapley_.backgrounds_[static_cast<std::size_t>(tree)];
            if (slot_of_.size() < std::size_t{1} << plan.most_bits)
                slot_of_.resize(std::size_t{1} << plan.most_bits, -1);
            tables.enter(plan, background,
                         kept_ == nullptr ? nullptr : (*kept_)[static_cast<std::size_t>(tree)].data());
            walker.walk(
                plan, [&](Index item, const std::uint32_t* patterns) { add_block(plan, tables, item, patterns); },
                [&](Index item) { add_deep(plan, background, walker, item); });
            flush();
        }
    }

  private:
    void add_block(const MarginalPlan& plan, BlockTables& tables, Index item, const std::uint32_t* patterns) {
        const TableBlock& block = plan.blocks[static_cast<std::size_t>(item)];
        const Index entries = find_places(plan, block.first_player, block.path + block.fresh);
        number(patterns);
        const Index width = dense_ ? width_ : entries * part_->outputs;
        const auto count = static_cast<Index>(seen_.size());
        std::vector<double>& table = tables_[static_cast<std::size_t>(pending_)];
        table.assign(static_cast<std::size_t>(count * width), 0.0);
        tables.prepare(item);
        for (Index o = 0; o < part_->outputs; ++o) {
            const TableRows rows{seen_.data(), count, dense_ ? places_.data() : local_places_.data(), width,
                                 table.data()};
            if (pairs_)
                tables.interactions(part_->first_output + o, o, rows);
            else
                tables.values(part_->first_output + o, o, rows);
        }
        ++pending_;
        if (!dense_) return scatter(entries);
        if (pending_ == tables_at_once) flush();
    }

    // Where the entries of these players are in the sums, and in a table of them alone.
    Index find_places(const MarginalPlan& plan, Index first, Index count) {
        const std::int32_t* const players = plan.players.data() + first;
        places_.clear();
        for (Index i = 0; i < count; ++i) {
            if (!pairs_) places_.push_back(players[i] * part_->outputs);
            for (Index j = i + 1; pairs_ && j < count; ++j) {
                const Index a = std::min(players[i], players[j]), b = std::max(players[i], players[j]);
                places_.push_back((a * (2 * used_ - a - 1) / 2 + b - a - 1) * part_->outputs);
            }
        }
        local_places_.clear();
        for (std::size_t i = 0; i < places_.size(); ++i)
            local_places_.push_back(static_cast<Index>(i) * part_->outputs);
        return static_cast<Index>(places_.size());
    }

    // Numbers the different patterns in the order in which they occur.
    void number(const std::uint32_t* patterns) {
        seen_.clear();
        std::uint32_t* const slots = slots_[static_cast<std::size_t>(pending_)].data();
        for (Index i = 0; i < rows_; ++i) {
            std::int32_t& slot = slot_of_[patterns[i]];
            if (slot < 0) {
                slot = static_cast<std::int32_t>(seen_.size());
                seen_.push_back(patterns[i]);
            }
            slots[i] = static_cast<std::uint32_t>(slot);
        }
        for (const std::uint32_t pattern : seen_) slot_of_[pattern] = -1;
    }

    void flush() {
        const std::uint32_t* slots[tables_at_once];
        const double* tables[tables_at_once];
        for (int t = 0; t < pending_; ++t) {
            slots[t] = slots_[static_cast<std::size_t>(t)].data();
            tables[t] = tables_[static_cast<std::size_t>(t)].data();
        }
        marginal_kernels().add_rows(sums_, rows_, width_, pending_, slots, tables);
        pending_ = 0;
    }

    void scatter(Index entries) {
        const double* const table = tables_[0].data();
        const Index outputs = part_->outputs;
        for (Index i = 0; i < rows_; ++i) {
            const double* from = table + slots_[0][static_cast<std::size_t>(i)] * entries * outputs;
            double* const to = sums_ + i * width_;
            for (Index e = 0; e < entries; ++e)
                for (Index o = 0; o < outputs; ++o) to[places_[static_cast<std::size_t>(e)] + o] += *from++;
        }
        pending_ = 0;
    }

    void add_deep(const MarginalPlan& plan, const TreeBackground& background, MarginalRows& walker, Index item) {
        flush();
        poll_interrupt();
        const DeepLeaf& leaf = plan.deep[static_cast<std::size_t>(item)];
        find_places(plan, leaf.first_player, leaf.players);
        const std::uint64_t* const satisfied = walker.deep_patterns(plan, leaf);
        DeepPairs met(deep_background(plan, background, item), *shapley_.beta_, pairs_);
        for (Index i = 0; i < rows_; ++i) {
            if (!met.meet(satisfied + i * leaf.words())) continue;
            double* const to = sums_ + i * width_;
            for (Index o = 0; o < part_->outputs; ++o) {
                const double value = shapley_.forest_.value(leaf.node, part_->first_output + o);
                for (Index e = 0; e < met.size(); ++e)
                    to[places_[static_cast<std::size_t>(e)] + o] += value * met.result()[e];
            }
        }
    }

    const MarginalShapley& shapley_;
    const CoalitionWeights& weights_;
    const bool pairs_;
    const MarginalShapley::TreeSums* const kept_;
    const Index used_, entries_;
    const MarginalShapley::Part* part_ = nullptr;
    Index rows_ = 0, width_ = 0;
    double* sums_ = nullptr;
    bool dense_ = false;
    int pending_ = 0;
    std::vector<std::int32_t> slot_of_;
    std::vector<std::uint32_t> seen_;
    std::vector<Index> places_, local_places_;
    std::vector<std::uint32_t> slots_[tables_at_once];
    std::vector<double> tables_[tables_at_once];
};

// How the forest is cut depends on nothing but the forest, as every part is a sum of its own.
std::vector<MarginalShapley::Part> MarginalShapley::parts(bool pairs) const {
    const bool shared = forest_.trees() == 0 || forest_.output_of(0) < 0;
    const auto entries = std::max<Index>(1, MarginalPass::width(*this, pairs, 1));
    const Index together = shared ? std::clamp<Index>(most_dense_width / entries, 1, forest_.outputs()) : 1;
    const Index groups = (forest_.outputs() + together - 1) / together;
    const Index room = sums_bytes / 8 / 1024 / (groups * padded(entries * together));
    const Index cuts = std::max<Index>(1, std::min(most_parts / groups, room));
    std::vector<Part> result;
    for (Index o = 0; o < forest_.outputs(); o += together) {
        std::vector<Index> trees;
        for (Index t = 0; t < forest_.trees(); ++t)
            if (!plans_[static_cast<std::size_t>(t)].steps.empty() && (shared || forest_.output_of(t) == o))
                trees.push_back(t);
        const auto count = static_cast<Index>(trees.size());
        for (Index c = 0; c < cuts; ++c) {
            const auto first = trees.begin() + count * c / cuts, last = trees.begin() + count * (c + 1) / cuts;
            if (first != last) result.push_back({o, std::min(together, forest_.outputs() - o), {first, last}});
        }
    }
    return result;
}

Matrix MarginalShapley::values(const MatrixIn& rows) const {
    return explain(rows, false);
}

Matrix MarginalShapley::interactions(const MatrixIn& rows) const {
    return explain(rows, true);
}

Matrix MarginalShapley::explain(const MatrixIn& rows, bool pairs) const {
    require(rows.cols() == forest_.features(), "rows must have ", forest_.features(), " features, got ", rows.cols());
    const Index n = rows.rows(), outputs = forest_.outputs(), slots = static_cast<Index>(cells_.used().size());
    const Index columns = checked_product(pairs ? checked_product(players_, players_, "pairs of players") : players_,
                                          outputs, "values of a row");
    checked_product(checked_product(n, columns, "values"), 8, "bytes of values");
    Matrix out = Matrix::Zero(n, columns);
    const std::vector<Part> all = parts(pairs);
    if (n == 0 || all.empty()) return out;
    std::unique_ptr<const CoalitionWeights> of_pairs;
    if (pairs) of_pairs = std::make_unique<const CoalitionWeights>(most_table_players_, true);
    const CoalitionWeights& weights = pairs ? *of_pairs : *value_weights_;
    const TreeSums* const kept = pairs ? nullptr : kept_sums(n);
    Index width = 0;
    for (const Part& part : all) width = std::max(width, MarginalPass::width(*this, pairs, part.outputs));
    const auto count = static_cast<Index>(all.size());
    const Index room = sums_bytes / (8 * count * width + 4 * slots);
    Index chunk = std::min(n, std::clamp(room, fewest_rows, most_rows));
    if (count < 4 * thread_count()) chunk = std::min(chunk, std::max<Index>(512, n * count / (4 * thread_count())));
    const Index chunks = std::max<Index>(1, room / chunk);
    std::vector<double> sums;
    std::vector<std::int32_t> cells(static_cast<std::size_t>(std::min(n, chunks * chunk) * slots));
    for (Index wave = 0; wave < n; wave += chunks * chunk) {
        const Index here = std::min(chunks * chunk, n - wave), of_wave = (here + chunk - 1) / chunk;
        parallel_for(here, 256, [&](Index first, Index last) {
            cells_.rank(rows, wave + first, last - first, cells.data() + first, here);
        });
        sums.assign(static_cast<std::size_t>(count * here * width), 0.0);
        const auto sums_of = [&](Index part, Index row) {
            const Index own_width = MarginalPass::width(*this, pairs, all[static_cast<std::size_t>(part)].outputs);
            return sums.data() + part * here * width + row * own_width;
        };
        parallel_for(of_wave * count, 1, [&](Index task, Index) {
            const Index first = task / count * chunk, part = task % count;
            MarginalPass pass(*this, weights, pairs, kept);
            pass.run(all[static_cast<std::size_t>(part)], cells.data() + first, here, std::min(chunk, here - first),
                     sums_of(part, first));
        });
        parallel_for(here, 64, [&](Index first, Index last) {
            for (Index part = 0; part < count; ++part)
                for (Index i = first; i < last; ++i)
                    gather(all[static_cast<std::size_t>(part)], pairs, sums_of(part, i), out.row(wave + i).data());
            for (Index i = first; i < last; ++i)
                clear_null_players(cells.data() + i, here, pairs, out.row(wave + i).data());
        });
    }
    return out;
}

void MarginalShapley::gather(const Part& part, bool pairs, const double* sums, double* out) const {
    const auto used = static_cast<Index>(used_players_.size());
    const Index outputs = forest_.outputs();
    const auto player = [&](Index i) { return Index{used_players_[static_cast<std::size_t>(i)]}; };
    const auto take = [&](Index entry) {
        for (Index o = 0; o < part.outputs; ++o) out[entry * outputs + part.first_output + o] += *sums++;
    };
    for (Index i = 0; i < used; ++i) {
        if (!pairs) take(player(i));
        for (Index j = i + 1; pairs && j < used; ++j) take(player(i) * players_ + player(j));
    }
}

// A player in whose features the row has the cells of the whole background changes nothing, not even by rounding; and
// what is known of i and j holds for j and i.
void MarginalShapley::clear_null_players(const std::int32_t* cells, Index stride, bool pairs, double* out) const {
    const auto used = static_cast<Index>(used_players_.size());
    std::vector<bool> null(used_players_.size(), true);
    for (std::size_t s = 0; s < player_of_slot_.size(); ++s)
        if (constant_cells_[s] < 0 || constant_cells_[s] != cells[static_cast<Index>(s) * stride])
            null[static_cast<std::size_t>(player_of_slot_[s])] = false;
    const Index outputs = forest_.outputs();
    for (Index i = 0; i < used; ++i) {
        const Index a = used_players_[static_cast<std::size_t>(i)];
        if (!pairs && null[static_cast<std::size_t>(i)]) std::fill_n(out + a * outputs, outputs, 0.0);
        for (Index j = i + 1; pairs && j < used; ++j) {
            const Index b = used_players_[static_cast<std::size_t>(j)];
            double* const entry = out + (a * players_ + b) * outputs;
            if (null[static_cast<std::size_t>(i)] || null[static_cast<std::size_t>(j)])
                std::fill_n(entry, outputs, 0.0);
            std::copy_n(entry, outputs, out + (b * players_ + a) * outputs);
        }
    }
}

}  // namespace pellucid
