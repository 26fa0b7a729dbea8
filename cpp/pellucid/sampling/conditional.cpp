#include "pellucid/sampling/conditional.hpp"

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"

namespace pellucid {
namespace {

// A chunk is some 2^18 multiplications: long enough to be worth waking a thread for.
Index rows_per_chunk(Index columns) {
    return std::max<Index>(16, (Index{1} << 18) / std::max<Index>(1, columns * columns / 4));
}

// Draws completed together: the sums over the known columns then run side by side.
constexpr Index block = 32;

PELLUCID_SIMD void add_scaled(double factor, const double* __restrict from, Index count, double* __restrict to) {
    for (Index c = 0; c < count; ++c) to[c] += factor * from[c];
}

// gained (unknown, block) = gains' (unknown, known) times away (known, block), added in the order of the known columns.
PELLUCID_SIMD void gain_block(const double* __restrict gains, Index known, Index unknown, const double* __restrict away,
                              double* __restrict gained) {
    for (Index u = 0; u < unknown; ++u) {
        double sums[block] = {};
        for (Index k = 0; k < known; ++k) {
            const double gain = gains[k * unknown + u];
            for (Index i = 0; i < block; ++i) sums[i] += gain * away[k * block + i];
        }
        for (Index i = 0; i < block; ++i) gained[u * block + i] = sums[i];
    }
}

}  // namespace

GaussianCompletion::GaussianCompletion(MatrixIn covariance, ColumnsIn part_of_column, Index parts,
                                       ColumnsIn component_of_column, ColumnsIn confounded, Index cache_bytes)
    : covariance_(covariance),
      part_(part_of_column.data(), part_of_column.data() + part_of_column.size()),
      parts_(parts),
      cache_(cache_bytes) {
    const Index d = covariance.rows();
    require(covariance.cols() == d && covariance.allFinite(), "covariance must be square and finite, got ", d, " by ",
            covariance.cols());
    require(part_of_column.size() == d && component_of_column.size() == d,
            "part_of_column and component_of_column must ", "have an entry for each of the ", d, " columns");
    require(cache_bytes >= 0, "cache_bytes must not be negative, got ", cache_bytes);
    components_.resize(static_cast<std::size_t>(confounded.size()));
    for (Index c = 0; c < d; ++c) {
        require(part_of_column[c] >= 0 && part_of_column[c] < parts, "part_of_column[", c, "] is ", part_of_column[c],
                ", there are ", parts, " parts");
        const std::int32_t component = component_of_column[c];
        require(component >= 0 && component < confounded.size(), "component_of_column[", c, "] is ", component,
                ", there are ", confounded.size(), " components");
        if (covariance(c, c) > 0.0) components_[static_cast<std::size_t>(component)].push_back(c);
    }
    for (Index t = 0; t < confounded.size(); ++t) confounded_.push_back(confounded[t] != 0);
}

GaussianCompletion::Operator GaussianCompletion::make(const std::uint8_t* mask) const {
    Operator result;
    const Index d = covariance_.rows();
    std::vector<Index> place(static_cast<std::size_t>(d), -1);
    for (Index c = 0; c < d; ++c) {
        const auto at = static_cast<std::size_t>(c);
        if (mask[part_[at]]) place[at] = static_cast<Index>(result.known.size());
        (mask[part_[at]] ? result.known : result.unknown).push_back(c);
    }
    // Row c: how far column c moves from its draw per unit that the known columns are away from theirs.
    Matrix moves = Matrix::Zero(d, static_cast<Index>(result.known.size()));
    for (std::size_t k = 0; k < result.known.size(); ++k) moves(result.known[k], static_cast<Index>(k)) = 1.0;

    std::vector<Index> given, earlier;
    bool informed_before = false;
    for (std::size_t t = 0; t < components_.size(); ++t) {
        std::vector<Index> open, fixed;
        for (const Index c : components_[t]) (place[static_cast<std::size_t>(c)] < 0 ? open : fixed).push_back(c);
        given = earlier;
        if (!confounded_[t]) given.insert(given.end(), fixed.begin(), fixed.end());
        // Nothing known among the given columns leaves the draw as it is.
        if (!open.empty() && (informed_before || (!confounded_[t] && !fixed.empty()))) {
            const Eigen::LLT<Eigen::MatrixXd> factor(Eigen::MatrixXd(covariance_(given, given)));
            require<NumericalError>(factor.info() == Eigen::Success,
                                    "the covariance of the background is singular; add a ridge to its diagonal");
            const Eigen::MatrixXd slopes = factor.solve(Eigen::MatrixXd(covariance_(given, open)));
            moves(open, Eigen::all) = slopes.transpose() * moves(given, Eigen::all);
        }
        informed_before = informed_before || !fixed.empty();
        earlier.insert(earlier.end(), components_[t].begin(), components_[t].end());
    }
    result.gains = moves(result.unknown, Eigen::all).transpose();
    return result;
}

std::vector<const GaussianCompletion::Operator*> GaussianCompletion::kept(MasksIn masks) {
    const Index d = covariance_.rows();
    const auto bytes = [&](const std::uint8_t* mask) {
        Index known = 0;
        for (const std::int32_t part : part_) known += mask[part];
        return 8 * (known * (d - known) + d) + static_cast<Index>(sizeof(Operator)) + parts_;
    };
    return cache_.get(masks, bytes, [&](const std::uint8_t* mask) { return make(mask); });
}

void GaussianCompletion::check(VectorIn x, MatrixIn draws, MasksIn masks) const {
    const Index d = covariance_.rows();
    require(x.size() == d && draws.cols() == d, "x and draws must have ", d, " columns, got ", x.size(), " and ",
            draws.cols());
    require(masks.cols() == parts_, "masks must have ", parts_, " columns, got ", masks.cols());
}

void GaussianCompletion::compose(VectorIn x, MatrixIn draws, MasksIn masks, IndicesIn chosen, MatrixOut out) {
    const Index d = covariance_.rows(), rows = masks.rows();
    check(x, draws, masks);
    require(chosen.size() == rows && (chosen.array() >= 0).all() && (chosen.array() < draws.rows()).all(),
            "draws must name one of ", draws.rows(), " rows for each of the ", rows, " masks");
    require(out.rows() >= rows && out.cols() == d, "out must hold ", rows, " rows of ", d, " columns");
    const std::vector<const Operator*> operators = kept(masks);
    parallel_for(rows, rows_per_chunk(d), [&](Index first, Index last) {
        Operator fresh;
        std::vector<double> gained;
        for (Index i = first; i < last; ++i) {
            const Operator* found = operators[static_cast<std::size_t>(i)];
            if (found == nullptr) {
                fresh = make(masks.row(i).data());
                found = &fresh;
                poll_interrupt();
            }
            complete(*found, x.data(), draws.row(chosen[i]).data(), gained, out.row(i).data());
        }
    });
}

void GaussianCompletion::compose_grid(VectorIn x, MatrixIn draws, MasksIn masks, Index first_draw, Index draw_count,
                                      MatrixOut out) {
    const Index d = covariance_.rows();
    check(x, draws, masks);
    require(first_draw >= 0 && draw_count >= 0 && first_draw <= draws.rows() - draw_count, draw_count, " draws from ",
            first_draw, " on do not exist: there are ", draws.rows());
    const Index rows = checked_product(masks.rows(), draw_count, "masks times draws");
    require(out.rows() >= rows && out.cols() == d, "out must hold ", rows, " rows of ", d, " columns");
    const std::vector<const Operator*> operators = kept(masks);
    parallel_for(rows, rows_per_chunk(d), [&](Index first, Index last) {
        Operator fresh;
        std::vector<double> scratch;
        while (first < last) {
            const Index mask = first / draw_count, draw = first % draw_count;
            const Index run = std::min(last - first, draw_count - draw);
            const Operator* found = operators[static_cast<std::size_t>(mask)];
            if (found == nullptr) {
                fresh = make(masks.row(mask).data());
                found = &fresh;
                poll_interrupt();
            }
            complete_run(*found, x.data(), draws.middleRows(first_draw + draw, run), scratch,
                         out.middleRows(first, run));
            first += run;
        }
    });
}

void GaussianCompletion::complete(const Operator& by, const double* x, const double* draw, std::vector<double>& gained,
                                  double* out) {
    const auto unknown = static_cast<Index>(by.unknown.size());
    gained.assign(by.unknown.size(), 0.0);
    for (std::size_t k = 0; k < by.known.size(); ++k) {
        const Index c = by.known[k];
        out[c] = x[c];
        add_scaled(x[c] - draw[c], by.gains.row(static_cast<Index>(k)).data(), unknown, gained.data());
    }
    for (std::size_t u = 0; u < by.unknown.size(); ++u) out[by.unknown[u]] = draw[by.unknown[u]] + gained[u];
}

void GaussianCompletion::complete_run(const Operator& by, const double* x, MatrixIn draws, std::vector<double>& scratch,
                                      MatrixOut out) {
    const auto known = static_cast<Index>(by.known.size()), unknown = static_cast<Index>(by.unknown.size());
    scratch.assign(static_cast<std::size_t>((known + unknown) * block), 0.0);
    double* away = scratch.data();
    double* gained = away + known * block;
    for (Index begin = 0; begin < draws.rows(); begin += block) {
        const Index count = std::min(block, draws.rows() - begin);
        for (Index i = 0; i < count; ++i) {
            const double* draw = draws.row(begin + i).data();
            double* to = out.row(begin + i).data();
            for (Index k = 0; k < known; ++k) {
                const Index c = by.known[static_cast<std::size_t>(k)];
                away[k * block + i] = x[c] - draw[c];
                to[c] = x[c];
            }
        }
        gain_block(by.gains.data(), known, unknown, away, gained);
        for (Index i = 0; i < count; ++i) {
            const double* draw = draws.row(begin + i).data();
            double* to = out.row(begin + i).data();
            for (Index u = 0; u < unknown; ++u) {
                const Index c = by.unknown[static_cast<std::size_t>(u)];
                to[c] = draw[c] + gained[u * block + i];
            }
        }
    }
}

Matrix GaussianCompletion::operators(MasksIn masks) const {
    const Index d = covariance_.rows();
    require(masks.cols() == parts_, "masks must have ", parts_, " columns, got ", masks.cols());
    Matrix result = Matrix::Zero(checked_product(masks.rows(), d, "masks times columns"), d);
    for (Index i = 0; i < masks.rows(); ++i) {
        const Operator one = make(masks.row(i).data());
        for (std::size_t k = 0; k < one.known.size(); ++k)
            for (std::size_t u = 0; u < one.unknown.size(); ++u)
                result(i * d + one.unknown[u], one.known[k]) = one.gains(static_cast<Index>(k), static_cast<Index>(u));
    }
    return result;
}

}  // namespace pellucid
