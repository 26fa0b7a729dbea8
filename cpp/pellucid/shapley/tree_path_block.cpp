#include "pellucid/shapley/tree_path_block.hpp"

#include <algorithm>

namespace pellucid {
namespace {

// A player on the way to one leaf: its ratio with the edges inside, and the answers that satisfy it.
struct Local {
    int player, held;
    double ratio, before;
    unsigned wanted = 0, given = 0;  // bits of the pattern that count, and what they must be
};

int locals_of(const OpenBlock& block, const OpenBlock::Leaf& leaf, double least, Local* locals) {
    int count = 0;
    for (int e = 0; e < leaf.depth; ++e) {
        const OpenBlock::Edge& edge = leaf.edges[e];
        int i = 0;
        while (i < count && locals[i].player != edge.player) ++i;
        if (i == count) {
            const int held = block.held_at[edge.player];
            const double before = block.ratio[edge.player];
            locals[count] = Local{edge.player, held, before, before};
            if (held >= 0) locals[count].wanted = locals[count].given = 1U << (block.splits + held);
            ++count;
        }
        locals[i].ratio = std::max(locals[i].ratio * edge.share, least);
        locals[i].wanted |= 1U << edge.split;
        if (edge.left) locals[i].given |= 1U << edge.split;
        // A question cannot be asked twice on a path, so that no bit is given two ways.
    }
    return count;
}

}  // namespace

template <typename Scalar>
void fill_block(const OpenBlock& block, const Quadrature& quadrature, const double* above, double least,
                Scalar* tables) {
    Local locals[block_answers + 1][block_answers];
    int counts[block_answers + 1];
    for (int l = 0; l < block.leaf_count; ++l) counts[l] = locals_of(block, block.leaves[l], least, locals[l]);
    const int width = 1 + block.players;
    for (Index q = 0; q < quadrature.nodes(); ++q) {
        const auto at = static_cast<std::size_t>(q);
        const double p = quadrature.at[at], rest = quadrature.rest[at], weight = quadrature.weight[at];
        double sums[1 + block_answers][block_entries] = {};
        for (int l = 0; l < block.leaf_count; ++l) {
            double product[block_entries], change[block_answers][block_entries];
            std::fill_n(product, block_entries, block.leaves[l].value * above[at]);
            for (int i = 0; i < counts[l]; ++i) {
                const Local& local = locals[l][i];
                const double f0 = rest * local.ratio, f1 = f0 + p;
                const double above0 = rest * local.before, above1 = above0 + p;
                const bool held = local.held >= 0;
                // A player that is held has f1 of above in `above`, and (o ? 1 : h) in G.
                const double yes = held ? f1 / above1 : f1, no = held ? f0 / above1 : f0, lost = f0 / above0;
                const double gain = weight * (1.0 - local.ratio) / f1, loss = -weight / rest;
                const double earlier = held ? weight * (1.0 - local.before) / above1 : 0.0;
                const unsigned mark = held ? 1U << (block.splits + local.held) : 0U;
                for (unsigned pattern = 0; pattern < block_entries; ++pattern) {
                    const bool satisfied = (pattern & local.wanted) == local.given;
                    const bool was_lost = held && (pattern & mark) == 0;
                    product[pattern] *= satisfied ? yes : was_lost ? lost : no;
                    change[i][pattern] = satisfied ? gain - earlier : was_lost ? 0.0 : loss - earlier;
                }
            }
            for (int e = 0; e < block_entries; ++e) sums[0][e] += product[e];
            for (int i = 0; i < counts[l]; ++i)
                for (int e = 0; e < block_entries; ++e) sums[1 + locals[l][i].player][e] += change[i][e] * product[e];
        }
        for (int j = 0; j < width; ++j)
            for (int e = 0; e < block_entries; ++e)
                tables[(q * width + j) * block_entries + e] = static_cast<Scalar>(sums[j][e]);
    }
}

template void fill_block<double>(const OpenBlock&, const Quadrature&, const double*, double, double*);
template void fill_block<float>(const OpenBlock&, const Quadrature&, const double*, double, float*);

}  // namespace pellucid
