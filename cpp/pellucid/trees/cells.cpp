#include "pellucid/trees/cells.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"

namespace pellucid {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nearly_zero = static_cast<double>(1e-35f);
constexpr std::int64_t most_bits = std::int64_t{1} << 38;  // 32 GiB

double below(double x) {
    return std::nextafter(x, -infinity);
}

// The largest double that is rounded to the float t or to a smaller one: the middle between t and the next float, as
// ties go to the even one of the two. Infinities stand where the next power of two would be.
double last_rounded_to(double t) {
    const auto rounded = static_cast<float>(t);
    if (rounded == std::numeric_limits<float>::infinity()) return infinity;
    const float after = std::nextafter(rounded, std::numeric_limits<float>::infinity());
    const double low = std::isinf(rounded) ? -0x1p128 : t, high = std::isinf(after) ? 0x1p128 : double{after};
    const double middle = 0.5 * (low + high);
    return static_cast<double>(static_cast<float>(middle)) <= t ? middle : below(middle);
}

// Borders around the numbers that are cut to the whole number c; none where no double is.
bool numbers_cut_to(Index c, bool negative_is_missing, double& before, double& last) {
    const auto whole = static_cast<double>(c);
    if (whole >= 0x1p62 || static_cast<Index>(whole) != c) return false;
    before = c > 0 ? below(whole) : negative_is_missing ? below(0.0) : -1.0;
    last = std::max(below(whole + 1.0), whole);  // beyond 2^53 there is nothing between them
    return true;
}

template <typename Take>
void borders_of(const Forest& forest, const Node& node, const Take& take) {
    if (node.question == Question::categories) {
        if (forest.negative_is_missing()) take(below(0.0));
        for (Index i = 0; i < node.category_count; ++i) {
            double before = 0.0, last = 0.0;
            if (!numbers_cut_to(forest.categories()[node.first_category + i], forest.negative_is_missing(), before,
                                last))
                continue;
            take(before);
            take(last);
        }
        return;
    }
    take(forest.single() ? last_rounded_to(node.threshold) : node.threshold);
    if (node.question != Question::zero_is_missing) return;
    take(below(-nearly_zero));
    take(nearly_zero);
}

std::int32_t borders_below(const double* borders, std::int32_t steps, double x) {
    std::int32_t rank = 0;
    for (std::int32_t step = steps; step-- > 0;)
        rank += -static_cast<std::int32_t>(borders[rank + (1 << step) - 1] < x) & (1 << step);
    return rank;
}

}  // namespace

Cells::Cells(const Forest& forest) {
    find_used(forest);
    find_borders(forest);
    compile(forest);
}

void Cells::find_used(const Forest& forest) {
    slots_.assign(static_cast<std::size_t>(forest.features()), -1);
    for (const Node& node : forest.nodes())
        if (node.feature >= 0) slots_[static_cast<std::size_t>(node.feature)] = 0;
    for (std::size_t f = 0; f < slots_.size(); ++f) {
        if (slots_[f] < 0) continue;
        slots_[f] = static_cast<std::int32_t>(used_.size());
        used_.push_back(static_cast<std::int32_t>(f));
    }
}

// Sorts the borders of all nodes, feature by feature, and keeps one of each.
void Cells::find_borders(const Forest& forest) {
    std::vector<std::int64_t> ends(used_.size() + 1, 0);
    const auto slot_of_node = [&](const Node& node) { return static_cast<std::size_t>(slot_of(node.feature)); };
    for (const Node& node : forest.nodes())
        if (node.feature >= 0) borders_of(forest, node, [&](double) { ++ends[slot_of_node(node) + 1]; });
    for (std::size_t s = 0; s < used_.size(); ++s) ends[s + 1] += ends[s];
    std::vector<double> all(static_cast<std::size_t>(ends.back()));
    std::vector<std::int64_t> next(ends.begin(), ends.end() - 1);
    for (const Node& node : forest.nodes())
        if (node.feature >= 0)
            borders_of(forest, node,
                       [&](double border) { all[static_cast<std::size_t>(next[slot_of_node(node)]++)] = border; });
    poll_interrupt();
    counts_.resize(used_.size());
    steps_.resize(used_.size());
    starts_.resize(used_.size());
    std::int64_t padded = 0;
    for (std::size_t s = 0; s < used_.size(); ++s) {
        const auto first = all.begin() + ends[s], last = all.begin() + ends[s + 1];
        std::sort(first, last);
        const std::int64_t count = std::unique(first, last) - first;
        require<BudgetError>(count < std::int64_t{1} << 30, "feature ", used_[s], " is split at ", count,
                             " different thresholds, at most 2^30 can be told apart");
        counts_[s] = static_cast<std::int32_t>(count);
        while ((std::int64_t{1} << steps_[s]) - 1 < count) ++steps_[s];
        starts_[s] = padded;
        padded += (std::int64_t{1} << steps_[s]) - 1;
    }
    borders_.assign(static_cast<std::size_t>(padded), infinity);
    for (std::size_t s = 0; s < used_.size(); ++s)
        std::copy_n(all.begin() + ends[s], counts_[s], borders_.begin() + starts_[s]);
}

void Cells::compile(const Forest& forest) {
    rules_.resize(forest.nodes().size());
    std::int64_t wanted = 0;
    for (std::size_t i = 0; i < rules_.size(); ++i) {
        const Node& node = forest.nodes()[i];
        if (node.feature < 0) continue;
        Rule& rule = rules_[i];
        rule.slot = slot_of(node.feature);
        rule.missing_left = node.missing_left;
        bool plain = node.question == Question::threshold;
        if (node.question != Question::categories)
            rule.cell = cell(node.feature, forest.single() ? last_rounded_to(node.threshold) : node.threshold);
        // A zero that goes where a missing value goes, as it would without being one.
        if (node.question == Question::zero_is_missing)
            plain =
                forest.goes_left(node, 0.0) == (rule.cell >= cell(node.feature, nearly_zero)) &&
                (rule.cell >= cell(node.feature, nearly_zero) || rule.cell <= cell(node.feature, below(-nearly_zero)));
        if (plain) continue;
        rule.set = wanted;
        wanted += cells_of_slot(rule.slot) + 1;
        require<BudgetError>(wanted <= most_bits, "categories of the forest need more than ", most_bits / 8 >> 30,
                             " GiB: too many questions about features of too many categories");
    }
    bits_.assign(static_cast<std::size_t>((wanted + 63) / 64), 0);
    for (std::size_t i = 0; i < rules_.size(); ++i)
        if (rules_[i].set >= 0) fill(forest, forest.nodes()[i], rules_[i]);
}

void Cells::fill(const Forest& forest, const Node& node, const Rule& rule) {
    const std::int32_t count = cells_of_slot(rule.slot);
    const auto up_to = [&](double x) { return rule.set + cell(node.feature, x) + 1; };
    assign(rule.set + count, rule.set + count + 1, node.missing_left);
    if (node.question == Question::zero_is_missing) {
        assign(rule.set, rule.set + rule.cell + 1, true);
        assign(up_to(below(-nearly_zero)), up_to(nearly_zero), node.missing_left);
        return;
    }
    assign(rule.set, rule.set + count, node.others_left);
    for (Index i = 0; i < node.category_count; ++i) {
        double before = 0.0, last = 0.0;
        if (numbers_cut_to(forest.categories()[node.first_category + i], forest.negative_is_missing(), before, last))
            assign(up_to(before), up_to(last), !node.others_left);
    }
    if (forest.negative_is_missing()) assign(rule.set, up_to(below(0.0)), node.missing_left);
}

void Cells::assign(std::int64_t first, std::int64_t last, bool value) {
    constexpr std::uint64_t all = ~std::uint64_t{0};
    while (first < last) {
        const std::int64_t word = first >> 6, end = std::min(last, (word + 1) << 6);
        const std::uint64_t mask = (all << (first & 63)) & (all >> (63 - ((end - 1) & 63)));
        std::uint64_t& bits = bits_[static_cast<std::size_t>(word)];
        bits = value ? bits | mask : bits & ~mask;
        first = end;
    }
}

std::int32_t Cells::cell(Index feature, double x) const {
    if (std::isnan(x)) return missing;
    const std::int32_t slot = slot_of(feature);
    return slot < 0 ? 0 : borders_below(borders_of_slot(slot), steps_[static_cast<std::size_t>(slot)], x);
}

// Searches of several rows side by side, so that the loads of one do not wait for those of another.
void Cells::rank(const MatrixIn& rows, Index first, Index count, std::int32_t* out, Index stride) const {
    constexpr Index together = 16;
    double x[together];
    std::int32_t at[together];
    for (Index i = 0; i < count; i += together) {
        const Index here = std::min(together, count - i);
        for (std::size_t s = 0; s < used_.size(); ++s) {
            const double* const borders = borders_.data() + starts_[s];
            for (Index r = 0; r < together; ++r) {
                x[r] = rows(first + i + std::min(r, here - 1), used_[s]);
                at[r] = 0;
            }
            for (std::int32_t step = steps_[s]; step-- > 0;) {
                const double* const probe = borders + (1 << step) - 1;
                for (Index r = 0; r < together; ++r)
                    at[r] += -static_cast<std::int32_t>(probe[at[r]] < x[r]) & (1 << step);
            }
            for (Index r = 0; r < here; ++r)
                out[static_cast<Index>(s) * stride + i + r] = std::isnan(x[r]) ? missing : at[r];
        }
    }
}

}  // namespace pellucid
