// What a forest can tell apart: the values of a feature fall into cells, and every question of every tree is answered
// by the cell alone.
//
// The cells of a feature are intervals (border[c - 1], border[c]], closed to the right, and one more without end. The
// borders are the largest doubles that still answer as the ones before: thresholds, for a forest that rounds to float
// the largest double rounded to the threshold, the two sides of what counts as zero, and the first and last number that
// is cut to a listed category. So a cell is the number of borders below x, and all trees ask integers.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "pellucid/trees/forest.hpp"

namespace pellucid {

class Cells {
  public:
    // Of a missing value; larger than every other cell.
    static constexpr std::int32_t missing = std::numeric_limits<std::int32_t>::max();

    // The question of a node, asked of a cell.
    struct Rule {
        std::int32_t slot = -1;     // of its feature among used(); -1 is a leaf
        std::int32_t cell = 0;      // cell <= this goes left, where there is no set
        std::int64_t set = -1;      // first bit in bits() of cells(feature) + 1 flags "goes left", the last for missing
        bool missing_left = false;  // where a missing value goes, set or not
    };

    explicit Cells(const Forest& forest);

    Index features() const { return static_cast<Index>(slots_.size()); }
    // Features that a tree asks for, ascending; all that follows is stored for these only.
    const std::vector<std::int32_t>& used() const { return used_; }
    // Place of a feature in used(), -1 where no tree asks for it.
    std::int32_t slot_of(Index feature) const { return slots_[static_cast<std::size_t>(feature)]; }
    // Number of cells but the missing one, at least 1.
    std::int32_t cells(Index feature) const {
        const std::int32_t slot = slot_of(feature);
        return slot < 0 ? 1 : cells_of_slot(slot);
    }
    std::int32_t cells_of_slot(std::int32_t slot) const { return counts_[static_cast<std::size_t>(slot)] + 1; }
    // The cells(feature) - 1 borders of a used feature, ascending.
    const double* borders_of_slot(std::int32_t slot) const {
        return borders_.data() + starts_[static_cast<std::size_t>(slot)];
    }

    // Of all nodes of the forest, leaves too.
    const std::vector<Rule>& rules() const { return rules_; }
    const Rule& rule(Index node) const { return rules_[static_cast<std::size_t>(node)]; }
    const std::vector<std::uint64_t>& bits() const { return bits_; }
    bool bit(std::int64_t at) const {
        return (bits_[static_cast<std::size_t>(at >> 6)] >> (static_cast<std::uint64_t>(at) & 63)) & 1;
    }
    bool goes_left(const Rule& rule, std::int32_t cell) const {
        if (cell == missing) return rule.missing_left;
        return rule.set < 0 ? cell <= rule.cell : bit(rule.set + cell);
    }

    // The cell of one value.
    std::int32_t cell(Index feature, double x) const;
    // Cells of rows first, ..., first + count - 1: out[slot * stride + i], for every used feature, of row first + i.
    void rank(const MatrixIn& rows, Index first, Index count, std::int32_t* out, Index stride) const;

  private:
    void find_used(const Forest& forest);
    void find_borders(const Forest& forest);
    void compile(const Forest& forest);
    void fill(const Forest& forest, const Node& node, const Rule& rule);
    void assign(std::int64_t first, std::int64_t last, bool value);  // of bits_

    std::vector<std::int32_t> slots_, used_, counts_;
    std::vector<std::int64_t> starts_;  // of slots in borders_, each padded with infinities to 2^steps - 1
    std::vector<std::int32_t> steps_;
    std::vector<double> borders_;
    std::vector<Rule> rules_;
    std::vector<std::uint64_t> bits_;
};

}  // namespace pellucid
