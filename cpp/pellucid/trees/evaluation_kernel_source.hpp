// Read by the unit of each level, within a namespace of its own, after at_most and spread.

template <typename Cell>
void leaves64(const Tree64& tree, const Group& rows, std::int32_t* leaves) {
    const auto* const cells = static_cast<const Cell*>(rows.cells);
    std::uint64_t in[2 * most_leaves];
    in[0] = ~std::uint64_t{0};
    for (std::int32_t i = 0; i < tree.question_count; ++i) {
        const Question64& q = tree.questions[i];
        const Cell* const here = cells + std::int64_t{group} * q.slot;
        std::uint64_t left;
        if (q.set == no_set) {
            left = at_most(here, static_cast<Cell>(q.cell));
        } else {
            const Set64& set = rows.sets[q.set];
            left = set.otherwise ? ~std::uint64_t{0} : 0;
            for (std::int32_t b = 0; b < set.count; ++b)
                left ^= at_most(here, static_cast<Cell>(rows.borders[set.first + b]));
            left &= ~rows.missing[q.slot + 1];
        }
        left |= rows.missing[q.missing];
        const std::uint64_t both = in[q.place];
        in[q.left] = both & left;
        in[q.left + 1] = both & ~left;
    }
    std::uint64_t planes[most_planes];
    std::int32_t p = 0;
    for (std::int32_t b = 0; b < tree.planes; ++b) {
        std::uint64_t even = 0, odd = 0;
        for (; p + 1 < tree.ends[b]; p += 2) {
            even |= in[tree.places[p]];
            odd |= in[tree.places[p + 1]];
        }
        if (p < tree.ends[b]) even |= in[tree.places[p++]];
        planes[b] = even | odd;
    }
    spread(planes, tree.planes, leaves);
}

inline bool in_set(const Walk& walk, const WalkNode& node, std::int32_t row) {
    const WalkSet& set = walk.sets[node.cell];
    const std::int32_t cell = walk.cells[set.slot * walk.stride + row];
    const std::int64_t bit = set.first + (cell < set.count ? cell : set.count);
    return (walk.bits[bit >> 6] >> (bit & 63)) & 1;
}

inline std::int32_t step(const Walk& walk, std::int32_t at, std::int32_t row) {
    const WalkNode& node = walk.nodes[at];
    if (node.slot < 0) return node.next[!in_set(walk, node, row)];
    const auto cell = static_cast<std::uint32_t>(walk.cells[(node.slot >> 1) * walk.stride + row]);
    // With one more, a missing value wraps around to the smallest number.
    return node.next[static_cast<std::int32_t>(cell + (static_cast<std::uint32_t>(node.slot) & 1)) > node.cell];
}

[[maybe_unused]] void plain_walk(const Walk& walk, const std::int32_t* row, std::int32_t* at) {
    for (bool moved = true; moved;) {
        moved = false;
        for (int i = 0; i < together; ++i) {
            const std::int32_t next = step(walk, at[i], row[i]);
            moved |= next != at[i];
            at[i] = next;
        }
    }
}

[[maybe_unused]] void plain_rank(const double* borders, std::int32_t steps, const double* x, std::int32_t* cells) {
    for (int i = 0; i < group; i += together) {
        std::int32_t at[together] = {};
        for (std::int32_t s = steps; s-- > 0;) {
            const double* const probe = borders + (std::int32_t{1} << s) - 1;
            for (int r = 0; r < together; ++r)
                at[r] += -static_cast<std::int32_t>(probe[at[r]] < x[i + r]) & (std::int32_t{1} << s);
        }
        for (int r = 0; r < together; ++r) cells[i + r] = at[r];
    }
}
