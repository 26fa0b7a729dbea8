#include "drive_selection.hpp"

#include <initializer_list>

#include "pellucid/random.hpp"
#include "pellucid/regression/fused_lasso.hpp"
#include "pellucid/regression/lasso_path.hpp"
#include "pellucid/regression/mixture_regression.hpp"
#include "pellucid/regression/subset_selection.hpp"
#include "random_inputs.hpp"

namespace pellucid::driver {
namespace {

constexpr Index rows = 700, columns = 14, chosen = 5, components = 2;

Matrix normal(std::uint64_t row, Index n, Index m) {
    return normal_matrix(13, row, n, m);
}

Vector joined(std::initializer_list<Vector> parts) {
    Index size = 0;
    for (const Vector& part : parts) size += part.size();
    Vector all(size);
    Index first = 0;
    for (const Vector& part : parts) {
        all.segment(first, part.size()) = part;
        first += part.size();
    }
    return all;
}

}  // namespace

Vector sparse_models() {
    Matrix z = normal(0, rows, columns);
    z.col(3) = z.col(1);  // dependent columns take the ways of their own
    const Vector y = z.leftCols(4).rowwise().sum() + normal(1, rows, 1);
    const Matrix gram = z.transpose() * z;
    const Vector response = z.transpose() * y, start = Vector::Zero(columns), ones = Vector::Ones(components);
    const double total = y.squaredNorm();
    const MixtureFit mixture = mixture_regression(z, y, Vector::Ones(rows), normal(2, rows, components).cwiseAbs(),
                                                  ones, ones, MixtureOptions{-1.0, 0.05, 5, 0.0});
    return joined({forward_selection(gram, response, total, chosen).coefficients,
                   swap_selection(gram, response, total, chosen).coefficients,
                   best_subset(gram, response, total, chosen, 10000).coefficients,
                   lasso_path(gram, response).coefficients.reshaped(),
                   fused_lasso(gram, response, 30.0, start).coefficients,
                   fused_lasso_bounded(gram, response, 0.5, start).coefficients, mixture.coefficients.reshaped(),
                   random_projections(z, 1, 0, 2).col(0)});
}

}  // namespace pellucid::driver
