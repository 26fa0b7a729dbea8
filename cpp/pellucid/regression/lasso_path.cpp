#include "pellucid/regression/lasso_path.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"

namespace pellucid {
namespace {

constexpr double smallest_pivot = 1e-10;
constexpr double rounding = 1e-13;

class Homotopy {
  public:
    Homotopy(MatrixIn gram, VectorIn response)
        : gram_(gram),
          response_(response),
          b_(Vector::Zero(gram.rows())),
          sign_(Vector::Zero(gram.rows())),
          barred_(static_cast<std::size_t>(gram.rows()), false),
          lambda_(response.cwiseAbs().maxCoeff()) {
        for (Index j = 0; j < gram.rows(); ++j) barred_[static_cast<std::size_t>(j)] = gram(j, j) <= 0.0;
    }

    LassoPath run() {
        start_ = lambda_;
        save();
        const Index most_steps = 8 * gram_.rows() + 64;
        Index step = 0;
        for (; step < most_steps && lambda_ > rounding * start_; ++step) {
            poll_interrupt();
            if (active_.empty() && !enter_first()) break;
            advance();
        }
        return collect(step < most_steps);
    }

  private:
    Index size() const { return static_cast<Index>(active_.size()); }
    void save() {
        knots_.push_back(lambda_);
        saved_.push_back(b_);
    }

    bool enter_first() {
        const Vector residual = response_ - gram_ * b_;
        Index first = -1;
        for (Index j = 0; j < gram_.rows(); ++j)
            if (!barred_[static_cast<std::size_t>(j)] &&
                (first < 0 || std::abs(residual[j]) > std::abs(residual[first])))
                first = j;
        return first >= 0 && enter(first, residual[first] < 0.0 ? -1.0 : 1.0);
    }

    // Grows the Cholesky factor by one row; a dependent column is barred from the rest of the path.
    bool enter(Index j, double sign) {
        const Index a = size();
        Eigen::MatrixXd grown = Eigen::MatrixXd::Zero(a + 1, a + 1);
        grown.topLeftCorner(a, a) = factor_;
        Vector row(a);
        for (Index i = 0; i < a; ++i) row[i] = gram_(active_[static_cast<std::size_t>(i)], j);
        factor_.triangularView<Eigen::Lower>().solveInPlace(row);
        const double pivot = gram_(j, j) - row.squaredNorm();
        if (pivot <= smallest_pivot * gram_(j, j)) {
            barred_[static_cast<std::size_t>(j)] = true;
            return false;
        }
        grown.row(a).head(a) = row.transpose();
        grown(a, a) = std::sqrt(pivot);
        factor_ = std::move(grown);
        active_.push_back(j);
        sign_[j] = sign;
        return true;
    }

    void leave(Index place) {
        const Index j = active_[static_cast<std::size_t>(place)];
        active_.erase(active_.begin() + place);
        b_[j] = sign_[j] = 0.0;
        const Eigen::MatrixXd rest = gram_(active_, active_);
        factor_ = rest.llt().matrixL();
    }

    // One piece of the path: b_A moves by gamma G_AA^-1 s_A while lambda falls by gamma.
    void advance() {
        const Vector direction = factor_.triangularView<Eigen::Lower>().transpose().solve(
            factor_.triangularView<Eigen::Lower>().solve(Vector(sign_(active_))));
        Vector move = Vector::Zero(gram_.rows());
        move(active_) = direction;
        const Vector slope = gram_ * move, residual = response_ - gram_ * b_;
        double gamma = lambda_, entering_sign = 0.0;
        Index entering = -1, leaving = -1;
        for (Index j = 0; j < gram_.rows(); ++j) {
            if (barred_[static_cast<std::size_t>(j)] || sign_[j] != 0.0) continue;
            for (const double sign : {1.0, -1.0}) {
                const double closing = 1.0 - sign * slope[j];
                if (closing <= rounding) continue;
                const double reached = std::max(lambda_ - sign * residual[j], 0.0) / closing;
                if (reached < gamma) gamma = reached, entering = j, entering_sign = sign;
            }
        }
        for (Index i = 0; i < size(); ++i) {
            const Index j = active_[static_cast<std::size_t>(i)];
            if (direction[i] * sign_[j] >= 0.0) continue;
            const double reached = std::max(-b_[j] / direction[i], 0.0);
            if (reached < gamma) gamma = reached, leaving = i;
        }
        b_ += gamma * move;
        lambda_ = gamma == lambda_ ? 0.0 : lambda_ - gamma;
        if (leaving >= 0) {
            leave(leaving);
        } else if (entering >= 0 && !enter(entering, entering_sign) && gamma == 0.0) {
            return;
        }
        save();
    }

    LassoPath collect(bool complete) const {
        LassoPath path;
        const Index knots = static_cast<Index>(knots_.size());
        path.complete = complete;
        path.lambdas.resize(knots);
        path.coefficients.resize(knots, gram_.rows());
        for (Index t = 0; t < knots; ++t) {
            path.lambdas[t] = knots_[static_cast<std::size_t>(t)];
            path.coefficients.row(t) = saved_[static_cast<std::size_t>(t)].transpose();
        }
        return path;
    }

    MatrixIn gram_;
    VectorIn response_;
    Vector b_, sign_;
    std::vector<bool> barred_;
    double lambda_, start_ = 0.0;
    std::vector<Index> active_;
    Eigen::MatrixXd factor_;  // lower Cholesky factor of G_AA
    std::vector<double> knots_;
    std::vector<Vector> saved_;
};

}  // namespace

LassoPath lasso_path(MatrixIn gram, VectorIn response) {
    require(gram.rows() == gram.cols() && gram.rows() >= 1, "gram must be square, got ", gram.rows(), " by ",
            gram.cols());
    require(response.size() == gram.rows(), "response must have ", gram.rows(), " entries, got ", response.size());
    require(gram.allFinite() && response.allFinite(), "gram and response must be finite");

    return Homotopy(gram, response).run();
}

Index last_knot_of_size(const LassoPath& path, Index k) {
    for (Index t = path.lambdas.size(); t-- > 0;)
        if ((path.coefficients.row(t).array() != 0.0).count() <= k) return t;
    return 0;
}

}  // namespace pellucid
