#include "pellucid/shapley/permutation.hpp"

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"
#include "pellucid/sampling/permutations.hpp"

namespace pellucid {

Matrix antithetic_contributions(IndexMatrixIn orders, IndexMatrixIn twins, MatrixIn values, MatrixIn empty,
                                MatrixIn full) {
    const Index pairs = orders.rows(), players = orders.cols(), k = values.cols();
    const Index steps = players - 1;
    require(values.rows() == checked_product(pairs, 2 * steps, "orders"), "values must have ", 2 * steps,
            " rows for each order, got ", values.rows(), " for ", pairs);
    require(empty.rows() == pairs && full.rows() == pairs && empty.cols() == k && full.cols() == k,
            "empty and full must have a row for each order and ", k, " columns");
    require_orders(orders, twins);
    Matrix result = Matrix::Zero(pairs, checked_product(players, k, "players times outputs"));
    parallel_for(pairs, 16, [&](Index first, Index last) {
        for (Index i = first; i < last; ++i) {
            const Index forth = i * 2 * steps, back = forth + steps;
            for (Index o = 0; o < k; ++o) {
                double before_forth = empty(i, o), before_back = empty(i, o);
                for (Index t = 0; t < players; ++t) {
                    const double after_forth = t < steps ? values(forth + t, o) : full(i, o);
                    const double after_back = t < steps ? values(back + t, o) : full(i, o);
                    result(i, orders(i, t) * k + o) += 0.5 * (after_forth - before_forth);
                    result(i, twins(i, t) * k + o) += 0.5 * (after_back - before_back);
                    before_forth = after_forth;
                    before_back = after_back;
                }
            }
        }
    });
    return result;
}

}  // namespace pellucid
