#include "drive_local.hpp"

#include <vector>

#include "pellucid/random.hpp"
#include "pellucid/regression/local_regression.hpp"
#include "pellucid/regression/mask_logistic.hpp"
#include "pellucid/regression/mask_trees.hpp"
#include "pellucid/sampling/mask_sizes.hpp"
#include "pellucid/sampling/neighbourhood.hpp"
#include "pellucid/sampling/sobol.hpp"

namespace pellucid::driver {
namespace {

constexpr Index parts = 70, rows = 1200, outputs = 2;

Matrix numbers(std::uint64_t row, Index count, Index columns) {
    RowStream stream(11, 0, row, StreamOf::test);
    Matrix values(count, columns);
    for (Index i = 0; i < values.size(); ++i) values.data()[i] = stream.uniform();
    return values;
}

class Row {
  public:
    template <typename Derived>
    void add(const Eigen::DenseBase<Derived>& values) {
        for (Index i = 0; i < values.rows(); ++i)
            for (Index j = 0; j < values.cols(); ++j) values_.push_back(static_cast<double>(values(i, j)));
    }
    Vector all() const { return Eigen::Map<const Vector>(values_.data(), static_cast<Index>(values_.size())); }

  private:
    std::vector<double> values_;
};

Masks random_masks(bool pairs) {
    const Vector law = Vector::Constant(parts + 1, 1.0 / (parts + 1));
    return sized_masks(3, 0, law, 0, rows, pairs);
}

void add_columns(Row& row) {
    const Matrix u = sobol_coordinates(3, 300, 17, 257);
    row.add(u);
    const Vector starts = Vector::LinSpaced(5, 0.0, 1.0), first = u.row(0);
    Cells cell(first.size());
    Vector inside(first.size()), values(first.size());
    cells_of(first, starts, cell, inside);
    Matrix laws(4, 6);
    laws.rowwise() = Eigen::RowVectorXd{{0.5, 2.0, 0.1, 0.3, -4.0, 4.0}};
    normal_values(cell, inside, laws, false, values);
    row.add(values);
    linear_values(cell, inside, laws, true, values);
    row.add(values);
}

}  // namespace

Vector local_samples() {
    Row row;
    add_columns(row);
    const Masks masks = random_masks(false);
    row.add(masks);
    const Matrix values = numbers(1, rows, outputs);
    const Vector weights = numbers(2, rows, 1);
    Indices starts(3);
    starts << 0, 600, rows;
    const Indices blocks = Indices::LinSpaced(rows, 0, rows - 1).unaryExpr([](Index i) { return i / 600; });
    const MaskTrees trees(masks, values, weights, starts, 20);
    const MaskLogistic curve(masks, values, weights, starts);
    row.add(trees.evaluate(masks, blocks));
    row.add(curve.evaluate(masks, blocks));
    return row.all();
}

Vector local_fits() {
    Row row;
    const Matrix values = numbers(3, rows, outputs), shared = numbers(4, rows, 3);
    const Matrix own = numbers(5, rows, 2 * outputs), none(rows, 0);
    const Vector weights = numbers(6, rows, 1);
    const Indices every = Indices::LinSpaced(parts, 0, parts - 1), few = Indices::LinSpaced(5, 3, 7);
    for (const bool pairs : {false, true}) {
        const Masks masks = random_masks(pairs);
        const auto full = LocalRegression::of_masks(masks, values, weights, shared, own, every, 0.0, pairs);
        const auto sparse =
            LocalRegression::of_numbers(masks.cast<double>(), values, weights, none, none, few, 1.0, pairs);
        for (const LocalRegression& fit : {full, sparse}) {
            row.add(fit.coefficients());
            row.add(fit.std_err());
            row.add(fit.covariance(1));
        }
    }
    return row.all();
}

}  // namespace pellucid::driver
