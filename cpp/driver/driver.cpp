// Exercises the core without Python, for the sanitizers. Says what it checked; exits with 1 on any difference.
//
//   pellucid_driver              every parallel path with several numbers of threads gives the same bits
//   pellucid_driver allocations  every computation with one failing allocation, the first, the second, ...: it ends in
//                                std::bad_alloc or does without, and asked again it gives the same bits; then damaged
//                                forests. `pellucid_driver allocations most` lets more of them fail.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <new>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "checks.hpp"
#include "drive_images.hpp"
#include "drive_local.hpp"
#include "drive_loops.hpp"
#include "drive_selection.hpp"
#include "drive_texts.hpp"
#include "drive_tree_limits.hpp"
#include "drive_tree_marginal.hpp"
#include "drive_tree_path.hpp"
#include "drive_trees.hpp"
#include "failing_allocation.hpp"
#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"
#include "pellucid/random.hpp"
#include "pellucid/regression/kernel_ridge.hpp"
#include "pellucid/regression/weighted_least_squares.hpp"
#include "pellucid/sampling/coalitions.hpp"
#include "pellucid/sampling/conditional.hpp"
#include "pellucid/sampling/empirical.hpp"
#include "pellucid/sampling/linear_extensions.hpp"
#include "pellucid/sampling/normal_law.hpp"
#include "pellucid/sampling/order_ideals.hpp"
#include "pellucid/sampling/paired_design.hpp"
#include "pellucid/sampling/permutations.hpp"
#include "pellucid/sampling/tabular.hpp"
#include "pellucid/shapley/asymmetric.hpp"
#include "pellucid/shapley/cluster_regression.hpp"
#include "pellucid/shapley/exact.hpp"
#include "pellucid/shapley/kernel_values.hpp"
#include "pellucid/shapley/mixed_regression.hpp"
#include "pellucid/shapley/permutation.hpp"
#include "pellucid/shapley/ridge_regression.hpp"
#include "random_inputs.hpp"

namespace pellucid {
namespace {

using driver::check;

// Everything a computation returned, as bytes.
class Bits {
  public:
    template <typename Derived>
    Bits& add(const Eigen::PlainObjectBase<Derived>& values) {
        bytes_.append(reinterpret_cast<const char*>(values.data()),
                      static_cast<std::size_t>(values.size()) * sizeof(typename Derived::Scalar));
        return *this;
    }
    Bits& add(const ShapleyEstimate& estimate) { return add(estimate.values).add(estimate.variance); }
    bool operator==(const Bits&) const = default;

  private:
    std::string bytes_;
};

constexpr std::initializer_list<int> thread_counts = {1, 2, 3, 8};
bool failing_allocations = false, most_allocations = false;

// Most of the later allocations are made in the same lines again and again.
std::int64_t next_to_fail(std::int64_t nth) {
    if (most_allocations) return nth + (nth < 30 ? 1 : nth / 4);
    return nth + (nth < 12 ? 1 : nth / 2);
}

// One allocation of compute() fails, the first, the second, ... until none is left to fail.
template <typename Compute>
void survives_failing_allocations(const char* what, const Compute& compute) {
    std::int64_t failures_made = 0;
    for (const int threads : {1, 3}) {
        set_thread_count(threads);
        const Bits expected = compute();
        bool any_left = true;
        for (std::int64_t nth = 1; any_left; nth = next_to_fail(nth)) {
            const std::string where = std::string(what) + ", allocation " + std::to_string(nth);
            driver::fail_allocation(nth);
            try {
                // A sort does with less memory when it gets less.
                check(compute() == expected, where + " failed unnoticed");
            } catch (const std::bad_alloc&) {
                check(driver::allocation_failed(), where + ": refused without a reason");
            }
            any_left = driver::allocation_failed();
            driver::fail_allocation(0);
            failures_made += any_left;
            check(compute() == expected, where + ": asked again, other bits");
        }
    }
    set_thread_count(0);
    std::printf("survives %lld failing allocations  %s\n", static_cast<long long>(failures_made), what);
}

// compute() must give the same bits for any number of threads.
template <typename Compute>
void same_bits(const char* what, const Compute& compute) {
    if (failing_allocations) return survives_failing_allocations(what, compute);
    set_thread_count(1);
    const Bits expected = compute();
    for (const int threads : thread_counts) {
        set_thread_count(threads);
        check(compute() == expected, std::string(what) + " with " + std::to_string(threads) + " threads");
    }
    set_thread_count(0);
    std::printf("same bits  %s\n", what);
}

Matrix random_matrix(std::uint64_t row, Index rows, Index cols) {
    return driver::normal_matrix(7, row, rows, cols);
}

// 0 < 1 > 2 < 3 < 4 > 5, and players without a relation.
Masks zigzag_and_others(Index players) {
    Masks precedes = Masks::Zero(players, players);
    precedes(0, 1) = precedes(2, 1) = precedes(2, 3) = precedes(2, 4) = precedes(3, 4) = precedes(5, 4) = 1;
    return precedes;
}

void check_sampling() {
    const Vector weights = random_matrix(1, 5, 1).cwiseAbs();
    same_bits("PairedDesign", [&] {
        PairedDesign design(3, 17, weights);
        design.grow(100);
        design.grow(900);
        return Bits().add(design.pair_masks(0, design.pairs())).add(design.pair_draws(0, design.pairs()));
    });
    same_bits("permutations and their coalitions", [&] {
        const IndexMatrix orders = random_permutations(5, 9, 3, 300);
        return Bits()
            .add(orders)
            .add(antithetic_coalitions(orders, orders.rowwise().reverse()))
            .add(systematic_draws(5, weights, 0, 50));
    });
    same_bits("linear extensions", [&] {
        const auto [orders, twins] = LinearExtensions(zigzag_and_others(17)).pairs(5, 3, 300);
        return Bits().add(orders).add(twins);
    });
    const Matrix background = random_matrix(2, 6, 8);
    const Vector x = random_matrix(3, 8, 1);
    const Columns parts = Columns::LinSpaced(8, 0, 7);
    const Masks masks = all_coalitions(8, 0, 256);
    same_bits("compose", [&] {
        Matrix grid(256 * 6, 8), rows(256, 8);
        compose_grid(x, background, parts, masks, 0, 6, grid);
        compose(x, background, parts, masks, Indices::Constant(256, 2), rows);
        return Bits().add(grid).add(rows);
    });
    same_bits("tree paths", [] { return Bits().add(driver::drive_tree_path()); });
    same_bits("images", [] { return Bits().add(driver::drive_images()); });
    same_bits("limits of trees", [] { return Bits().add(driver::tree_limits()); });
    same_bits("tables", [&] {
        return Bits()
            .add(gaussian_rows(1, x, x.cwiseAbs(), 0, 500))
            .add(uniform_rows(1, x, x.array() + 1.0, 0, 500))
            .add(frequency_rows(1, background.cwiseAbs(), 0, 500));
    });
}

// Kept, kept in part and never kept: the operators are made by whoever needs them first.
void check_conditional() {
    constexpr Index d = 9, parts = 9;
    const Matrix rows = random_matrix(20, 60, d);
    const Vector weights = Vector::Constant(60, 1.0 / 60.0), x = random_matrix(21, d, 1);
    const Columns part = Columns::LinSpaced(d, 0, d - 1), none = Columns::Zero(d), open = Columns::Zero(1);
    const Masks masks = all_coalitions(parts, 0, 512);
    const Moments moments = weighted_moments(rows, weights);
    const Vector ones = Vector::Ones(d);
    for (const Index bytes : {0, 20000, 1 << 24}) {
        same_bits("conditional rows and weights", [&] {
            const Matrix draws = matched_normal_draws(3, moments.mean, moments.covariance, 20);
            GaussianCompletion completion(moments.covariance, part, parts, none, open, bytes);
            EmpiricalNeighbours neighbours(rows, weights, moments.covariance, ones, none, part, parts, 0.3, 0.9, 20,
                                           bytes);
            Matrix out(512 * 40, d);
            completion.compose_grid(x, draws, masks, 0, 40, out);
            return Bits().add(moments.covariance).add(draws).add(out).add(neighbours.weights(x, masks));
        });
    }
    GaussianCompletion shared(moments.covariance, part, parts, none, open, 20000);
    const Matrix draws = matched_normal_draws(3, moments.mean, moments.covariance, 20);
    std::vector<Matrix> outs(4, Matrix(512 * 40, d));
    std::vector<std::thread> callers;
    for (Matrix& out : outs) callers.emplace_back([&] { shared.compose_grid(x, draws, masks, 0, 40, out); });
    for (std::thread& caller : callers) caller.join();
    for (const Matrix& out : outs) check(out == outs[0], "conditional rows from callers at once");
}

void check_regressions() {
    constexpr Index players = 11, draws = 4, outputs = 3;
    PairedDesign design(1, players, random_matrix(4, draws, 1).cwiseAbs());
    design.grow(1500);
    const Matrix targets = random_matrix(5, design.pairs(), outputs);
    const Matrix gaps = random_matrix(6, draws, outputs), contrasts = random_matrix(7, draws, players);
    for (const bool by_draw : {true, false})
        same_bits(by_draw ? "ClusterRegression by draw" : "ClusterRegression pooled",
                  [&] { return Bits().add(ClusterRegression(design, by_draw).solve(targets, gaps)); });
    for (const bool shrink : {true, false})
        same_bits(shrink ? "MixedRegression" : "MixedRegression without effects of the draws",
                  [&] { return Bits().add(MixedRegression(design, shrink).solve(targets, gaps, contrasts)); });
    same_bits("RidgeRegression", [&] { return Bits().add(RidgeRegression(design).solve(targets, gaps)); });

    // One regression serves many callers at once.
    const ClusterRegression shared(design, true);
    const Bits expected = Bits().add(shared.solve(targets, gaps));
    std::vector<std::thread> callers;
    for (int t = 0; t < 4; ++t)
        callers.emplace_back(
            [&] { check(Bits().add(shared.solve(targets, gaps)) == expected, "a shared regression"); });
    for (auto& thread : callers) thread.join();

    bool singular = false;
    PairedDesign few(1, players, Vector::Ones(draws));
    few.grow(8);
    try {
        ClusterRegression(few, true);
    } catch (const NumericalError&) {
        singular = true;
    }
    check(singular, "too few pairs are singular");
}

void check_least_squares() {
    constexpr Index rows = 700, features = 230;
    const Matrix z = random_matrix(8, rows, features), y = random_matrix(9, rows, 2);
    const Vector w = random_matrix(10, rows, 1).cwiseAbs();
    same_bits("WeightedLeastSquares", [&] {
        WeightedLeastSquares fit(features, 2);
        for (Index first = 0; first < rows; first += 70)
            fit.add(z.middleRows(first, 70), y.middleRows(first, 70), w.segment(first, 70));
        return Bits()
            .add(fit.solve(0.1))
            .add(fit.solve_with_total(0.1, Vector::Ones(2)))
            .add(fit.solve_gcv().coefficients);
    });
    const Matrix gram = z.transpose() * z, right = z.transpose() * y;
    const Vector squares = y.colwise().squaredNorm();
    same_bits("generalised cross-validation of many coefficients",
              [&] { return Bits().add(RidgePath::solve_gcv_large(gram, right, squares, rows).coefficients); });
}

void check_control_variates() {
    double worst = 0.0;
    for (int i = 0; i <= 700000; ++i) {
        const double t = 1e-3 * i;
        worst = std::max(worst, std::abs(exp_minus(t) / std::exp(-t) - 1.0));
    }
    check(worst < 5e-16 && exp_minus(INFINITY) == exp_minus(700.0),
          "exp_minus, off by " + std::to_string(worst / 1e-16));
    const Matrix rows = random_matrix(14, 600, 9), outputs = random_matrix(15, 600, 2);
    const Indices folds = Indices::LinSpaced(600, 0, 599).unaryExpr([](Index i) { return i % 4 - 1; });
    const Columns parts = Columns::LinSpaced(9, 0, 8);
    same_bits("KernelRidge and its values", [&] {
        const KernelRidge fit(rows, outputs, folds, 90, 1);
        return Bits()
            .add(fit.evaluate(rows, folds.cwiseMax(0)))
            .add(kernel_values(fit, rows.row(0).transpose(), rows.topRows(50), parts, 9));
    });
}

void check_shapley() {
    const Matrix values = random_matrix(11, Index{1} << 13, 2);
    same_bits("exact_shapley", [&] { return Bits().add(exact_shapley(values, 13)); });
    const Matrix phi = exact_shapley(values, 13);
    const Eigen::RowVectorXd gap = values.row(values.rows() - 1) - values.row(0);
    check((phi.colwise().sum() - gap).cwiseAbs().maxCoeff() < 1e-12, "exact values are efficient");

    const OrderIdeals ideals(zigzag_and_others(15), Index{1} << 15);
    const Matrix allowed = random_matrix(14, ideals.size(), 2);
    same_bits("asymmetric_shapley", [&] { return Bits().add(asymmetric_shapley(ideals, allowed)); });

    const IndexMatrix orders = random_permutations(2, 6, 0, 200);
    const Matrix steps = random_matrix(12, 200 * 10, 2), ends = random_matrix(13, 200, 2);
    same_bits("antithetic_contributions", [&] {
        return Bits().add(antithetic_contributions(orders, orders.rowwise().reverse(), steps, ends, ends));
    });
}

}  // namespace
}  // namespace pellucid

int main(int count, char** arguments) {
    using namespace pellucid;
    failing_allocations = count > 1 && std::string_view(arguments[1]) == "allocations";
    most_allocations = count > 2 && std::string_view(arguments[2]) == "most";
    if (!failing_allocations) driver::check_loops();
    check_sampling();
    check_conditional();
    check_regressions();
    check_least_squares();
    check_control_variates();
    check_shapley();
    same_bits("samples around an input", [] { return Bits().add(driver::local_samples()); });
    same_bits("local regressions", [] { return Bits().add(driver::local_fits()); });
    same_bits("sparse local models", [] { return Bits().add(driver::sparse_models()); });
    same_bits("marginal values of trees", [] { return Bits().add(driver::marginal_tree_values()); });
    check(driver::wrong_texts() == 0, "texts");
    same_bits("answers of a forest", [] { return Bits().add(driver::forest_answers()); });
    if (failing_allocations) check(driver::wrong_forests() == 0, "forests, some of them damaged");
    std::printf(driver::failures == 0 ? "all right\n" : "%d checks failed\n", driver::failures.load());
    return driver::failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
