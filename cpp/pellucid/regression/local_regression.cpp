#include "pellucid/regression/local_regression.hpp"

#include <algorithm>
#include <cmath>

#include "pellucid/check.hpp"
#include "pellucid/regression/binary_rows.hpp"
#include "pellucid/regression/dense_rows.hpp"
#include "pellucid/regression/inverse_root.hpp"
#include "pellucid/regression/tile_product.hpp"

namespace pellucid {
namespace {

constexpr double rounding = 1e-13;

void check_values(MasksIn z) {
    std::uint8_t any = 0;
    for (Index i = 0; i < z.size(); ++i) any |= z.data()[i];
    require(any <= 1, "z must hold 0 and 1 where it is uint8, got ", static_cast<int>(z.maxCoeff()),
            "; pass other numbers as float64");
}

void check_values(MatrixIn z) {
    require(z.allFinite(), "z must be finite; give every missing part a number");
}

// 1 for the columns that take two values or more in the rows of positive weight.
template <typename Z>
std::vector<char> varying(const Z& z, VectorIn w) {
    const Index p = z.cols(), m = z.rows();
    Index first = 0, found = 0;
    while (w[first] == 0.0) ++first;
    std::vector<char> varies(static_cast<std::size_t>(p), 0);
    for (Index i = first + 1; i < m && found < p; ++i)
        for (Index j = 0; w[i] > 0.0 && j < p; ++j)
            if (varies[static_cast<std::size_t>(j)] == 0 && z(i, j) != z(first, j)) {
                varies[static_cast<std::size_t>(j)] = 1;
                ++found;
            }
    return varies;
}

// sum of w x^2 over the first columns of x, without a second x in memory.
Vector weighted_squares(const Matrix& x, const Vector& w, Index columns) {
    Vector sum = Vector::Zero(columns);
    for (Index i = 0; i < x.rows(); ++i) sum += w[i] * x.row(i).head(columns).cwiseAbs2().transpose();
    return sum;
}

// (sum c)^2 / sum c^2
double effective(const Vector& c) {
    return c.sum() * c.sum() / c.squaredNorm();
}

}  // namespace

LocalRegression::LocalRegression(Index parts, MatrixIn y, VectorIn w, double ridge, bool pairs)
    : parts_(parts),
      outputs_(y.cols()),
      rows_(y.rows()),
      ridge_(ridge),
      pairs_(pairs),
      w_(w),
      coefficients_(Matrix::Zero(parts, y.cols())),
      std_err_(Matrix::Zero(parts, y.cols())),
      gram_(Matrix::Zero(parts, parts)),
      response_(Matrix::Zero(parts, y.cols())),
      intercept_(Vector::Zero(y.cols())),
      intercept_error_(Vector::Zero(y.cols())),
      r2_(Vector::Zero(y.cols())),
      total_(Vector::Zero(y.cols())) {
    require(rows_ >= 2, "y must have at least 2 rows, got ", rows_, "; draw more samples");
    require(outputs_ >= 1, "y must have at least one column");
    require(w.size() == rows_, "weights must be one for each of the ", rows_, " rows of y, got ", w.size());
    require(w.allFinite() && (w.array() >= 0.0).all(), "weights must be finite and not negative");
    weight_ = w.sum();
    require(std::isfinite(weight_), "weights must have a finite sum; divide them by their largest");
    require(weight_ > 0.0,
            "weights must not all be 0: no sample is near the instance; choose a larger kernel_width, or draw the "
            "samples nearer");
    require(y.allFinite(), "y must be finite");
    require(std::isfinite(ridge) && ridge >= 0.0, "ridge must be a number >= 0, got ", ridge);
    require(!pairs || rows_ % 2 == 0, "pairs needs an even number of rows, got ", rows_);
}

template <typename Rows, typename Z>
LocalRegression LocalRegression::fitted(const Z& z, MatrixIn y, VectorIn w, MatrixIn shared, MatrixIn own,
                                        IndicesIn keep, double ridge, bool pairs) {
    LocalRegression fit(z.cols(), y, w, ridge, pairs);
    require(z.rows() == y.rows(), "z must have the ", y.rows(), " rows of y, got ", z.rows());
    require(shared.rows() == y.rows() && own.rows() == y.rows(), "shared and own must have the ", y.rows(),
            " rows of y, got ", shared.rows(), " and ", own.rows());
    require(own.cols() % y.cols() == 0, "own must have as many columns for each output, got ", own.cols(), " for ",
            y.cols());
    check_values(z);
    require(shared.allFinite() && own.allFinite(), "shared and own must be finite");
    const std::vector<char> varies = varying(z, w);
    for (Index at = 0; at < keep.size(); ++at) {
        const Index j = keep[at], least = at == 0 ? 0 : keep[at - 1] + 1;
        require(j >= least && j < z.cols(), "keep must hold increasing part numbers below ", z.cols(), ", got ", j);
        (varies[static_cast<std::size_t>(j)] ? fit.active_ : fit.dropped_).push_back(j);
    }
    fit.fit(Rows(z, fit.w_, fit.active_), y, shared, own);
    return fit;
}

LocalRegression LocalRegression::of_masks(MasksIn z, MatrixIn y, VectorIn w, MatrixIn shared, MatrixIn own,
                                          IndicesIn keep, double ridge, bool pairs) {
    return fitted<BinaryRows>(z, y, w, shared, own, keep, ridge, pairs);
}

LocalRegression LocalRegression::of_numbers(MatrixIn z, MatrixIn y, VectorIn w, MatrixIn shared, MatrixIn own,
                                            IndicesIn keep, double ridge, bool pairs) {
    return fitted<DenseRows>(z, y, w, shared, own, keep, ridge, pairs);
}

// [1, Z]: its inverse, the coefficients of all targets on it, what they leave, influences and leverages.
template <typename Rows>
void LocalRegression::prepare(const Rows& rows, Targets& targets) {
    const Index p = rows.columns(), width = padded(p + 1), L = targets.residual.cols();
    const Vector& mean = rows.mean();
    Matrix gram = rows.gram();
    for (Index a = 0; a < p; ++a)
        for (Index b = 0; b < p; ++b) gram_(active_[a], active_[b]) = gram(a, b);
    gram.diagonal().array() += ridge_;
    const InverseRoot inverse(gram, rows.floor());
    Matrix root = Matrix::Zero(p, padded(p)), transposed = Matrix::Zero(p, padded(p));
    root.leftCols(p) = inverse.root;
    transposed.leftCols(p) = inverse.root.transpose();
    Matrix a_inverse = Matrix::Zero(p, padded(p));
    add_tiles({root.data(), padded(p), 1}, p, p, transposed.data(), padded(p), padded(p), a_inverse.data(), padded(p));
    for (const Index a : inverse.empty) dropped_.push_back(active_[a]);
    singular_ = inverse.singular;
    freedom_ = -1.0 - static_cast<double>(inverse.rank);

    // From a row of positive weight on, so that what is constant is exactly 0.
    Index start = 0;
    while (w_[start] == 0.0) ++start;
    const Vector origin = targets.residual.row(start);
    targets.residual.rowwise() -= origin.transpose();
    const Vector shift = targets.residual.transpose() * w_ / weight_, target_mean = origin + shift;
    targets.residual.rowwise() -= shift.transpose();
    targets.size = weighted_squares(targets.residual, w_, L);
    const Matrix right = rows.cross(targets.residual);
    const Matrix on_parts = a_inverse.leftCols(p) * right;
    targets.coefficients.resize(p + 1, L);
    targets.coefficients.topRows(p) = on_parts;
    targets.coefficients.row(p) = target_mean.transpose() - mean.transpose() * on_parts;
    rows.add_product(-on_parts, targets.residual);

    Matrix operators = Matrix::Zero(p, width);
    operators.leftCols(p) = a_inverse.leftCols(p);
    operators.col(p) = -(a_inverse.leftCols(p) * mean);
    influence_ = Matrix::Zero(rows_, width);
    influence_.col(p).setConstant(1.0 / weight_);
    rows.add_product(operators, influence_);
    leverage_ = w_.cwiseProduct(rows.forms(influence_, 0));
    across_ = Vector::Zero(rows_);
    if (!pairs_) return;
    const Vector form = rows.forms(influence_, 1);
    for (Index i = 0; i < rows_; i += 2) across_[i] = form[i] * std::sqrt(w_[i] * w_[i + 1]);
}

// Lets the targets first .. first + count - 1 enter as columns: the targets from .. to - 1 are regressed on what the
// fit so far leaves of them. S = V'WV + ridge C'C with the coefficients C of V on the parts; t = V S^-1/2.
LocalRegression::Border LocalRegression::add_border(Targets& targets, Index first, Index count, Index from,
                                                    Index to) const {
    const Index p = static_cast<Index>(active_.size()), e = padded(count);
    Matrix v = Matrix::Zero(rows_, e);
    v.leftCols(count) = targets.residual.middleCols(first, count);
    const Matrix c = targets.coefficients.middleCols(first, count);
    Matrix s = Matrix::Zero(e, e);
    add_cross(v, w_, v, true, s);
    s.triangularView<Eigen::StrictlyLower>() = s.transpose();
    Matrix corner = s.topLeftCorner(count, count);
    corner += ridge_ * c.topRows(p).transpose() * c.topRows(p);
    const InverseRoot inverse(corner, rounding * targets.size.segment(first, count));

    Border border;
    border.rank = inverse.rank;
    border.singular = inverse.singular;
    Matrix root = Matrix::Zero(e, e);
    root.topLeftCorner(count, count) = inverse.root;
    border.t = Matrix::Zero(rows_, e);
    add_rows(v, root, !inverse.singular, border.t);
    const Matrix on_root = c * root.topRows(count);
    border.d = Matrix::Zero(e, influence_.cols());
    border.d.leftCols(p + 1) = on_root.transpose();

    const Index L = to - from;
    Matrix left = Matrix::Zero(rows_, padded(L));
    left.leftCols(L) = targets.residual.middleCols(from, L);
    Matrix cross = Matrix::Zero(e, padded(L));
    add_cross(v, w_, left, false, cross);
    Matrix right = cross.topLeftCorner(count, L);
    right += ridge_ * c.topRows(p).transpose() * targets.coefficients.topRows(p).middleCols(from, L);
    Matrix step = Matrix::Zero(e, padded(L));
    step.leftCols(L) = -(root.topRows(count).transpose() * right);
    add_rows(border.t, step, false, left);
    targets.residual.middleCols(from, L) = left.leftCols(L);
    targets.coefficients.middleCols(from, L) += on_root * step.leftCols(L);
    return border;
}

void LocalRegression::add_leverage(const Border& border, Vector& leverage, Vector& across) const {
    leverage += w_.cwiseProduct(border.t.rowwise().squaredNorm());
    if (!pairs_) return;
    for (Index i = 0; i < rows_; i += 2)
        across[i] += std::sqrt(w_[i] * w_[i + 1]) * border.t.row(i).dot(border.t.row(i + 1));
}

template <typename Rows>
void LocalRegression::fit(const Rows& rows, MatrixIn y, MatrixIn shared, MatrixIn own) {
    const Index k = outputs_, e = shared.cols(), e2 = own.cols() / k, targets_count = k + own.cols() + e;
    Targets targets;
    targets.residual = Matrix::Zero(rows_, padded(targets_count));
    targets.residual.leftCols(k) = y;
    targets.residual.middleCols(k, own.cols()) = own;
    targets.residual.middleCols(k + own.cols(), e) = shared;
    prepare(rows, targets);
    total_ = targets.size.head(k);

    if (e > 0) {
        const Border border = add_border(targets, k + own.cols(), e, 0, k + own.cols());
        add_leverage(border, leverage_, across_);
        add_rows(border.t, -border.d, false, influence_);
        singular_ |= border.singular;
        freedom_ -= static_cast<double>(border.rank);
    }
    Index widest = 0;
    for (Index o = 0; o < k && e2 > 0; ++o) {
        own_.push_back(add_border(targets, k + o * e2, e2, o, o + 1));
        singular_ |= own_.back().singular;
        widest = std::max(widest, own_.back().rank);
    }
    freedom_ -= static_cast<double>(widest);

    score_ = Matrix::Zero(k, rows_);
    alone_ = Masks::Zero(k, rows_);
    for (Index o = 0; o < k; ++o) {
        weigh_residuals(o, targets);
        sum_squares(o);
    }
    summarise(rows, y, targets, e + e2 > 0);
    std::sort(dropped_.begin(), dropped_.end());
}

template <typename Rows>
void LocalRegression::summarise(const Rows& rows, MatrixIn y, const Targets& targets, bool further) {
    const Index p = static_cast<Index>(active_.size()), k = outputs_;
    const Matrix b = targets.coefficients.topLeftCorner(p, k);
    intercept_ = targets.coefficients.row(p).head(k);
    for (Index a = 0; a < p; ++a) coefficients_.row(active_[a]) = b.row(a);
    response_ = gram_ * coefficients_ + ridge_ * coefficients_;

    const Vector unexplained = weighted_squares(targets.residual, w_, k);
    Vector around = unexplained;
    if (further) {
        Matrix left = Matrix::Zero(rows_, padded(k)), step = Matrix::Zero(p, padded(k));
        const Vector centre = intercept_ + b.transpose() * rows.mean();
        left.leftCols(k) = y.rowwise() - centre.transpose();
        step.leftCols(k) = -b;
        rows.add_product(step, left);
        around = weighted_squares(left, w_, k);
    }
    for (Index o = 0; o < k; ++o) {
        r2_[o] = total_[o] > 0.0 ? 1.0 - around[o] / total_[o] : 1.0;
        if (further)
            total_[o] = unexplained[o] + coefficients_.col(o).dot(response_.col(o)) +
                        ridge_ * coefficients_.col(o).squaredNorm();
    }
    ess_ = effective(w_);
    // Made in one go: a vector that changes its size holds memory twice freed where there is none left.
    const Vector clusters =
        pairs_ ? Vector(Eigen::Map<const Matrix>(w_.data(), rows_ / 2, 2).rowwise().sum()) : Vector(w_);
    freedom_ = std::max(0.0, freedom_ + effective(clusters));
}

}  // namespace pellucid
