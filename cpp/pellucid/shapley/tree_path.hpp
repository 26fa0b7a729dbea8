// Path-dependent Shapley values and interactions of a forest: the game follows x where a player is known, and averages
// both ways by the cover of the training rows where it is not (Lundberg et al. 2020).
//
// Cost of a row: about one vector operation for every four leaves and node of the quadrature; exact at any depth, as
// the quadrature has as many nodes as the paths need.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "pellucid/shapley/tree_path_program.hpp"
#include "pellucid/shapley/tree_path_row.hpp"
#include "pellucid/trees/cells.hpp"
#include "pellucid/trees/forest.hpp"

namespace pellucid {

class PathShapley {
  public:
    // player_of_feature (d) has every number below players. With `single` the sums of a few trees are in float32.
    // Throws InputError where the forest has no cover. Programs that fit into 512 MiB are kept.
    // The forest must outlive what is made of it.
    PathShapley(const Forest& forest, ColumnsIn player_of_feature, Index players, bool single);

    // (n, players * k), column i * k + o.
    Matrix values(MatrixIn rows) const;
    // (n, players * players * k), column (i * players + j) * k + o: the Shapley interaction index, 0 where i = j.
    Matrix interactions(MatrixIn rows) const;

    const Vector& base() const { return base_; }  // (k) the mean margin by cover
    // (k) No value is further than this from the real number that the forest, with its shares as computed, defines.
    const Vector& error_bound() const { return error_bound_; }
    const Vector& interaction_error_bound() const { return interaction_error_bound_; }  // (k) the same of an index

  private:
    struct Unit {
        Index tree, output;
        Index bytes;  // about, of the program
    };
    template <typename Scalar>
    struct Programs {
        std::vector<PathProgram<Scalar>> trees;
        std::vector<PathRowProgram<Scalar>> of_row;  // empty, or of each tree
    };

    void survey();
    // The end of the units, from `first` on, whose programs are in memory together.
    Index end_of_group(Index first, Index most_bytes) const;
    template <typename Scalar>
    Programs<Scalar> compile(Index first, Index last, bool pairs, bool for_row) const;
    template <typename Scalar>
    Matrix sums(const MatrixIn& rows, bool pairs, const Programs<Scalar>& kept) const;

    const Forest& forest_;
    PathPlayers players_;
    bool single_;
    Cells cells_;
    std::vector<Unit> units_;                  // trees that split, output by output
    std::vector<std::int32_t> most_players_;   // of a tree, on a path
    std::map<Index, Quadrature> quadratures_;  // by nodes
    Vector base_, error_bound_, interaction_error_bound_;
    Programs<double> kept_;
    Programs<float> kept_single_;
};

}  // namespace pellucid
