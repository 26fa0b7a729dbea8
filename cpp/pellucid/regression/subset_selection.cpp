#include "pellucid/regression/subset_selection.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"

namespace pellucid {
namespace {

constexpr double smallest_pivot = 1e-10;
constexpr double constant_column = 1e-15;
constexpr double ridge_of_singular = 1e-9;
constexpr double no_better = 1e-12;

using Columns64 = std::vector<Index>;

void check_problem(MatrixIn gram, VectorIn response, double total, Index k) {
    require(gram.rows() == gram.cols() && gram.rows() >= 1, "gram must be square, got ", gram.rows(), " by ",
            gram.cols());
    require(response.size() == gram.rows(), "response must have ", gram.rows(), " entries, got ", response.size());
    require(gram.allFinite() && response.allFinite() && std::isfinite(total),
            "gram, response and total must be finite");
    require(gram.diagonal().minCoeff() >= 0.0 && total >= 0.0,
            "the diagonal of gram and total must not be negative: they are sums of squares");
    require(k >= 1, "k must be at least 1, got ", k);
}

// The columns that vary, scaled to a unit diagonal.
struct Correlations {
    Columns64 columns;
    Vector scale;
    Matrix gram;
    Vector response;
};

Correlations correlations(MatrixIn gram, VectorIn response) {
    Correlations of;
    const double floor = constant_column * gram.diagonal().maxCoeff();
    for (Index j = 0; j < gram.rows(); ++j)
        if (gram(j, j) > floor) of.columns.push_back(j);
    of.gram = gram(of.columns, of.columns);
    of.scale = of.gram.diagonal().cwiseSqrt();
    const Vector inverse = of.scale.cwiseInverse();
    of.gram = inverse.asDiagonal() * of.gram * inverse.asDiagonal();
    of.gram.diagonal().setOnes();
    of.response = inverse.cwiseProduct(Vector(response(of.columns)));
    return of;
}

// Pivoted Cholesky: the next pivot is the column with the largest drop r_j^2 / d_j among `allowed`. The rows of `lower`
// are the columns of the factor.
SubsetFit forward(const Correlations& of, double total, Index k, const Columns64& allowed) {
    const Index p = static_cast<Index>(of.columns.size());
    k = std::min(k, static_cast<Index>(allowed.size()));
    Matrix lower(k, p);
    Vector left = of.gram.diagonal(), residual = of.response, entered(k);
    std::vector<bool> chosen(static_cast<std::size_t>(p), false);
    Columns64 order;
    SubsetFit fit;
    fit.rss = total;
    for (Index t = 0; t < k; ++t) {
        Index best = -1;
        double drop = -1.0;
        for (const Index j : allowed) {
            if (chosen[static_cast<std::size_t>(j)] || left[j] <= smallest_pivot) continue;
            const double now = residual[j] * residual[j] / left[j];
            if (now > drop) drop = now, best = j;
        }
        if (best < 0) break;
        const double pivot = std::sqrt(left[best]);
        Vector column = of.gram.col(best);
        for (Index s = 0; s < t; ++s) column -= lower(s, best) * lower.row(s).transpose();
        lower.row(t) = column.transpose() / pivot;
        entered[t] = residual[best] / pivot;
        left -= lower.row(t).transpose().cwiseAbs2();
        residual -= entered[t] * lower.row(t).transpose();
        fit.rss -= drop;
        chosen[static_cast<std::size_t>(best)] = true;
        order.push_back(best);
        poll_interrupt();
    }
    const Index size = static_cast<Index>(order.size());
    fit.rss = std::max(fit.rss, 0.0);
    fit.indices.resize(size);
    fit.coefficients = entered.head(size);
    // L' b = the drops' roots, L' upper triangular in the order of entry
    for (Index t = size; t-- > 0;) {
        for (Index s = t + 1; s < size; ++s)
            fit.coefficients[t] -= lower(t, order[static_cast<std::size_t>(s)]) * fit.coefficients[s];
        fit.coefficients[t] /= lower(t, order[static_cast<std::size_t>(t)]);
    }
    for (Index t = 0; t < size; ++t) {
        const Index j = order[static_cast<std::size_t>(t)];
        fit.indices[t] = of.columns[static_cast<std::size_t>(j)];
        fit.coefficients[t] /= of.scale[j];
    }
    return fit;
}

Columns64 all_of(const Correlations& of) {
    Columns64 all(of.columns.size());
    for (std::size_t j = 0; j < all.size(); ++j) all[j] = static_cast<Index>(j);
    return all;
}

// Places of the chosen columns among those that vary.
Columns64 places(const Correlations& of, const SubsetFit& fit) {
    Columns64 found;
    for (const Index j : fit.indices)
        found.push_back(std::lower_bound(of.columns.begin(), of.columns.end(), j) - of.columns.begin());
    return found;
}

// [G c; c' total] swept on the chosen columns S: -G_SS^-1, G_SS^-1 G_SN, the Schur complement, b_S, the residuals of c
// and the RSS stand where G_SS, G_SN, G_NN, c_S, c_N and total stood.
Matrix swept(const Correlations& of, double total, const Columns64& chosen) {
    const Index p = of.gram.rows();
    Matrix table(p + 1, p + 1);
    table.topLeftCorner(p, p) = of.gram;
    table.row(p).head(p) = of.response.transpose();
    table.col(p).head(p) = of.response;
    table(p, p) = total;
    for (const Index j : chosen) {
        const Vector column = table.col(j);
        const double pivot = column[j];
        table.noalias() -= column / pivot * column.transpose();
        table.col(j) = column / pivot;
        table.row(j) = column.transpose() / pivot;
        table(j, j) = -1.0 / pivot;
        poll_interrupt();
    }
    return table;
}

// Exchanges one chosen column for another, the best exchange first, while the RSS falls.
void improve_by_swaps(const Correlations& of, double total, Columns64& chosen) {
    const Index p = of.gram.rows();
    std::sort(chosen.begin(), chosen.end());
    while (!chosen.empty()) {
        const Matrix table = swept(of, total, chosen);
        double best = no_better * total;
        Columns64::iterator out = chosen.end();
        Index in = -1;
        for (auto i = chosen.begin(); i != chosen.end(); ++i) {
            const double inverse = -table(*i, *i), b = table(*i, p);
            for (Index j = 0; j < p; ++j) {
                if (std::binary_search(chosen.begin(), chosen.end(), j)) continue;
                const double h = table(*i, j), pivot = table(j, j) + h * h / inverse;
                if (pivot <= smallest_pivot) continue;
                const double residual = table(j, p) + h * b / inverse;
                const double gain = residual * residual / pivot - b * b / inverse;
                if (gain > best) best = gain, out = i, in = j;
            }
        }
        if (in < 0) return;
        *out = in;
        std::sort(chosen.begin(), chosen.end());
    }
}

class LeapsAndBounds {
  public:
    LeapsAndBounds(const Correlations& of, double total, Index k, Index node_limit, Columns64 incumbent)
        : of_(of), total_(total), k_(k), node_limit_(node_limit), best_(std::move(incumbent)) {
        best_rss_ = rss_of(best_);
        const Index p = of.gram.rows();
        const Eigen::LLT<Eigen::MatrixXd> factor{Eigen::MatrixXd(of.gram)};
        require<NumericalError>(factor.info() == Eigen::Success, "gram must be positive semi-definite");
        levels_.resize(static_cast<std::size_t>(p - k + 1));
        Model& full = levels_.front();
        full.columns = all_of(of);
        full.inverse = factor.solve(Eigen::MatrixXd::Identity(p, p));
        full.coefficients = factor.solve(of.response);
        full.rss = total - full.coefficients.dot(of.response);
    }

    void run() { visit(0, 0); }

    const Columns64& best() const { return best_; }
    bool proven() const { return nodes_ <= node_limit_; }
    Index nodes() const { return std::min(nodes_, node_limit_); }

  private:
    struct Model {
        Columns64 columns;  // those that must stay first
        Matrix inverse;     // of the Gram matrix of these columns
        Vector coefficients;
        double rss = 0.0;
    };
    struct Price {
        double cost;
        Index place;
    };

    double rss_of(const Columns64& chosen) const {
        const Eigen::MatrixXd gram = of_.gram(chosen, chosen);
        const Vector response = of_.response(chosen);
        return total_ - response.dot(gram.llt().solve(response));
    }

    double cutoff() const { return best_rss_ - no_better * total_; }

    void offer(Columns64 chosen) {
        const double rss = rss_of(chosen);
        if (rss >= cutoff()) return;
        best_rss_ = rss;
        best_ = std::move(chosen);
    }

    // All subsets of k columns inside the model of this depth that keep its first `kept` columns.
    void visit(std::size_t depth, Index kept) {
        if (++nodes_ > node_limit_) return;
        poll_interrupt();
        const Model& model = levels_[depth];
        const Index m = static_cast<Index>(model.columns.size()), free = m - kept, surplus = m - k_;
        if (surplus == 0 || free == surplus) {
            const Index size = surplus == 0 ? m : kept;
            return offer(Columns64(model.columns.begin(), model.columns.begin() + size));
        }
        std::vector<Price> prices;
        for (Index a = kept; a < m; ++a)
            prices.push_back({model.coefficients[a] * model.coefficients[a] / model.inverse(a, a), a});
        std::sort(prices.begin(), prices.end(), [](const Price& a, const Price& b) {
            return a.cost != b.cost ? a.cost > b.cost : a.place < b.place;
        });
        // The surplus columns cost at least as much together as the dearest of them alone.
        if (model.rss + prices[static_cast<std::size_t>(free - surplus)].cost >= cutoff()) return;
        if (surplus == 1) {
            Columns64 chosen = model.columns;
            chosen.erase(chosen.begin() + prices.back().place);
            return offer(std::move(chosen));
        }
        // Child t loses the t-th dearest and must keep the dearer ones: the child of the largest subtree has the
        // highest bound. The cheapest go first, as they lead to good subsets.
        for (Index t = free - surplus; t >= 0; --t) {
            if (model.rss + prices[static_cast<std::size_t>(t)].cost >= cutoff()) return;
            drop(depth, kept, prices, t);
            visit(depth + 1, kept + t);
            if (nodes_ > node_limit_) return;
        }
    }

    void drop(std::size_t depth, Index kept, const std::vector<Price>& prices, Index t) {
        const Model& model = levels_[depth];
        Model& child = levels_[depth + 1];
        const Index m = static_cast<Index>(model.columns.size()), gone = prices[static_cast<std::size_t>(t)].place;
        Columns64 from(static_cast<std::size_t>(m - 1));
        Index next = 0;
        for (Index a = 0; a < kept; ++a) from[static_cast<std::size_t>(next++)] = a;
        for (const Price& price : prices)
            if (price.place != gone) from[static_cast<std::size_t>(next++)] = price.place;
        child.columns.resize(from.size());
        child.inverse.resize(m - 1, m - 1);
        child.coefficients.resize(m - 1);
        const double corner = model.inverse(gone, gone), b = model.coefficients[gone];
        for (Index a = 0; a < m - 1; ++a) {
            const Index i = from[static_cast<std::size_t>(a)];
            const double factor = model.inverse(i, gone) / corner;
            child.columns[static_cast<std::size_t>(a)] = model.columns[static_cast<std::size_t>(i)];
            child.coefficients[a] = model.coefficients[i] - factor * b;
            for (Index c = 0; c <= a; ++c) {
                const Index j = from[static_cast<std::size_t>(c)];
                child.inverse(a, c) = child.inverse(c, a) = model.inverse(i, j) - factor * model.inverse(gone, j);
            }
        }
        child.rss = model.rss + b * b / corner;
    }

    const Correlations& of_;
    double total_;
    Index k_, node_limit_, nodes_ = 0;
    Columns64 best_;
    double best_rss_ = 0.0;
    std::vector<Model> levels_;
};

}  // namespace

SubsetFit forward_selection(MatrixIn gram, VectorIn response, double total, Index k) {
    check_problem(gram, response, total, k);

    const Correlations of = correlations(gram, response);
    return forward(of, total, k, all_of(of));
}

SubsetFit swap_selection(MatrixIn gram, VectorIn response, double total, Index k) {
    check_problem(gram, response, total, k);

    const Correlations of = correlations(gram, response);
    Columns64 chosen = places(of, forward(of, total, k, all_of(of)));
    improve_by_swaps(of, total, chosen);
    return forward(of, total, k, chosen);
}

SubsetFit best_subset(MatrixIn gram, VectorIn response, double total, Index k, Index node_limit) {
    check_problem(gram, response, total, k);
    require(gram.rows() <= most_best_subset_columns, "gram must have at most ", most_best_subset_columns,
            " columns for the best subset, got ", gram.rows(), "; use forward selection");
    require(node_limit >= 1, "node_limit must be at least 1, got ", node_limit);

    const Correlations of = correlations(gram, response);
    if (k >= of.gram.rows()) {
        SubsetFit all = forward(of, total, k, all_of(of));
        all.proven = true;
        return all;
    }
    Correlations compared = of;
    const Eigen::LLT<Eigen::MatrixXd> factor{Eigen::MatrixXd(of.gram)};
    const bool ridged =
        factor.info() != Eigen::Success || Matrix(factor.matrixL()).diagonal().cwiseAbs2().minCoeff() < smallest_pivot;
    if (ridged) compared.gram.diagonal().array() += ridge_of_singular;

    Columns64 chosen = places(of, forward(compared, total, k, all_of(of)));
    improve_by_swaps(compared, total, chosen);
    LeapsAndBounds search(compared, total, k, node_limit, chosen);
    search.run();
    SubsetFit fit = forward(of, total, k, search.best());
    fit.proven = search.proven();
    fit.ridged = ridged;
    fit.nodes = search.nodes();
    return fit;
}

}  // namespace pellucid
