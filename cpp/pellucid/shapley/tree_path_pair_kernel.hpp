// Pairwise interactions, read after the kernel of values by the unit of each level.

// The same walk for pairs: what a node adds to sum_q is left open in q, and met with (o - r) / f of every player above.
template <typename L, int fixed_nodes, int R>
class PairWalk : PathWalk<L, fixed_nodes, R> {
    using Walk = PathWalk<L, fixed_nodes, R>;
    using S = typename L::Scalar;
    using V = typename L::Vector;
    using M = typename L::Mask;
    static constexpr int W = L::lanes, rows = R * W;
    using Walk::nodes, Walk::view_, Walk::held_, Walk::answers_, Walk::saved_, Walk::slot, Walk::parts_, Walk::edges_;

  public:
    PairWalk(const PathView<S>& view, const std::int32_t* cells, S* sums, std::byte* scratch)
        : Walk(view, cells, sums, scratch) {}

    void run() { this->walk(*this); }

    void block(const PathOp&) const {}  // its programs have none
    void open(const PathOp& op) const { Walk::open(op), take_edge(op); }
    void turn(const PathOp& op) const { Walk::turn(op), take_edge(op); }
    void close(const PathOp& op) const { meet(op, op.place, part_of(op)); }
    void open_again(const PathOp& op) const { Walk::open_again(op), take_edge(op); }
    void turn_again(const PathOp& op) const { Walk::turn_again(op), take_edge(op); }
    void close_again(const PathOp& op) const { meet(op, op.places, part_of_again(op)); }
    using Walk::leaf;

  private:
    void take_edge(const PathOp& op) const { edges_[op.place] = {op.edge, op.column}; }

    // w (-E / (1-p) + o b E) of both children.
    V* part_of(const PathOp& op) const {
        const V* const left = slot(op.other);
        V* const here = slot(op.slot);
        const S *const bl = view_.data + op.data, *const br = bl + nodes();
        for (int q = 0; q < nodes(); ++q) {
            const V on_left = L::all(bl[q]), on_right = L::all(br[q]), away = L::all(view_.away[q]);
            const V weight = L::all(view_.weight[q]);
            for (int r = 0; r < R; ++r) {
                const V el = left[q * R + r], er = here[q * R + r], e = el + er;
                const V taken = L::product_of(answers_[op.depth * R + r], el, on_left, er, on_right);
                parts_[q * R + r] = weight * (away * e + taken);
                here[q * R + r] = e;
            }
        }
        return parts_;
    }

    V* part_of_again(const PathOp& op) const {
        const V* const left = slot(op.other);
        V* const here = slot(op.slot);
        const S *const bl = view_.data + op.data, *const br = bl + nodes(), *const above = br + nodes();
        const V zero = L::all(S(0));
        for (int q = 0; q < nodes(); ++q) {
            const V on_left = L::all(bl[q]), on_right = L::all(br[q]), b = L::all(above[q]);
            const V weight = L::all(view_.weight[q]);
            for (int r = 0; r < R; ++r) {
                const V el = left[q * R + r], er = here[q * R + r], e = el + er;
                const V taken = L::product_of(answers_[op.depth * R + r], el, on_left, er, on_right);
                parts_[q * R + r] = L::where(saved_[op.depth * R + r], weight * (taken - b * e), zero);
                here[q * R + r] = e;
            }
        }
        for (int r = 0; r < R; ++r) held_[op.place * R + r] = saved_[op.depth * R + r];
        edges_[op.place].b = op.edge;
        return parts_;
    }

    void meet(const PathOp& op, std::int32_t above, const V* part) const {
        if (above == 0) return;
        V all[R];
        for (int r = 0; r < R; ++r) all[r] = L::all(S(0));
        for (int q = 0; q < nodes(); ++q)
            for (int r = 0; r < R; ++r) all[r] = all[r] + L::all(view_.away[q]) * part[q * R + r];
        const V zero = L::all(S(0));
        for (std::int32_t i = 0; i < above; ++i) {
            if (i == op.place) continue;
            const std::int64_t one = edges_[i].column, two = op.column;
            const std::int64_t pair = one < two ? two * (two - 1) / 2 + one : one * (one - 1) / 2 + two;
            S* const out = this->sums_ + (view_.first_pair + pair) * rows;
            const S* const b = view_.data + edges_[i].b;
            V sum[R];
            for (int r = 0; r < R; ++r) sum[r] = zero;
            for (int q = 0; q < nodes(); ++q) {
                const V by = L::all(b[q]);
                for (int r = 0; r < R; ++r) sum[r] = sum[r] + by * part[q * R + r];
            }
            for (int r = 0; r < R; ++r)
                L::store(out + r * W, L::load(out + r * W) + (all[r] + L::where(held_[i * R + r], sum[r], zero)));
        }
    }
};

template <typename L>
void path_pairs(const PathView<typename L::Scalar>& view, int vectors, const std::int32_t* cells,
                typename L::Scalar* sums, std::byte* scratch) {
    if (vectors == 1)
        PairWalk<L, 0, 1>(view, cells, sums, scratch).run();
    else
        PairWalk<L, 0, L::most_vectors>(view, cells, sums, scratch).run();
}
