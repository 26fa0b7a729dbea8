#include "pellucid/shapley/tree_path_program.hpp"

#include <algorithm>
#include <cmath>

namespace pellucid {
namespace {

struct Open {
    Index node;
    double weight;
    std::int32_t depth;
    int done;    // children
    bool added;  // its player is new on the path
};

}  // namespace

PathSurvey survey_paths(const Forest& forest, Index tree, const PathPlayers& players) {
    PathSurvey survey;
    const auto k = static_cast<std::size_t>(forest.outputs());
    survey.base.assign(k, 0.0);
    survey.largest.assign(k, 0.0);
    const Index only = forest.output_of(tree);
    struct Count {
        std::int32_t open = 0;
        std::int64_t all = 0;
    };
    std::vector<Count> splits_of(static_cast<std::size_t>(players.used));
    std::int32_t distinct = 0;
    std::vector<Open> open{{forest.root(tree), 1.0, 0, 0, false}};
    while (!open.empty()) {
        Open& top = open.back();
        const Node& node = forest.node(top.node);
        if (node.feature < 0) {
            ++survey.leaves;
            survey.depth = std::max(survey.depth, top.depth);
            for (std::size_t o = 0; o < k; ++o) {
                if (only >= 0 && static_cast<Index>(o) != only) continue;
                const double value = forest.value(top.node, static_cast<Index>(o));
                survey.base[o] += top.weight * value;
                survey.largest[o] = std::max(survey.largest[o], std::abs(value));
            }
            open.pop_back();
            continue;
        }
        const std::int32_t column = players.column[static_cast<std::size_t>(players.of_feature[node.feature])];
        auto& [here, all] = splits_of[static_cast<std::size_t>(column)];
        if (top.done == 0) {
            ++survey.splits;
            ++all;
            top.added = here++ == 0;
            distinct += top.added;
            survey.players = std::max(survey.players, distinct);
            survey.repeats = std::max(survey.repeats, here);
        }
        if (top.done == 2) {
            --here;
            distinct -= top.added;
            open.pop_back();
            continue;
        }
        const bool left = top.done++ == 0;
        const Open child{left ? node.left : node.right, top.weight * forest.share(top.node, left), top.depth + 1, 0,
                         false};
        open.push_back(child);
    }
    for (std::size_t c = 0; c < splits_of.size(); ++c)
        if (splits_of[c].all > 0) survey.splits_of.emplace_back(static_cast<std::int32_t>(c), splits_of[c].all);
    return survey;
}

template <typename Scalar>
PathView<Scalar> PathProgram<Scalar>::view() const {
    return {ops_.data(),
            blocks_.data(),
            lines_.empty() ? nullptr : lines_.front().of,
            away_.data(),
            weight_.data(),
            bits_,
            static_cast<std::int64_t>(ops_.size()),
            first_pair_,
            nodes_,
            slots_,
            depth_,
            places_};
}

template PathView<double> PathProgram<double>::view() const;
template PathView<float> PathProgram<float>::view() const;

}  // namespace pellucid
