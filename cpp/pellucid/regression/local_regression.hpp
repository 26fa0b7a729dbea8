// The weighted linear fit around a point, with standard errors that trust neither equal variances nor the model.
//
//   argmin  sum_i w_i (y_i - b_0 - z_i'b - s_i'g - v_i'd)^2 + ridge |b|^2
//
// z (m, p): the parts; s (m, e): columns shared by all outputs; v (m, e2): columns of one output's own. b is the
// answer. The columns enter in three steps, each by block elimination from the last: A^-1 of [1, Z] serves all outputs
// and all columns; what the step before leaves of s, then of v, is a small regression. Step by step the influences A^-1
// x_i of the rows on (b, b_0), m times (p + 1), and the leverages h_i = w_i x_i' A^-1 x_i are updated.
//
// Variance: HC3, sum_i (w_i r_i / (1 - h_i))^2 (A^-1 x_i)(A^-1 x_i)'; for pairs of rows 2i, 2i + 1, CR3: the residuals
// of a pair, scaled by sqrt(w), become (I - H_c)^-1 r_c with its 2 by 2 block of the leverages. MacKinnon and White,
// J. Econometrics 29 (1985); Bell and McCaffrey, Survey Methodology 28 (2002). With a ridge A holds the ridge: the
// variance is that of the shrunk coefficients, without their bias. A row that fixes its own residual (1 - h < 1e-8)
// tells nothing of its noise: it takes the mean squared residual of the others.
#pragma once

#include <vector>

#include "pellucid/types.hpp"

namespace pellucid {

class LocalRegression {
  public:
    // own (m, k e2): the columns of output 0, then those of output 1, ...; keep: increasing indices of the parts to
    // fit, the others are 0. Throws InputError for shapes that do not match, numbers that are not finite, w < 0 or all
    // 0.
    static LocalRegression of_masks(MasksIn z, MatrixIn y, VectorIn w, MatrixIn shared, MatrixIn own, IndicesIn keep,
                                    double ridge, bool pairs);
    static LocalRegression of_numbers(MatrixIn z, MatrixIn y, VectorIn w, MatrixIn shared, MatrixIn own, IndicesIn keep,
                                      double ridge, bool pairs);

    const Matrix& coefficients() const { return coefficients_; }          // (p, k)
    const Vector& intercept() const { return intercept_; }                // (k,)
    const Matrix& std_err() const { return std_err_; }                    // (p, k)
    const Vector& intercept_std_err() const { return intercept_error_; }  // (k,)
    const Vector& r2() const { return r2_; }                              // (k,) of b_0 + z'b alone
    double ess() const { return ess_; }                                   // (sum w)^2 / sum w^2
    double freedom() const { return freedom_; }                           // the same over clusters, less the columns
    const std::vector<Index>& dropped() const { return dropped_; }        // parts that do not vary
    bool singular() const { return singular_; }                           // collinear: the fit of minimum norm
    Index fixed_rows() const { return fixed_rows_; }                      // with 1 - h < 1e-8, of the worst output

    // Centred and weighted, of y less what the further columns explain of it: (gram + ridge) b = response.
    const Matrix& gram() const { return gram_; }          // (p, p)
    const Matrix& response() const { return response_; }  // (p, k)
    const Vector& total() const { return total_; }        // (k,)

    Matrix covariance(Index output) const;  // (p, p) of the coefficients

  private:
    // Columns that entered after Z: h_i += w_i |t_i|^2, influence_i -= d' t_i.
    struct Border {
        Matrix t, d;  // (m, e padded), (e padded, p + 1 padded)
        Index rank = 0;
        bool singular = false;
    };
    // What is left to explain: the residuals of all targets, and their coefficients on (b, b_0) so far.
    struct Targets {
        Matrix residual, coefficients;  // (m, L), (p + 1, L)
        Vector size;                    // (L,), sum of w t^2 of the centred target
    };

    LocalRegression(Index parts, MatrixIn y, VectorIn w, double ridge, bool pairs);
    template <typename Rows, typename Z>
    static LocalRegression fitted(const Z& z, MatrixIn y, VectorIn w, MatrixIn shared, MatrixIn own, IndicesIn keep,
                                  double ridge, bool pairs);
    template <typename Rows>
    void fit(const Rows& rows, MatrixIn y, MatrixIn shared, MatrixIn own);
    template <typename Rows>
    void prepare(const Rows& rows, Targets& targets);
    Border add_border(Targets& targets, Index first, Index count, Index from, Index to) const;
    void add_leverage(const Border& border, Vector& leverage, Vector& across) const;
    template <typename Rows>
    void summarise(const Rows& rows, MatrixIn y, const Targets& targets, bool further);
    void weigh_residuals(Index output, const Targets& targets);
    Matrix scores(Index output, Index first, Index last) const;
    void sum_squares(Index output);

    bool is_alone(Index row, Index output) const { return alone_(output, row) != 0; }

    Index parts_, outputs_, rows_;
    double ridge_;
    bool pairs_;
    Vector w_;
    double weight_;              // sum of w
    std::vector<Index> active_;  // the parts that are fitted, increasing
    Matrix influence_;           // (m, active + 1 padded), the intercept after the parts
    Vector leverage_, across_;   // (m,), and x_i' A^-1 x_(i + 1) sqrt(w_i w_(i + 1)) of even rows, of pairs
    std::vector<Border> own_;    // of each output; none without own columns
    Matrix score_;               // (k, m): a row adds score * influence to the error of the coefficients
    Masks alone_;                // (k, m), 1: the row's error is independent of its partner's

    Matrix coefficients_, std_err_, gram_, response_;
    Vector intercept_, intercept_error_, r2_, total_;
    double ess_ = 0.0, freedom_ = 0.0;
    std::vector<Index> dropped_;
    bool singular_ = false;
    Index fixed_rows_ = 0;
};

}  // namespace pellucid
