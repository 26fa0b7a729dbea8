// Which coalitions to play against which draws of the background: paired leverage sampling without replacement.
//
// A coalition S and its complement are always played together and against the same draw; a pair is named by its
// smaller side. The leverage score of a coalition in the Shapley regression is 1 / C(n, |S|), so every size gets
// the same expected number of pairs until a size has no more (Musco and Witter, ICLR 2025). Every draw b of the
// background gets coalitions of its own, in proportion to its weight: for the same number of model rows the
// errors of many small designs average out, where one design repeated for every draw repeats its error.
//
// A player in whom draw b equals the explained row is a null player of its game: it is not active there, takes part in
// no coalition, and the complement of S is the rest of the active players.
//
// The design grows: a larger one contains every smaller one of the same seed, so nothing that was paid for is
// thrown away. How many pairs a cell (b, s) holds is floor(e + u) with e the expected number, which rises with e, and u
// a uniform number per cell, stratified over the draws of a size and over the sizes of a draw: a draw that expects one
// pair gets one. The total falls short of what was asked by the rounding of the cells, a few pairs.
#pragma once

#include <vector>

#include "pellucid/check.hpp"
#include "pellucid/types.hpp"

namespace pellucid {

// total = sum_i min(rate * weight_i, cap_i): the shares, with what saturated places leave spread over the others.
Vector saturating_shares(VectorIn weights, VectorIn caps, double total);

// Expected pairs of every (draw, size), given the expected pairs of the whole design.
class PairPlan {
  public:
    PairPlan() = default;
    // players (draws): how many are active under each draw.
    PairPlan(const std::vector<Index>& players, VectorIn draw_weights, double pairs);

    double expected(Index draw, Index size) const {
        const Vector& sizes = of_draw(draw);
        require(size >= 1 && size <= sizes.size(), "size must be between 1 and ", sizes.size(), ", got ", size);
        return sizes[size - 1];
    }
    double pairs_per_draw(Index draw) const { return of_draw(draw).sum(); }

  private:
    const Vector& of_draw(Index draw) const {
        const auto draws = static_cast<Index>(kind_.size());
        require(draw >= 0 && draw < draws, "draw must be between 0 and ", draws - 1, ", got ", draw);
        return by_kind_[kind_[static_cast<std::size_t>(draw)]];
    }

    std::vector<std::size_t> kind_;  // draws of equal weight share one plan
    std::vector<Vector> by_kind_;
};

class PairedDesign {
  public:
    PairedDesign(std::uint64_t seed, Index players, VectorIn draw_weights);
    // active (draws, players): 0 for the null players of a draw.
    PairedDesign(std::uint64_t seed, MasksIn active, VectorIn draw_weights);

    // Adds pairs until there are at most `limit`, and as near to it as the rounding of the cells allows.
    void grow(Index limit);

    Index players() const { return players_; }
    Index draws_count() const { return weights_.size(); }
    Index pairs() const { return static_cast<Index>(draws_.size()); }
    bool complete() const;  // every pair of every draw is in
    bool complete(Index draw) const;
    // The active players of a draw, in their order.
    const std::vector<Index>& active(Index draw) const { return kinds_[kind_[static_cast<std::size_t>(draw)]]; }
    bool all_active() const { return kinds_.size() == 1 && static_cast<Index>(kinds_[0].size()) == players_; }
    const Vector& draw_weights() const { return weights_; }
    const PairPlan& plan() const { return plan_; }

    // Pairs first .. last - 1 as they are played: S, then its complement, both against the draw of the pair. Null
    // players stay with the complement.
    Masks pair_masks(Index first, Index last) const;
    Indices pair_draws(Index first, Index last) const;

    const std::vector<std::uint8_t>& masks() const { return masks_; }  // (pairs, players), the smaller sides
    const std::vector<std::int64_t>& draws() const { return draws_; }
    const std::vector<std::int32_t>& sizes() const { return sizes_; }

  private:
    struct Cell {
        Index draw, size, first, count;
    };
    void check_range(Index first, Index last) const;
    void write_cell(const Cell& cell, Index row);
    std::vector<Cell> missing_cells(const PairPlan& target, Index& total) const;

    std::uint64_t seed_;
    Index players_;
    Vector weights_;
    std::vector<std::vector<Index>> kinds_;  // distinct sets of active players,
    std::vector<std::size_t> kind_;          // and which of them each draw has
    PairPlan plan_;
    bool empty_ = true;
    std::vector<std::uint8_t> masks_;
    std::vector<std::int64_t> draws_;
    std::vector<std::int32_t> sizes_;
};

}  // namespace pellucid
