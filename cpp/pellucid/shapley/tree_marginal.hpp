// Marginal (interventional) Shapley values of a forest against a whole background.
//
// The game is v(S) = sum over b of w_b f(x_S, b_notS), its players groups of features. Rows, explained ones and those
// of the background, meet only in the patterns of the players they satisfy on a path, so the cost is that of a pass
// over each, and exact. Only leaves with more than table_players players pair the patterns off.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "pellucid/shapley/tree_marginal_background.hpp"
#include "pellucid/shapley/tree_marginal_weights.hpp"

namespace pellucid {

class MarginalShapley {
  public:
    // player_of_feature (d) names 0, ..., players - 1, each at least once; weights are not negative and sum to 1.
    // table_players 0 chooses by the size of the background. Keeps a reference to the forest.
    MarginalShapley(const Forest& forest, const ColumnsIn& player_of_feature, Index players, const MatrixIn& background,
                    const VectorIn& weights, Index table_players = 0);
    ~MarginalShapley();

    // (n, players * outputs), player by player. A row's numbers do not depend on the others.
    Matrix values(const MatrixIn& rows) const;
    // (n, players * players * outputs): the interaction index of every pair, 0 on the diagonal.
    Matrix interactions(const MatrixIn& rows) const;
    // Mean margin of the background, (outputs).
    const Vector& base() const { return base_; }
    // No rounding makes a value, or an interaction, more wrong than this; (outputs).
    const Vector& error_bound() const { return error_bound_; }
    const Vector& interaction_error_bound() const { return interaction_error_bound_; }

  private:
    friend class MarginalPass;

    // Trees that are added up by themselves, for these outputs; all parts are added in their order.
    struct Part {
        Index first_output, outputs;
        std::vector<Index> trees;
    };

    void find_players(const ColumnsIn& player_of_feature);
    void find_patterns(const MatrixIn& background, const VectorIn& weights, Index table_players);
    void find_constant_players(const std::int32_t* cells, Index stride, const std::vector<std::int64_t>& units);
    void find_base();
    void find_error_bounds(Index background_rows);
    using TreeSums = std::vector<std::vector<double>>;
    const TreeSums* kept_sums(Index rows) const;
    std::vector<Part> parts(bool pairs) const;
    Matrix explain(const MatrixIn& rows, bool pairs) const;
    void gather(const Part& part, bool pairs, const double* sums, double* out) const;
    void clear_null_players(const std::int32_t* cells, Index stride, bool pairs, double* out) const;

    const Forest& forest_;
    const Cells cells_;
    Index players_;
    std::vector<std::int32_t> used_players_;    // those that a tree asks, ascending
    std::vector<std::int32_t> player_of_slot_;  // among the used
    // Cells that all of the background shares in every feature of a player, a null player for rows that share them
    // too; -1 in the slots of other players.
    std::vector<std::int32_t> constant_cells_;
    std::vector<MarginalPlan> plans_;
    std::vector<TreeBackground> backgrounds_;
    std::unique_ptr<const BetaWeights> beta_;
    std::unique_ptr<const CoalitionWeights> value_weights_;
    Index most_table_players_ = 0;
    // What the leaves of every tree have of the background, once a call of few rows has found it.
    mutable std::atomic<const TreeSums*> kept_{nullptr};
    Index kept_bytes_ = 0;  // that they take
    Vector base_, error_bound_, interaction_error_bound_;
};

}  // namespace pellucid
