#include "pellucid/shapley/tree_path_bound.hpp"

#include <algorithm>

namespace pellucid {

PathBound::PathBound(Index outputs, Index used_players, bool single, bool pairs)
    : unit_(single ? 0x1p-24 : 0x1p-53),
      single_(single),
      pairs_(pairs),
      splits_(static_cast<std::size_t>(used_players), 0),
      bound_(static_cast<std::size_t>(outputs), 0.0),
      size_(bound_),
      all_(bound_) {}

void PathBound::add(const PathSurvey& tree, const Quadrature& quadrature) {
    double away = 0.0;
    for (std::size_t q = 0; q < quadrature.weight.size(); ++q) {
        const double weight = quadrature.weight[q], rest = quadrature.rest[q];
        away += pairs_ ? 16.0 * weight / (rest * rest) : 6.0 * weight / rest;
    }
    const double roundings = 25.0 * tree.depth + (pairs_ ? 18.0 : 8.0) + static_cast<double>(quadrature.nodes());
    for (std::size_t o = 0; o < bound_.size(); ++o) {
        bound_[o] += unit_ * roundings * tree.repeats * away * tree.largest[o];
        size_[o] += (pairs_ ? 16.0 : 4.0) * tree.repeats * tree.largest[o];
    }
    for (const auto& [column, splits] : tree.splits_of) splits_[static_cast<std::size_t>(column)] += splits;
    if (++trees_ % flushed_trees == 0 && single_) close_group();
}

void PathBound::close_group() {
    const Index of_one = splits_.empty() ? 0 : *std::max_element(splits_.begin(), splits_.end());
    const Index most = pairs_ ? 2 * of_one : of_one;
    for (std::size_t o = 0; o < bound_.size(); ++o) {
        bound_[o] += unit_ * static_cast<double>(most) * size_[o];
        all_[o] += size_[o];
        size_[o] = 0.0;
    }
    std::fill(splits_.begin(), splits_.end(), 0);
    ++groups_;
}

Vector PathBound::result() {
    close_group();
    Vector bounds(static_cast<Index>(bound_.size()));
    for (Index o = 0; o < bounds.size(); ++o) {
        const auto i = static_cast<std::size_t>(o);
        bounds[o] = bound_[i] + (single_ ? 0x1p-53 * static_cast<double>(groups_) * all_[i] : 0.0);
    }
    return bounds;
}

}  // namespace pellucid
