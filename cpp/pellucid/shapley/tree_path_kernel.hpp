// Walks a tree with a block of rows. Read by the unit of each level, in a namespace of its own: nothing here may be
// shared by two of them.

template <typename L, int fixed_nodes, int R>
class PathWalk {
    using S = typename L::Scalar;
    using V = typename L::Vector;
    using M = typename L::Mask;
    static constexpr int W = L::lanes, rows = R * W;

  public:
    PathWalk(const PathView<S>& view, const std::int32_t* cells, S* sums, std::byte* scratch)
        : view_(view),
          nodes_(fixed_nodes > 0 ? fixed_nodes : view.nodes),
          cells_(cells),
          sums_(sums),
          edges_(reinterpret_cast<Edge*>(scratch)),
          slots_(reinterpret_cast<V*>(scratch + (std::int64_t{view.places} * 16 + 63) / 64 * 64)),
          parts_(slots_ + std::int64_t{view.slots} * (nodes_ + 1) * R),
          answers_(reinterpret_cast<M*>(parts_ + nodes_ * R)),
          saved_(answers_ + std::int64_t{view.depth} * R),
          held_(saved_ + std::int64_t{view.depth} * R) {}

    void run() { walk(*this); }

  protected:
    // With the steps of a walk that inherits from this one.
    template <typename Walk>
    void walk(const Walk& by) const {
        V* const top = slot(0);
        for (int i = 0; i < nodes() * R; ++i) top[i] = L::all(S(1));
        const PathOp* const end = view_.ops + view_.count;
        for (const PathOp* op = view_.ops; op != end; ++op) switch (op->step) {
                case PathStep::block:
                    by.block(*op);
                    break;
                case PathStep::leaf:
                    by.leaf(*op);
                    break;
                case PathStep::open:
                    by.open(*op);
                    break;
                case PathStep::turn:
                    by.turn(*op);
                    break;
                case PathStep::close:
                    by.close(*op);
                    break;
                case PathStep::open_again:
                    by.open_again(*op);
                    break;
                case PathStep::turn_again:
                    by.turn_again(*op);
                    break;
                case PathStep::close_again:
                    by.close_again(*op);
                    break;
            }
    }

    // Where a player above has its b, and its results.
    struct Edge {
        std::int64_t b, column;
    };

    int nodes() const { return fixed_nodes > 0 ? fixed_nodes : nodes_; }
    V* slot(std::int32_t i) const { return slots_ + std::int64_t{i} * (nodes() + 1) * R; }
    S* sums(std::int32_t column) const { return sums_ + std::int64_t{column} * rows; }

    void ask(const PathTest& test, M* answer) const {
        const std::int32_t* const cells = cells_ + std::int64_t{test.feature} * rows;
        if (test.set < 0) {
            for (int r = 0; r < R; ++r) answer[r] = L::at_most(cells + r * W, test.add, test.last);
            return;
        }
        for (int r = 0; r < R; ++r) {
            std::uint32_t listed = 0;
            for (int l = 0; l < W; ++l) {
                const std::int32_t cell = cells[r * W + l];
                const std::int64_t at = test.set + (cell > test.missing ? test.missing : cell);
                listed |= static_cast<std::uint32_t>((view_.bits[at >> 6] >> (at & 63)) & 1) << l;
            }
            answer[r] = L::of_bits(listed);
        }
    }

    void open(const PathOp& op) const {
        const V* const from = slot(op.slot);
        V* const to = slot(op.other);
        M answer[R];
        ask(op.test, answer);
        for (int r = 0; r < R; ++r) answers_[op.depth * R + r] = held_[op.place * R + r] = answer[r];
        const S* const h = view_.data + op.data;
        for (int q = 0; q < nodes(); ++q) {
            const V by = L::all(h[q]);
            for (int r = 0; r < R; ++r) to[q * R + r] = L::times_unless(answer[r], from[q * R + r], by);
        }
    }

    void turn(const PathOp& op) const {
        V* const to = slot(op.slot);
        M answer[R];
        for (int r = 0; r < R; ++r) {
            answer[r] = L::no(answers_[op.depth * R + r]);
            held_[op.place * R + r] = answer[r];
        }
        const S* const h = view_.data + op.data;
        for (int q = 0; q < nodes(); ++q) {
            const V by = L::all(h[q]);
            for (int r = 0; r < R; ++r) to[q * R + r] = L::times_unless(answer[r], to[q * R + r], by);
        }
    }

    // sum_q of the side that x takes; leaves E = E_L + E_R and A = A_L + A_R in the slot.
    void close(const PathOp& op) const {
        const V* const left = slot(op.other);
        V* const here = slot(op.slot);
        const S *const bl = view_.data + op.data, *const br = bl + nodes();
        S* const out = sums(op.column);
        M answer[R];
        V sum[R];
        for (int r = 0; r < R; ++r) {
            answer[r] = answers_[op.depth * R + r];
            here[nodes() * R + r] = sum[r] = left[nodes() * R + r] + here[nodes() * R + r];
        }
        for (int q = 0; q < nodes(); ++q) {
            const V on_left = L::all(bl[q]), on_right = L::all(br[q]);
            for (int r = 0; r < R; ++r) {
                const V el = left[q * R + r], er = here[q * R + r];
                sum[r] = sum[r] + L::product_of(answer[r], el, on_left, er, on_right);
                here[q * R + r] = el + er;
            }
        }
        for (int r = 0; r < R; ++r) L::store(out + r * W, L::load(out + r * W) + sum[r]);
    }

    void open_again(const PathOp& op) const {
        const V* const from = slot(op.slot);
        V* const to = slot(op.other);
        M answer[R], before[R], now[R];
        ask(op.test, answer);
        for (int r = 0; r < R; ++r) {
            before[r] = held_[op.place * R + r];
            now[r] = L::both(before[r], answer[r]);
            answers_[op.depth * R + r] = answer[r];
            saved_[op.depth * R + r] = before[r];
            held_[op.place * R + r] = now[r];
        }
        scale_again(op, from, to, before, now);
    }

    void turn_again(const PathOp& op) const {
        V* const to = slot(op.slot);
        M before[R], now[R];
        for (int r = 0; r < R; ++r) {
            before[r] = saved_[op.depth * R + r];
            now[r] = L::both(before[r], L::no(answers_[op.depth * R + r]));
            held_[op.place * R + r] = now[r];
        }
        scale_again(op, to, to, before, now);
    }

    // By 1 where the player still stays, by h where it leaves here, by h / h(above) where it had left.
    void scale_again(const PathOp& op, const V* from, V* to, const M* before, const M* now) const {
        const S *const h = view_.data + op.data, *const g = h + nodes();
        for (int q = 0; q < nodes(); ++q) {
            const V leaves = L::all(h[q]), had_left = L::all(g[q]);
            for (int r = 0; r < R; ++r)
                to[q * R + r] = L::times_unless(now[r], from[q * R + r], L::where(before[r], leaves, had_left));
        }
    }

    void close_again(const PathOp& op) const {
        const V* const left = slot(op.other);
        V* const here = slot(op.slot);
        const S *const bl = view_.data + op.data, *const br = bl + nodes(), *const above = br + nodes();
        S* const out = sums(op.column);
        M answer[R], before[R];
        V sum[R], earlier[R];
        for (int r = 0; r < R; ++r) {
            answer[r] = answers_[op.depth * R + r];
            before[r] = saved_[op.depth * R + r];
            held_[op.place * R + r] = before[r];
            here[nodes() * R + r] = left[nodes() * R + r] + here[nodes() * R + r];
            sum[r] = earlier[r] = L::all(S(0));
        }
        for (int q = 0; q < nodes(); ++q) {
            const V on_left = L::all(bl[q]), on_right = L::all(br[q]), b = L::all(above[q]);
            for (int r = 0; r < R; ++r) {
                const V el = left[q * R + r], er = here[q * R + r], e = el + er;
                sum[r] = sum[r] + L::product_of(answer[r], el, on_left, er, on_right);
                earlier[r] = earlier[r] + b * e;
                here[q * R + r] = e;
            }
        }
        const V zero = L::all(S(0));
        for (int r = 0; r < R; ++r)
            L::store(out + r * W, L::load(out + r * W) + L::where(before[r], sum[r] - earlier[r], zero));
    }

    void leaf(const PathOp& op) const {
        V* const here = slot(op.slot);
        const S* const value = view_.data + op.data;
        V away[R];
        for (int r = 0; r < R; ++r) away[r] = L::all(S(0));
        for (int q = 0; q < nodes(); ++q) {
            const V by = L::all(value[q]), a = L::all(view_.away[q]);
            for (int r = 0; r < R; ++r) {
                const V e = here[q * R + r] * by;
                here[q * R + r] = e;
                away[r] = away[r] + a * e;
            }
        }
        for (int r = 0; r < R; ++r) here[nodes() * R + r] = away[r];
    }

    void block(const PathOp& op) const {
        switch (op.players) {
            case 1:
                return block_of<1>(op);
            case 2:
                return block_of<2>(op);
            default:
                return block_of<3>(op);
        }
    }

    template <int P>
    void block_of(const PathOp& op) const {
        const PathBlock& info = view_.blocks[op.block];
        M given[block_answers][R];
        int bits = 0;
        for (; bits < op.tests; ++bits) ask(info.tests[bits], given[bits]);
        for (int i = 0; i < op.held; ++i, ++bits)
            for (int r = 0; r < R; ++r) given[bits][r] = held_[info.held[i] * R + r];
        for (; bits < block_answers; ++bits)
            for (int r = 0; r < R; ++r) given[bits][r] = L::never();
        V* const here = slot(op.slot);
        S* out[P];
        for (int j = 0; j < P; ++j) out[j] = sums(info.columns[j]);
        for (int r = 0; r < R; ++r) {
            const auto pattern = L::pattern(given[0][r], given[1][r], given[2][r]);
            const S* table = view_.data + op.data;
            V away = L::all(S(0)), sum[P];
            for (int j = 0; j < P; ++j) sum[j] = L::load(out[j] + r * W);
            for (int q = 0; q < nodes(); ++q, table += (1 + P) * block_entries) {
                const V g = here[q * R + r], e = g * L::look_up(table, pattern);
                here[q * R + r] = e;
                away = away + L::all(view_.away[q]) * e;
                for (int j = 0; j < P; ++j) sum[j] = sum[j] + g * L::look_up(table + (1 + j) * block_entries, pattern);
            }
            here[nodes() * R + r] = away;
            for (int j = 0; j < P; ++j) L::store(out[j] + r * W, sum[j]);
        }
    }

    const PathView<S> view_;
    const int nodes_;
    const std::int32_t* const cells_;
    S* const sums_;
    Edge* const edges_;
    V *const slots_, *const parts_;
    M *const answers_, *const saved_, *const held_;
};

template <typename L, int R>
void walk_values(const PathView<typename L::Scalar>& view, const std::int32_t* cells, typename L::Scalar* sums,
                 std::byte* scratch) {
    switch (view.nodes) {
        case 1:
            return PathWalk<L, 1, R>(view, cells, sums, scratch).run();
        case 2:
            return PathWalk<L, 2, R>(view, cells, sums, scratch).run();
        case 3:
            return PathWalk<L, 3, R>(view, cells, sums, scratch).run();
        case 4:
            return PathWalk<L, 4, R>(view, cells, sums, scratch).run();
        case 5:
            return PathWalk<L, 5, R>(view, cells, sums, scratch).run();
        default:
            return PathWalk<L, 0, R>(view, cells, sums, scratch).run();
    }
}

template <typename L>
void path_values(const PathView<typename L::Scalar>& view, int vectors, const std::int32_t* cells,
                 typename L::Scalar* sums, std::byte* scratch) {
    if (vectors == 1)
        walk_values<L, 1>(view, cells, sums, scratch);
    else
        walk_values<L, L::most_vectors>(view, cells, sums, scratch);
}
