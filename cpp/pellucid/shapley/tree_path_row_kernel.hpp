// Values of one row, whose vectors are the nodes of the quadrature. Read by the unit of each level, in a namespace of
// its own, after what it is included by; the loops over the nodes are for the compiler to lay side by side.

// W numbers are padded nodes of the tree; what is added up is those there are.
template <typename S, int W>
class RowWalk {
  public:
    RowWalk(const PathRowView<S>& view, std::int64_t stride, const std::int32_t* cells, S* sums, std::byte* scratch)
        : view_(view),
          nodes_(view.nodes),
          stride_(stride),
          cells_(cells),
          sums_(sums),
          products_(reinterpret_cast<S*>(scratch)),
          away_(products_ + view.items * W),
          known_(reinterpret_cast<std::int32_t*>(away_ + view.items)),
          answers_(known_ + view.items) {}

    void run() const {
        down();
        const PathRowBlock* block = view_.blocks;
        const PathRowStep* const end = view_.steps + view_.step_count;
        for (const PathRowStep* step = view_.steps; step != end; ++step) switch (step->step) {
                case PathStep::block:
                    if (step->tests == 1)
                        block_of<1, 1>(*step, *block++);
                    else if (step->players == 1)
                        block_of<1, block_answers>(*step, *block++);
                    else if (step->players == 2)
                        block_of<2, block_answers>(*step, *block++);
                    else
                        block_of<3, block_answers>(*step, *block++);
                    break;
                case PathStep::leaf:
                    rise(*step, view_.up + step->data);
                    break;
                case PathStep::close:
                    close(*step);
                    break;
                default:
                    close_again(*step);
                    break;
            }
    }

  private:
    S* product(std::int64_t item) const { return products_ + item * W; }

    unsigned ask(const PathTest& test) const {
        const std::int32_t cell = cells_[test.feature * stride_];
        if (test.set < 0) [[likely]]
            return static_cast<std::int32_t>(static_cast<std::uint32_t>(cell) + static_cast<std::uint32_t>(test.add)) <=
                   test.last;
        const std::int64_t at = test.set + (cell > test.missing ? test.missing : cell);
        return static_cast<unsigned>((view_.bits[at >> 6] >> (at & 63)) & 1);
    }

    // Factors of an edge: 1 where its player stays, else h or, where it had left, h / h(above). No branch, as rows
    // answer differently.
    const S* factors(const PathRowSplit& split, unsigned before, unsigned now, int right) const {
        const std::int64_t left_at = split.data + W * (right + 2 * static_cast<std::int64_t>(1 - before));
        return view_.down + (left_at & (static_cast<std::int64_t>(now) - 1));
    }

    void down() const {
        S* const top = product(2);
        for (int q = 0; q < W; ++q) top[q] = S(1);
        known_[0] = 0;
        known_[1] = 1;
        for (std::int64_t i = 0; i < view_.split_count; ++i) {
            const PathRowSplit& split = view_.splits[i];
            const unsigned answer = ask(split.test), before = static_cast<unsigned>(known_[split.above]);
            const unsigned left = before & answer, right = before & (1 - answer);
            answers_[i] = static_cast<std::int32_t>(answer);
            known_[split.left] = static_cast<std::int32_t>(left);
            known_[split.left + 1] = static_cast<std::int32_t>(right);
            const S *const by_left = factors(split, before, left, 0), *const by_right =
                                                                          factors(split, before, right, 1);
            const S* const from = product(split.here);
            S* const to = product(split.left);
            S made[2 * W];
            for (int q = 0; q < W; ++q) made[q] = from[q] * by_left[q];
            for (int q = 0; q < W; ++q) made[W + q] = from[q] * by_right[q];
            for (int q = 0; q < 2 * W; ++q) to[q] = made[q];
        }
    }

    void rise(const PathRowStep& step, const S* by) const {
        S* const here = product(step.here);
        S e[W];
        for (int q = 0; q < W; ++q) e[q] = here[q] * by[q];
        for (int q = 0; q < W; ++q) here[q] = e[q];
        for (int q = 0; q < W; ++q) e[q] = view_.up[q] * e[q];
        S away = S(0);
        for (int q = 0; q < nodes_; ++q) away = away + e[q];
        away_[step.here] = away;
    }

    // Of P players; one question leaves one bit for what is held.
    template <int P, int tests>
    void block_of(const PathRowStep& step, const PathRowBlock& block) const {
        std::int64_t pattern = 0;
        for (int b = 0; b < (tests == 1 ? 2 : block_answers); ++b) {
            const auto held = static_cast<unsigned>(known_[block.held[b]]);
            pattern |= static_cast<std::int64_t>(b < tests ? ask(block.tests[b]) | held : held) << b;
        }
        const S* const table = view_.up + step.data + pattern * ((1 + P) * W);
        S* const here = product(step.here);
        for (int j = 0; j < P; ++j) {
            S part[W];
            for (int q = 0; q < W; ++q) part[q] = here[q] * table[(1 + j) * W + q];
            S& out = sums_[block.columns[j] * stride_];
            S sum = out;
            for (int q = 0; q < nodes_; ++q) sum = sum + part[q];
            out = sum;
        }
        rise(step, table);
    }

    void close(const PathRowStep& step) const {
        const std::int32_t answer = answers_[step.split];
        const S *const left = product(step.left), *const right = left + W;
        const S* const side = left + W * (1 - answer);
        const S* const b = view_.up + step.data + W * (1 - answer);
        S part[W], e[W];
        for (int q = 0; q < W; ++q) part[q] = side[q] * b[q];
        for (int q = 0; q < W; ++q) e[q] = left[q] + right[q];
        S* const here = product(step.here);
        for (int q = 0; q < W; ++q) here[q] = e[q];
        S sum = away_[step.left] + away_[step.left + 1];
        away_[step.here] = sum;
        for (int q = 0; q < nodes_; ++q) sum = sum + part[q];
        S& out = sums_[step.column * stride_];
        out = out + sum;
    }

    void close_again(const PathRowStep& step) const {
        const std::int32_t answer = answers_[step.split];
        const S *const left = product(step.left), *const right = left + W;
        const S* const side = left + W * (1 - answer);
        const S *const b = view_.up + step.data, *const taken = b + W * (1 - answer), *const above = b + 2 * W;
        S part[W], before[W], e[W];
        for (int q = 0; q < W; ++q) part[q] = side[q] * taken[q];
        for (int q = 0; q < W; ++q) e[q] = left[q] + right[q];
        for (int q = 0; q < W; ++q) before[q] = above[q] * e[q];
        S* const here = product(step.here);
        for (int q = 0; q < W; ++q) here[q] = e[q];
        away_[step.here] = away_[step.left] + away_[step.left + 1];
        S sum = S(0), earlier = S(0);
        for (int q = 0; q < nodes_; ++q) sum = sum + part[q];
        for (int q = 0; q < nodes_; ++q) earlier = earlier + before[q];
        S& out = sums_[step.column * stride_];
        out = out + (known_[step.above] != 0 ? sum - earlier : S(0));
    }

    const PathRowView<S> view_;
    const int nodes_;
    const std::int64_t stride_;
    const std::int32_t* const cells_;
    S *const sums_, *const products_, *const away_;
    std::int32_t *const known_, *const answers_;
};

template <typename S>
void path_row(const PathRowView<S>& view, std::int64_t stride, const std::int32_t* cells, S* sums, std::byte* scratch) {
    if (path_row_width(view.nodes) == 4)
        RowWalk<S, 4>(view, stride, cells, sums, scratch).run();
    else
        RowWalk<S, 8>(view, stride, cells, sums, scratch).run();
}
