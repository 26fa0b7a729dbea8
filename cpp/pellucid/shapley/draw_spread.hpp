// How much the values differ from draw to draw, summed up one draw at a time.
#pragma once

#include <limits>

#include "pellucid/types.hpp"

namespace pellucid {

class DrawSpread {
  public:
    DrawSpread(Index players, Index k)
        : first_(Eigen::MatrixXd::Zero(players, k)), second_(Eigen::MatrixXd::Zero(players, k)) {}

    // The values (players, k) of a draw of weight w.
    void add(const Eigen::Ref<const Eigen::MatrixXd>& values, double w) {
        const double square = w * w;
        weight_ += square;
        first_ += square * values;
        second_ += square * values.cwiseAbs2();
    }
    void add(const DrawSpread& other) {
        weight_ += other.weight_;
        first_ += other.first_;
        second_ += other.second_;
    }
    // sum w^2 (t_b - mean)^2 / (1 - sum w^2); NaN for a single draw.
    Matrix variance(const Eigen::Ref<const Eigen::MatrixXd>& mean) const {
        if (weight_ >= 1.0 - 1e-12)
            return Matrix::Constant(mean.rows(), mean.cols(), std::numeric_limits<double>::quiet_NaN());
        const Eigen::MatrixXd around = second_ - 2.0 * mean.cwiseProduct(first_) + weight_ * mean.cwiseAbs2();
        return around.cwiseMax(0.0) / (1.0 - weight_);
    }

  private:
    double weight_ = 0.0;
    Eigen::MatrixXd first_, second_;
};

}  // namespace pellucid
