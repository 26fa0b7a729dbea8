// Gaussian features of table rows: k(z, c) = exp(-rate |z - c|^2) for landmarks c, and the columns themselves.
//
// Columns are standardised by the rows that the landmarks come from. What is not a number, because it is missing,
// becomes 0, the mean of its column; so does a column that is constant. Both rules act on one column at a time, so the
// kernel stays a product over columns, and a row composed of two others takes the factors of the one or of the other.
#pragma once

#include <bit>
#include <cstdint>

#include "pellucid/types.hpp"

namespace pellucid {

// exp(-t) for t >= 0, to two units in the last place; below exp(-700) it stays there, so no factor is ever zero. Free
// of branches, so that loops over it vectorise, and with the same bits on every processor, which libraries do not
// promise.
inline double exp_minus(double t) {
    constexpr double round = 0x1.8p52;  // adding it leaves the nearest integer in the low bits
    const double x = t < 700.0 ? -t : -700.0;
    const double shifted = x * 0x1.71547652b82fep+0 + round, k = shifted - round;
    const double r = (x - k * 0x1.62e42fefa3800p-1) - k * 0x1.ef35793c76730p-45;  // x - k log 2, |r| <= log(2) / 2
    double sum = 1.0 / 6227020800.0;                                              // Taylor to r^13 / 13!
    sum = sum * r + 1.0 / 479001600.0;
    sum = sum * r + 1.0 / 39916800.0;
    sum = sum * r + 1.0 / 3628800.0;
    sum = sum * r + 1.0 / 362880.0;
    sum = sum * r + 1.0 / 40320.0;
    sum = sum * r + 1.0 / 5040.0;
    sum = sum * r + 1.0 / 720.0;
    sum = sum * r + 1.0 / 120.0;
    sum = sum * r + 1.0 / 24.0;
    sum = sum * r + 1.0 / 6.0;
    sum = sum * r + 0.5;
    sum = sum * r + 1.0;
    sum = sum * r + 1.0;
    return sum * std::bit_cast<double>((std::bit_cast<std::uint64_t>(shifted) + 1023) << 52);
}

// `count` of the numbers 0 .. n - 1 in rising order (all, where there are no more), by counts and seed alone. Uses of
// one seed are told apart by their lane.
enum class Choice : std::uint64_t { landmarks = 0, training_rows = 1, rows_for_gamma = 2 };
Indices chosen(Index n, Index count, std::uint64_t seed, Choice lane);

class GaussianFeatures {
  public:
    static constexpr Index lanes = 16;  // landmarks are padded to a multiple

    GaussianFeatures() = default;
    // rows (n, d): numbers or NaN. At most `landmarks` of the rows become landmarks.
    GaussianFeatures(MatrixIn rows, Index landmarks, std::uint64_t seed);

    Index columns() const { return centre_.size(); }
    Index varying() const { return varying_; }  // columns that are not constant
    Index landmarks() const { return landmarks_; }
    Index stride() const { return by_column_.cols(); }  // landmarks with their padding
    Index size() const { return landmarks_ + columns(); }

    // Row of numbers or NaN -> standardised row (d).
    void standardise(const double* row, double* out) const;
    // Standardised row -> features (size): kernels first, then the columns. `buffer` holds stride() numbers.
    void write(const double* z, double rate, double* buffer, double* out) const;
    // out_c *= exp(-rate sum_j (z_j - c_j)^2) over the given columns, for all stride() landmarks.
    void multiply(const double* z, const Index* columns, Index count, double rate, double* out) const;

    Matrix landmark_rows() const { return by_column_.leftCols(landmarks_).transpose(); }  // (M, d), standardised
    const Vector& centre() const { return centre_; }
    const Vector& scale() const { return scale_; }  // 1 / standard deviation, 0 for a constant column

  private:
    Index varying_ = 0, landmarks_ = 0;
    Vector centre_, scale_;
    Matrix by_column_;  // (d, stride)
};

}  // namespace pellucid
