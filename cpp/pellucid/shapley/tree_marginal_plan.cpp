#include "pellucid/shapley/tree_marginal_plan.hpp"

#include <algorithm>
#include <utility>

namespace pellucid {
namespace {

constexpr Index most_splits = 3;
constexpr Index most_block_bits = 11;  // of a block of several leaves

struct Visit {
    Index node, parent;
    bool left;
    std::int32_t from, to;
    Index players, conditions;  // on the path of the parent
};

class Planner {
  public:
    Planner(const Forest& forest, const Cells& cells, const std::vector<std::int32_t>& player_of_slot,
            Index table_players)
        : forest_(forest), cells_(cells), player_of_slot_(player_of_slot), table_players_(table_players) {}

    MarginalPlan plan(Index tree) {
        const Index root = first_ = forest_.root(tree);
        splits_ = forest_.splits_below(tree);
        if (forest_.node(root).feature < 0) return std::move(plan_);
        open_.push_back({root, -1, false, 0, 0, 0, 0});
        while (!open_.empty()) {
            const Visit visit = open_.back();
            open_.pop_back();
            path_.resize(static_cast<std::size_t>(visit.players));
            conditions_.resize(static_cast<std::size_t>(visit.conditions));
            if (visit.parent >= 0) enter(visit);
            meet(visit);
        }
        return std::move(plan_);
    }

  private:
    std::int32_t player_of(Index node) const {
        return player_of_slot_[static_cast<std::size_t>(cells_.rule(node).slot)];
    }
    Index splits(Index node) const { return splits_[static_cast<std::size_t>(node - first_)]; }

    // The question of the parent joins the path.
    void enter(const Visit& visit) {
        const std::int32_t player = player_of(visit.parent);
        const auto found = std::find(path_.begin(), path_.end(), player);
        const bool repeated = found != path_.end();
        const auto place = static_cast<std::int32_t>(found - path_.begin());
        if (!repeated) path_.push_back(player);
        conditions_.push_back({visit.parent, place, visit.left});
        plan_.most_players = std::max(plan_.most_players, static_cast<Index>(path_.size()));
        if (static_cast<Index>(path_.size()) > table_players_) return;
        plan_.steps.push_back({MarginalStep::Kind::narrow, visit.left, repeated, visit.from, visit.to,
                               std::uint32_t{1} << place, visit.parent, 0});
        plan_.buffers = std::max(plan_.buffers, Index{visit.to} + 1);
    }

    void meet(const Visit& visit) {
        const Node& node = forest_.node(visit.node);
        const auto players = static_cast<Index>(path_.size());
        const Index below = splits(visit.node);
        if (below == 0 && players > table_players_) return add_deep(visit.node);
        if (players <= table_players_ &&
            (below == 0 || (below <= most_splits && players + below <= std::min(table_players_, most_block_bits))))
            return add_block(visit);
        const bool left_small = splits(node.left) <= splits(node.right);
        const auto conditions = static_cast<Index>(conditions_.size());
        const Index small = left_small ? node.left : node.right, large = left_small ? node.right : node.left;
        open_.push_back({large, visit.node, !left_small, visit.to, visit.to, players, conditions});
        open_.push_back({small, visit.node, left_small, visit.to, visit.to + 1, players, conditions});
    }

    void add_deep(Index node) {
        plan_.steps.push_back(
            {MarginalStep::Kind::deep, false, false, 0, 0, 0, node, static_cast<Index>(plan_.deep.size())});
        plan_.deep.push_back({node, static_cast<Index>(plan_.players.size()), static_cast<Index>(path_.size()),
                              static_cast<Index>(plan_.conditions.size()), static_cast<Index>(conditions_.size())});
        plan_.players.insert(plan_.players.end(), path_.begin(), path_.end());
        plan_.conditions.insert(plan_.conditions.end(), conditions_.begin(), conditions_.end());
    }

    void add_block(const Visit& visit) {
        block_ = TableBlock{};
        block_.first_player = static_cast<Index>(plan_.players.size());
        block_.path = static_cast<Index>(path_.size());
        block_.first_question = static_cast<Index>(plan_.questions.size());
        block_.questions = splits(visit.node);
        block_.first_leaf = static_cast<Index>(plan_.leaves.size());
        block_.first_view = static_cast<Index>(plan_.views.size());
        plan_.players.insert(plan_.players.end(), path_.begin(), path_.end());
        asked_.clear();
        add_leaves(visit.node);
        block_.leaves = static_cast<Index>(plan_.leaves.size()) - block_.first_leaf;
        block_.fresh = static_cast<Index>(plan_.players.size()) - block_.first_player - block_.path;
        plan_.steps.push_back({MarginalStep::Kind::block, false, false, visit.to, visit.to, 0, visit.node,
                               static_cast<Index>(plan_.blocks.size())});
        plan_.blocks.push_back(block_);
        plan_.most_bits = std::max(plan_.most_bits, block_.bits());
        plan_.most_players = std::max(plan_.most_players, block_.path + block_.fresh);
    }

    // At most as deep as a block has splits.
    void add_leaves(Index at) {
        const Node& node = forest_.node(at);
        if (node.feature < 0) return add_leaf(at);
        const auto question = static_cast<Index>(plan_.questions.size()) - block_.first_question;
        plan_.questions.push_back(at);
        const std::int32_t player = player_of(at);
        auto* const first = plan_.players.data() + block_.first_player;
        auto* const last = plan_.players.data() + plan_.players.size();
        const auto place = static_cast<Index>(std::find(first, last, player) - first);
        if (first + place == last) plan_.players.push_back(player);
        for (const bool left : {true, false}) {
            asked_.push_back({question, place, left});
            add_leaves(left ? node.left : node.right);
            asked_.pop_back();
        }
    }

    void add_leaf(Index node) {
        TableLeaf leaf{node, static_cast<Index>(plan_.own.size()), 0};
        for (const Asked& asked : asked_) {
            if (asked.place < block_.path) continue;
            const auto fresh = static_cast<std::int32_t>(asked.place - block_.path);
            if (std::find(plan_.own.begin() + leaf.first_own, plan_.own.end(), fresh) == plan_.own.end())
                plan_.own.push_back(fresh);
        }
        leaf.own = static_cast<Index>(plan_.own.size()) - leaf.first_own;
        const std::uint32_t all = (std::uint32_t{1} << block_.path) - 1;
        for (std::uint32_t answers = 0; answers < std::uint32_t{1} << block_.questions; ++answers) {
            LeafView view{all, (std::uint32_t{1} << leaf.own) - 1};
            for (const Asked& asked : asked_) {
                if (((answers >> asked.question) & 1) == (asked.left ? 1U : 0U)) continue;
                if (asked.place < block_.path) {
                    view.keep &= ~(std::uint32_t{1} << asked.place);
                    continue;
                }
                const auto first = plan_.own.begin() + leaf.first_own;
                const auto own = std::find(first, plan_.own.end(), asked.place - block_.path) - first;
                view.own &= ~(std::uint32_t{1} << own);
            }
            plan_.views.push_back(view);
        }
        plan_.leaves.push_back(leaf);
    }

    struct Asked {
        Index question, place;
        bool left;
    };

    const Forest& forest_;
    const Cells& cells_;
    const std::vector<std::int32_t>& player_of_slot_;
    const Index table_players_;
    MarginalPlan plan_;
    Index first_ = 0;            // node of the tree
    std::vector<Index> splits_;  // at and below each of its nodes
    std::vector<Visit> open_;
    std::vector<std::int32_t> path_;
    std::vector<PathCondition> conditions_;
    TableBlock block_;
    std::vector<Asked> asked_;
};

}  // namespace

MarginalPlan plan_marginal(const Forest& forest, const Cells& cells, const std::vector<std::int32_t>& player_of_slot,
                           Index tree, Index table_players) {
    return Planner(forest, cells, player_of_slot, table_players).plan(tree);
}

}  // namespace pellucid
