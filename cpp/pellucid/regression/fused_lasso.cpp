#include "pellucid/regression/fused_lasso.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"

namespace pellucid {
namespace {

constexpr double tolerance = 1e-11;
constexpr double smallest_pivot = 1e-12;
constexpr Index most_rounds = 1000;
constexpr int most_stalled = 50;
constexpr std::size_t fewest_entering = 8;
constexpr int most_bounds = 200;
constexpr double first_share = 0.1;  // of the largest penalty: less is dense, and dear to solve

void check_problem(MatrixIn gram, VectorIn response, VectorIn start) {
    require(gram.rows() == gram.cols() && gram.rows() >= 1, "gram must be square, got ", gram.rows(), " by ",
            gram.cols());
    require(response.size() == gram.rows() && start.size() == gram.rows(), "response and start must have ", gram.rows(),
            " entries, got ", response.size(), " and ", start.size());
    require(gram.allFinite() && response.allFinite() && start.allFinite(), "gram, response and start must be finite");
}

double sign_of(double value) {
    return value > 0.0 ? 1.0 : value < 0.0 ? -1.0 : 0.0;
}

// The lasso on the differences theta; the first is not penalised.
class Differences {
  public:
    Differences(MatrixIn gram, VectorIn response, VectorIn start)
        : gram_(suffix_sums(gram)), response_(suffix_sums(response)), theta_(start) {
        const Index p = theta_.size();
        for (Index j = p; j-- > 1;) theta_[j] -= theta_[j - 1];
        scale_ = response_.cwiseAbs().maxCoeff();
        gradient_ = gram_ * theta_ - response_;
    }

    // Minimum for this penalty, from wherever theta is.
    void minimise(double penalty) {
        penalty_ = penalty;
        double best = std::numeric_limits<double>::infinity();
        int stalled = 0;  // rounding keeps the residual of an ill-conditioned problem from going further down
        for (Index round = 0; round < most_rounds && stalled < most_stalled; ++round) {
            poll_interrupt();
            descend();
            settle();
            gradient_ = gram_ * theta_ - response_;
            ++passes_;
            const double now = residual();
            if (now <= tolerance) return;
            stalled = now < best ? 0 : stalled + 1;
            best = std::min(best, now);
        }
    }

    double variation() const { return theta_.tail(theta_.size() - 1).cwiseAbs().sum(); }

    // -d TV / d lambda on the present piece: s'G_AA^-1 s; 0 where it cannot be told.
    double slope() const {
        const std::vector<Index> active = support();
        const Eigen::LLT<Eigen::MatrixXd> factor = factorised(active);
        if (!regular(factor, active)) return 0.0;
        Vector signs(static_cast<Index>(active.size()));
        for (std::size_t i = 0; i < active.size(); ++i)
            signs[static_cast<Index>(i)] = active[i] == 0 ? 0.0 : sign_of(theta_[active[i]]);
        return signs.dot(factor.solve(signs));
    }

    // The penalty from which on all coefficients are equal.
    double largest_penalty() const {
        const double first = gram_(0, 0) > 0.0 ? response_[0] / gram_(0, 0) : 0.0;
        return (response_ - first * gram_.col(0)).cwiseAbs().maxCoeff();
    }

    FusedLassoFit fit() const {
        FusedLassoFit fit;
        fit.coefficients = theta_;
        for (Index j = 1; j < theta_.size(); ++j) fit.coefficients[j] += fit.coefficients[j - 1];
        fit.penalty = penalty_;
        fit.variation = variation();
        fit.residual = residual();
        fit.passes = passes_;
        return fit;
    }

  private:
    double penalty_of(Index j) const { return j == 0 ? 0.0 : penalty_; }

    // The largest violation of: gradient_j = -penalty sign(theta_j), or |gradient_j| <= penalty where theta_j = 0.
    double residual() const {
        if (scale_ == 0.0) return 0.0;
        double worst = 0.0;
        for (Index j = 0; j < theta_.size(); ++j) {
            const double allowed = penalty_of(j);
            const double off = theta_[j] != 0.0 ? std::abs(gradient_[j] + allowed * sign_of(theta_[j]))
                                                : std::max(std::abs(gradient_[j]) - allowed, 0.0);
            worst = std::max(worst, off);
        }
        return worst / scale_;
    }

    // How far the gradient of a difference that is zero goes beyond what the penalty holds.
    double excess(Index j) const { return std::abs(gradient_[j]) - penalty_of(j); }

    // The differences in, and the worst of those that should come in, half as many: all at once, most would have to
    // leave again one by one.
    std::vector<Index> candidates() const {
        std::vector<Index> chosen = support(), outside;
        for (Index j = 0; j < theta_.size(); ++j)
            if (theta_[j] == 0.0 && excess(j) > 0.0) outside.push_back(j);
        const auto most = std::max(fewest_entering, chosen.size() / 2);
        std::stable_sort(outside.begin(), outside.end(), [&](Index i, Index j) { return excess(i) > excess(j); });
        outside.resize(std::min(most, outside.size()));
        chosen.insert(chosen.end(), outside.begin(), outside.end());
        return chosen;
    }

    // Coordinate descent: theta_j <- soft(G_jj theta_j - gradient_j, penalty) / G_jj.
    void descend() {
        for (const Index j : candidates()) {
            const double diagonal = gram_(j, j);
            if (diagonal <= 0.0) continue;
            const double target = diagonal * theta_[j] - gradient_[j];
            const double next = sign_of(target) * std::max(std::abs(target) - penalty_of(j), 0.0) / diagonal;
            if (next == theta_[j]) continue;
            gradient_ += (next - theta_[j]) * gram_.row(j).transpose();
            theta_[j] = next;
        }
    }

    std::vector<Index> support() const {
        std::vector<Index> active;
        for (Index j = 0; j < theta_.size(); ++j)
            if (theta_[j] != 0.0) active.push_back(j);
        return active;
    }

    Eigen::LLT<Eigen::MatrixXd> factorised(const std::vector<Index>& active) const {
        return Eigen::LLT<Eigen::MatrixXd>(Eigen::MatrixXd(gram_(active, active)));
    }

    bool regular(const Eigen::LLT<Eigen::MatrixXd>& factor, const std::vector<Index>& active) const {
        if (active.empty() || factor.info() != Eigen::Success) return false;
        for (std::size_t i = 0; i < active.size(); ++i) {
            const double pivot = factor.matrixLLT()(static_cast<Index>(i), static_cast<Index>(i));
            if (pivot * pivot <= smallest_pivot * gram_(active[i], active[i])) return false;
        }
        return true;
    }

    double objective(const Vector& theta) const {
        double sum = theta.dot(0.5 * (gram_ * theta) - response_);
        for (Index j = 1; j < theta.size(); ++j) sum += penalty_ * std::abs(theta[j]);
        return sum;
    }

    // Goes to the minimum on the present signs. Where signs would change on the way, to that minimum with zeros there
    // if this is lower, else to the first change; and on, without the differences that became zero.
    void settle() {
        while (true) {
            poll_interrupt();
            const std::vector<Index> active = support();
            const Eigen::LLT<Eigen::MatrixXd> factor = factorised(active);
            if (!regular(factor, active)) return;
            Vector target(static_cast<Index>(active.size()));
            for (std::size_t i = 0; i < active.size(); ++i)
                target[static_cast<Index>(i)] =
                    response_[active[i]] - penalty_of(active[i]) * sign_of(theta_[active[i]]);
            target = factor.solve(target);
            Vector next = Vector::Zero(theta_.size());
            double border = 1.0;
            Index first = -1;
            for (std::size_t i = 0; i < active.size(); ++i) {
                const double now = theta_[active[i]], then = target[static_cast<Index>(i)];
                if (active[i] == 0 || now * then > 0.0) {
                    next[active[i]] = then;
                } else if (const double reached = now / (now - then); reached < border || first < 0) {
                    border = reached, first = active[i];
                }
            }
            if (first < 0 || objective(next) < objective(theta_)) {
                theta_ = next;
                if (first < 0) return;
                continue;
            }
            for (std::size_t i = 0; i < active.size(); ++i)
                theta_[active[i]] += border * (target[static_cast<Index>(i)] - theta_[active[i]]);
            theta_[first] = 0.0;
        }
    }

    Matrix gram_;
    Vector response_, theta_, gradient_;
    double scale_ = 0.0, penalty_ = 0.0;
    Index passes_ = 0;
};

}  // namespace

Matrix suffix_sums(MatrixIn gram) {
    Matrix sums = gram;
    for (Index i = sums.rows() - 1; i-- > 0;) sums.row(i) += sums.row(i + 1);
    for (Index j = sums.cols() - 1; j-- > 0;) sums.col(j) += sums.col(j + 1);
    return sums;
}

Vector suffix_sums(VectorIn response) {
    Vector sums = response;
    for (Index i = sums.size() - 1; i-- > 0;) sums[i] += sums[i + 1];
    return sums;
}

FusedLassoFit fused_lasso(MatrixIn gram, VectorIn response, double penalty, VectorIn start) {
    check_problem(gram, response, start);
    require(std::isfinite(penalty) && penalty >= 0.0, "penalty must be a number >= 0, got ", penalty);

    Differences problem(gram, response, start);
    problem.minimise(penalty);
    return problem.fit();
}

FusedLassoFit fused_lasso_bounded(MatrixIn gram, VectorIn response, double bound, VectorIn start) {
    check_problem(gram, response, start);
    require(std::isfinite(bound) && bound >= 0.0, "bound must be a number >= 0, got ", bound);

    Differences problem(gram, response, start);
    double low = 0.0, high = problem.largest_penalty() * (1.0 + 1e-12);
    double penalty = bound > 0.0 ? first_share * high : high;
    bool free = false;  // the minimum without a penalty was looked at
    for (int step = 0; step < most_bounds; ++step) {
        problem.minimise(penalty);
        const double excess = problem.variation() - bound;
        if (excess <= 0.0 && (penalty == 0.0 || bound == 0.0)) break;
        if (std::abs(excess) <= tolerance * bound || high - low <= 1e-15 * high) break;
        (excess > 0.0 ? low : high) = penalty;
        const double slope = problem.slope(), newton = slope > 0.0 ? penalty + excess / slope : -1.0;
        free = free || penalty == 0.0;
        if (newton > low && newton < high)
            penalty = newton;
        else
            penalty = newton <= 0.0 && !free ? 0.0 : low + 0.5 * (high - low);
    }
    return problem.fit();
}

}  // namespace pellucid
