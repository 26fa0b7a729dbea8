#include "pellucid/shapley/gaussian_linear.hpp"

#include <cmath>
#include <vector>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"

namespace pellucid {
namespace {

void check_orders(IndexMatrixIn orders, Index columns) {
    std::vector<Index> met(static_cast<std::size_t>(columns), -1);
    for (Index i = 0; i < orders.rows(); ++i) {
        for (Index r = 0; r < columns; ++r) {
            const Index c = orders(i, r);
            require(c >= 0 && c < columns && met[static_cast<std::size_t>(c)] != i, "order ", i,
                    " must name each of the ", columns, " columns once, got ", c);
            met[static_cast<std::size_t>(c)] = i;
        }
    }
}

// to -= factor * from.
PELLUCID_SIMD void subtract_scaled(double factor, const double* __restrict from, Index count, double* __restrict to) {
    for (Index c = 0; c < count; ++c) to[c] -= factor * from[c];
}

// What one order needs, kept from one to the next.
class Order {
  public:
    Order(MatrixIn covariance, MatrixIn coefficients)
        : covariance_(covariance),
          coefficients_(coefficients),
          upper_(covariance.rows(), covariance.rows()),
          inverse_(covariance.rows(), covariance.rows()),
          gains_(coefficients.rows(), coefficients.cols()) {}

    void add(const Index* order, double* sums) {
        factor(order);
        invert();
        const Index m = covariance_.rows(), outputs = coefficients_.cols();
        for (Index r = 0; r < m; ++r) {
            for (Index o = 0; o < outputs; ++o) {
                double gain = 0.0;
                for (Index c = r; c < m; ++c) gain += upper_(r, c) * coefficients_(order[c], o);
                gains_(r, o) = gain;
            }
            double* row = sums + order[r] * m * outputs;
            for (Index c = 0; c <= r; ++c)
                for (Index o = 0; o < outputs; ++o) row[order[c] * outputs + o] += gains_(r, o) * inverse_(r, c);
        }
    }

  private:
    // Sigma in this order as U' U: rows of U = L' lie together.
    void factor(const Index* order) {
        const Index m = covariance_.rows();
        for (Index r = 0; r < m; ++r)
            for (Index c = r; c < m; ++c) upper_(r, c) = covariance_(order[r], order[c]);
        for (Index r = 0; r < m; ++r) {
            double* row = upper_.row(r).data();
            require<NumericalError>(row[r] > 0.0 && std::isfinite(row[r]),
                                    "the covariance of the background is singular; add a ridge to its diagonal");
            const double root = std::sqrt(row[r]);
            for (Index c = r; c < m; ++c) row[c] /= root;
            for (Index below = r + 1; below < m; ++below)
                subtract_scaled(row[below], row + below, m - below, upper_.row(below).data() + below);
        }
    }

    // L^-1 by rows: e_r less what the rows above have of it.
    void invert() {
        const Index m = covariance_.rows();
        for (Index r = 0; r < m; ++r) {
            double* row = inverse_.row(r).data();
            for (Index c = 0; c < r; ++c) row[c] = 0.0;
            row[r] = 1.0;
            for (Index above = 0; above < r; ++above)
                subtract_scaled(upper_(above, r), inverse_.row(above).data(), above + 1, row);
            const double scale = upper_(r, r);
            for (Index c = 0; c <= r; ++c) row[c] /= scale;
        }
    }

    MatrixIn covariance_, coefficients_;
    Matrix upper_, inverse_, gains_;
};

}  // namespace

Matrix gaussian_linear_orders(MatrixIn covariance, MatrixIn coefficients, IndexMatrixIn orders, Index per_group) {
    const Index m = covariance.rows(), outputs = coefficients.cols();
    require(covariance.cols() == m && coefficients.rows() == m && orders.cols() == m,
            "covariance, coefficients and orders must be of the same columns, got ", m, " by ", covariance.cols(), ", ",
            coefficients.rows(), " and ", orders.cols());
    require(covariance.allFinite() && coefficients.allFinite(), "covariance and coefficients must be finite");
    require(per_group >= 1 && orders.rows() % per_group == 0, "per_group must divide the ", orders.rows(),
            " orders, got ", per_group);
    check_orders(orders, m);
    const Index groups = orders.rows() / per_group;
    const Index width = checked_product(checked_product(m, m, "columns times columns"), outputs, "matrices of outputs");
    checked_product(groups, width, "groups of matrices");
    Matrix sums = Matrix::Zero(groups, width);
    parallel_for(groups, 1, [&](Index first, Index last) {
        Order work(covariance, coefficients);
        for (Index g = first; g < last; ++g) {
            for (Index i = g * per_group; i < (g + 1) * per_group; ++i) {
                poll_interrupt();
                work.add(orders.row(i).data(), sums.row(g).data());
            }
        }
    });
    return sums;
}

}  // namespace pellucid
