// How far rounding can carry path-dependent values from the numbers that the forest defines.
#pragma once

#include <vector>

#include "pellucid/shapley/tree_path_program.hpp"

namespace pellucid {

constexpr Index flushed_trees = 4;  // whose float sums are added before they are brought to double

// To first order in the unit roundoff u of the numbers used:
//
// One leaf, one node q. E = v prod f is a product of f1 and h along the path, each with its ratio. A ratio takes one
// product an edge; f1, h, h / h(above) and f1 / f1(above), the product by each of them, and the rounded p, 1 - p make
// at most 24 roundings an edge, and a change of r moves f by no more than as much. So E errs by at most 24 D u of
// itself at depth D. It is summed with D others on the way up, and w and b err by 8 u: (25 D + 8 + Q) u in all. An
// edge. For each q the products prod f of all leaves add up to 1, so that |E| <= V, the largest |v|, and |sum_q w (-E /
// (1-p) + o b E)| is made of numbers that add up to at most 3 s V, s = sum_q w / (1-p), as (1-r) / f1 is not above 1 /
// p and the nodes are symmetric. A tree. The edges of a player lead to different leaves but where it splits m times on
// a path: 6 m s V at most, where the factor 2 is for what is taken back. The sum. What is true of any edges of a player
// is within 4 m V, as the leaves weighted by o, and those by r, add up to at most 1 each. Adding the parts of n edges
// one after another errs by at most n u times the sum of 4 m V over trees; with floats that is true of each group of
// trees, and the groups are added in double.
//
// An interaction. Below an edge of i the b of which is 1 / ((1-p) f1), so that o b E is made of products without f_i,
// which add up to at most V / (1-p), and so for two players: the terms of (-1 / (1-p) + o_i b_i) (-1 / (1-p) + o_j b_j)
// E are made of numbers that add up to at most 4 V / (1-p)^2. On a path there are 2 m edges of the two at most, and
// each is met twice where it is taken back: 16 m V sum_q w / (1-p)^2, with 10 roundings more for the second factor.
// What is true of any of them is within 16 m V, and their number is the splits of both players.
class PathBound {
  public:
    PathBound(Index outputs, Index used_players, bool single, bool pairs);

    void add(const PathSurvey& tree, const Quadrature& quadrature);
    Vector result();

  private:
    void close_group();

    const double unit_;
    const bool single_, pairs_;
    Index trees_ = 0, groups_ = 0;
    std::vector<Index> splits_;               // of a player, in the group
    std::vector<double> bound_, size_, all_;  // of an output; sizes, as 4 m V, in the group and in all
};

}  // namespace pellucid
