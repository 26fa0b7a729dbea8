// The answers of a forest: which leaf of each tree a row falls into, and the sum of their values.
//
//     margin_o(x) = base_o + value_0 + value_1 + ...
//
// added in the order of the trees, so that there is one right answer to the last bit: that of the plain loop, whatever
// the instructions, the number of threads, and the rows beside.
#pragma once

#include <memory>

#include "pellucid/trees/cells.hpp"
#include "pellucid/trees/forest.hpp"

namespace pellucid {

namespace evaluation {
struct Kernels;
struct WalkProgram;
class MaskProgram;
}  // namespace evaluation

// What is found once for a forest, which it must not outlive. Calls do not change it.
class ForestEvaluator {
  public:
    using Leaves = Eigen::Matrix<std::int32_t, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

    explicit ForestEvaluator(const Forest& forest);
    ~ForestEvaluator();

    const Cells& cells() const { return cells_; }
    // (n, d) to (n, outputs).
    Matrix margins(const MatrixIn& rows) const;
    // (n, d) to (n, trees): numbers of nodes in the forest.
    Leaves leaves_of(const MatrixIn& rows) const;

  private:
    class Block;

    const Forest& forest_;
    Cells cells_;
    std::unique_ptr<evaluation::WalkProgram> walk_;
    std::unique_ptr<evaluation::MaskProgram> masks_;
};

}  // namespace pellucid
