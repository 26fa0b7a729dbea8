// The mean of a forest, and its slopes, under laws that draw parts of a row independently: a leaf is a box, so its mass
// is a product.
//
//     E f     = sum over leaves of v prod_j q_j(I_j)
//     slope_j = sum over leaves of v d_j(I_j) prod_{k != j} q_k(I_k)
//
// I_j is what a leaf leaves of part j, q_j(I) its probability, and d_j(I) = E[(t_j - E t_j) 1(I)] / var t_j for a
// number t_j that depends on part j alone: slope_j is the coefficient of t_j in the least squares fit of f on (1, t).
// For t_j of 0 and 1, d_j(I) = P(I | t_j = 1) - P(I | t_j = 0). What the leaf does not ask for has q = 1 and d = 0.
#pragma once

#include <cstdint>
#include <vector>

#include "pellucid/trees/cells.hpp"
#include "pellucid/trees/forest.hpp"

namespace pellucid {

// A part is a column, or several columns of 0 and 1 of which at most one is 1. All that can be told apart of it are its
// atoms: of a column the cells of the forest and a missing value, of several the place of the 1, none, and missing.
class ProductMeasure {
  public:
    // part_of_column (features) holds 0 .. parts - 1, each of them. The forest must outlive this.
    ProductMeasure(const Forest& forest, ColumnsIn part_of_column, Index parts);

    Index parts() const { return static_cast<Index>(kinds_.size()); }
    Index outputs() const { return forest_->outputs(); }
    // (parts + 1): where the atoms of each part begin in a row of q and d.
    Indices starts() const;
    // Whether a tree asks for the part.
    bool used(Index part) const { return kind(part).used; }
    // Largest numbers of the cells of a part that is one column, ascending, without that of the last cell.
    Vector borders(Index part) const;

    // (n, (parts + 1) * outputs): E f, then the slopes of each part, under n laws; q and d are (n, atoms) of the atoms'
    // probabilities and differences.
    Matrix limits(MatrixIn q, MatrixIn d) const;

  private:
    struct Kind {
        Index start = 0, cells = 0;  // atoms: the cells, then missing
        std::int32_t column = -1;    // -1: several
        bool used = false;
        bool ordered = true;  // all its questions are x <= threshold, so a leaf leaves an interval of cells
        Index words = 0;      // of its sets, where it is not
        Index atoms() const { return cells + 1; }
    };
    struct Step {
        Index left = -1, right = -1;
        std::int32_t part = -1;  // -1: a leaf
        std::int32_t cut = 0;    // the cells before it go left
        Index set = -1;          // first word of the atoms that go left, where the part is not ordered
        bool missing_left = false;
    };
    class Walk;

    const Kind& kind(Index part) const { return kinds_[static_cast<std::size_t>(part)]; }
    const Step& step(Index node) const { return steps_[static_cast<std::size_t>(node)]; }
    void find_kinds(ColumnsIn part_of_column, const Cells& cells);
    void compile(ColumnsIn part_of_column, const Cells& cells);
    void find_blocks();

    const Forest* forest_;
    std::vector<Kind> kinds_;
    std::vector<Step> steps_;
    std::vector<std::uint64_t> words_;
    std::vector<double> borders_;
    std::vector<Index> border_starts_;  // of parts
    std::vector<Index> blocks_;         // trees that one chunk walks through: blocks_[i] .. blocks_[i + 1]
};

// Probabilities (laws, cells + 1) of the cells with these borders, missing last, under the laws of `linear_values` or
// `normal_values`, which may be held to whole numbers.
Matrix cell_masses(MatrixIn laws, VectorIn borders, bool normal, bool whole);

// (2, cells): of a standard normal number t, P(cell) and E[t 1(cell)].
Matrix normal_cells(VectorIn borders);

}  // namespace pellucid
