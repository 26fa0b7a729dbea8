#include "pellucid/shapley/tree_marginal_background.hpp"

#include <algorithm>
#include <numeric>

namespace pellucid {
namespace {

// Adds up the weights of equal patterns.
class Histogram {
  public:
    explicit Histogram(Index bits) : mass_(std::size_t{1} << bits, -1) {}

    void add(const std::uint32_t* patterns, const std::vector<std::int64_t>& units, TreeBackground& out) {
        seen_.clear();
        for (std::size_t i = 0; i < units.size(); ++i) {
            if (units[i] == 0) continue;
            std::int64_t& mass = mass_[patterns[i]];
            if (mass < 0) {
                seen_.push_back(patterns[i]);
                mass = 0;
            }
            mass += units[i];
        }
        for (const std::uint32_t pattern : seen_) {
            out.patterns.push_back(pattern);
            out.weights.push_back(mass_[pattern]);
            mass_[pattern] = -1;
        }
        out.starts.push_back(static_cast<Index>(out.patterns.size()));
    }

  private:
    std::vector<std::int64_t> mass_;
    std::vector<std::uint32_t> seen_;
};

void add_deep(const DeepLeaf& leaf, const std::uint64_t* satisfied, const std::vector<std::int64_t>& units,
              TreeBackground& out) {
    const auto words = static_cast<std::size_t>(leaf.words());
    std::vector<std::size_t> order(units.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto before = [&](std::size_t i, std::size_t j) {
        return std::lexicographical_compare(satisfied + i * words, satisfied + (i + 1) * words, satisfied + j * words,
                                            satisfied + (j + 1) * words);
    };
    std::sort(order.begin(), order.end(), before);
    const std::uint64_t* last = nullptr;
    for (const std::size_t i : order) {
        if (units[i] == 0) continue;
        const std::uint64_t* const pattern = satisfied + i * words;
        if (last == nullptr || !std::equal(pattern, pattern + words, last)) {
            for (std::size_t w = 0; w < words; ++w) {
                const Index rest = leaf.players - 64 * static_cast<Index>(w);
                const std::uint64_t all = rest >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << rest) - 1;
                out.deep_words.push_back(all & ~pattern[w]);
            }
            out.deep_weights.push_back(0);
            last = pattern;
        }
        out.deep_weights.back() += units[i];
    }
    out.deep_starts.push_back(static_cast<Index>(out.deep_weights.size()));
    out.deep_word_starts.push_back(static_cast<Index>(out.deep_words.size()));
}

}  // namespace

TreeBackground tree_background(const MarginalPlan& plan, MarginalRows& rows, const std::vector<std::int64_t>& units) {
    TreeBackground background;
    background.starts.push_back(0);
    background.deep_starts.push_back(0);
    background.deep_word_starts.push_back(0);
    Histogram histogram(plan.most_bits);
    rows.walk(
        plan, [&](Index, const std::uint32_t* patterns) { histogram.add(patterns, units, background); },
        [&](Index item) {
            const DeepLeaf& leaf = plan.deep[static_cast<std::size_t>(item)];
            add_deep(leaf, rows.deep_patterns(plan, leaf), units, background);
        });
    return background;
}

}  // namespace pellucid
