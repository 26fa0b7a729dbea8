// Cross-fitted ridge regression on Gaussian features: a smooth function of a row, fitted on rows already evaluated.
//
//   s(z) = intercept + sum_j w_j z_j + sum_c a_c exp(-gamma / d |z - c|^2)      z standardised, d columns that vary
//
// Landmarks c are rows drawn at random; gamma (one for all outputs) and the ridge on (w, a) (one for each output) have
// the least generalised cross-validation, gamma on at most 2,000 rows. Fold f has a fit of its own, without the rows of
// fold f: the Gram matrix of every fold is summed once, and taken from the total. Rows of fold -1 are in every fit.
// Cost: n (landmarks + d)^2 for the sums, (landmarks + d)^3 / 3 a fold and distinct ridge.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "pellucid/regression/gaussian_features.hpp"
#include "pellucid/types.hpp"

namespace pellucid {

class KernelRidge {
  public:
    static constexpr Index most_rows = 20000;  // of more rows, so many are drawn
    static constexpr Index rows_for_gamma = 2000;

    // rows (n, d) numbers or NaN; outputs (n, k); folds (n,) from -1 to the number of folds - 1, at least two of them.
    KernelRidge(MatrixIn rows, MatrixIn outputs, IndicesIn folds, Index landmarks, std::uint64_t seed);

    // Outputs (n, k) of any rows, each by the fit without its fold, 0 to the number of folds - 1.
    Matrix evaluate(MatrixIn rows, IndicesIn folds) const;

    Index folds() const { return static_cast<Index>(coefficients_.size()); }
    Index outputs() const { return ridge_.size(); }
    double gamma() const { return gamma_; }
    double rate() const { return rate_of(gamma_); }  // gamma / d
    const Vector& ridge() const { return ridge_; }
    const GaussianFeatures& features() const { return features_; }
    // (landmarks + d, k): the a of every landmark, then the w of every column
    const Matrix& coefficients(Index fold) const;
    const Vector& intercept(Index fold) const;

  private:
    double rate_of(double gamma) const { return gamma / static_cast<double>(std::max<Index>(1, features_.varying())); }
    // Inner products of all columns of [features, outputs, 1] over the given rows, lower triangle.
    Matrix sums(MatrixIn rows, MatrixIn targets, const std::vector<Index>& which, double gamma) const;
    void choose_gamma(MatrixIn rows, MatrixIn targets, std::uint64_t seed);
    void solve_folds(const Matrix& total, const std::vector<Matrix>& by_fold, const Vector& mean, const Vector& scale);

    GaussianFeatures features_;
    double gamma_ = 0.0;
    Vector ridge_;                      // (k)
    std::vector<Matrix> coefficients_;  // of each fold
    std::vector<Vector> intercept_;
};

}  // namespace pellucid
