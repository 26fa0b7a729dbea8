// One solve of a MixedRegression: the data of all draws in the coordinates of their spectra, and what depends on
// lambda.
//
// With G_b = sum w u u', r_b = sum w u y and M_b = (G_b + lambda)^-1 over the pairs of draw b:
//   h = lambda sum X_b' M_b r_b,  A = lambda sum X_b' G_b M_b X_b,  c = A^+ h,  delta_b = M_b (r_b - G_b X_b c)
// and the restricted likelihood is, up to a constant, with N pairs and p = rank A
//   -2 log L = (N - p) log(Q / (N - p)) + sum log det(I + G_b / lambda) + log det+ A,  Q = sum w y^2 - sum r' M r - c'
//   h.
#pragma once

#include <limits>
#include <vector>

#include "pellucid/parallel.hpp"
#include "pellucid/shapley/mixed_regression.hpp"

namespace pellucid {

class MixedFit {
  public:
    MixedFit(const MixedRegression& regression, MatrixIn targets, MatrixIn gaps, MatrixIn contrasts);

    MixedEstimate estimate() const;
    Matrix residuals(VectorIn shrinkage) const;  // at one lambda for each output, in the order of the design

  private:
    // Everything at one lambda: A = sum X' K X in reduced coordinates, its factor, and the coefficients.
    struct Shared {
        double lambda;
        Eigen::LLT<Eigen::MatrixXd> factor;
        Eigen::MatrixXd coefficients;  // (rank, k), reduced
        Vector squares;                // (k,), Q: what the fit leaves
        double log_det;                // of I + G_b / lambda over the draws, and of A
        double freedom_of_draws;
    };
    // What one lambda says of the outputs that chose it.
    struct Solution {
        double lambda;
        std::vector<Index> outputs;
        Eigen::MatrixXd coefficients;      // (width, outputs)
        Eigen::MatrixXd half;              // (width, rank): A^+ = half half'
        Eigen::MatrixXd shared_to_values;  // (players, rank): S half, with values = const + sum w_b M_b r_b + S c
    };
    // What sampling the pairs of one draw does to the values, (players, outputs): the variance it adds, and what to add
    // against the bias of the fit, sum missing h L e as in ClusterRegression.
    struct Sampling {
        Eigen::MatrixXd variance, correction;
    };
    static constexpr Index pooled = -1;  // the step of lambda = infinity

    bool shrinks(double lambda) const { return lambda < std::numeric_limits<double>::infinity(); }
    Index count(Index b) const { return rows_.draw_start[b + 1] - rows_.draw_start[b]; }
    // lambda / (g + lambda), the part of the shared coefficients that a draw keeps.
    Vector kept(Index b, double lambda) const { return lambda / (of_.values_[b].array() + lambda); }
    Eigen::MatrixXd responses_of(Index b, const std::vector<Index>& outputs) const;

    template <typename Body>
    void for_draws(const Body& body) const {  // body(chunk, draw), in parallel over chunks of draws
        parallel_for(static_cast<Index>(chunks_), 1, [&](Index c, Index) {
            for (Index b = of_.first_draw_[c]; b < of_.first_draw_[c + 1]; ++b) {
                body(static_cast<std::size_t>(c), b);
                poll_interrupt();
            }
        });
    }
    template <typename Part>
    static Part ordered_sum(std::vector<Part>& parts) {
        for (std::size_t c = 1; c < parts.size(); ++c) parts[0] += parts[c];
        return parts[0];
    }

    void pairs_of(Index b, const std::vector<Index>& outputs, Eigen::MatrixXd& y, Vector& w) const;
    void project();
    void find_basis();
    Eigen::MatrixXd own_gram(Index b, const Vector& diagonal) const;
    Eigen::MatrixXd assemble(double lambda, bool squared) const;
    void add_scattered(Index b, const Eigen::MatrixXd& own, Eigen::MatrixXd& sum) const;
    Eigen::MatrixXd gathered(Index b, const Eigen::MatrixXd& full) const;
    Shared shared_at(double lambda) const;
    double criterion(const Shared& shared, Index output) const;
    bool leaves_freedom(const Shared& shared) const;
    Indices choose_steps() const;

    Solution solution_at(const Shared& shared, const std::vector<Index>& outputs) const;
    Eigen::MatrixXd own_fit(Index b, const Solution& solution) const;
    void finish(double lambda, const std::vector<Index>& outputs, MixedEstimate& result) const;
    Eigen::MatrixXd own_values(Index b, const Solution& solution) const;
    Eigen::MatrixXd own_to_values(Index b, double lambda) const;
    Sampling sampling_of(Index b, const Solution& solution) const;

    const MixedRegression& of_;
    const PairRows& rows_;
    Index n_, k_, width_;
    MatrixIn targets_, gaps_;
    std::size_t chunks_;
    Matrix z_;                                // (draws, players or 0), scaled
    std::vector<Eigen::MatrixXd> responses_;  // (draws), sum w u y in the coordinates of the draw
    Vector squares_;                          // (k,), sum w y^2
    Eigen::MatrixXd basis_;                   // (width, rank): A(infinity) = 1 in it
};

}  // namespace pellucid
