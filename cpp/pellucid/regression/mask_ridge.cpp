#include "pellucid/regression/mask_ridge.hpp"

#include <algorithm>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"
#include "pellucid/regression/factor.hpp"

namespace pellucid {
namespace {

constexpr Index rows_per_chunk = 256;

struct Sums {
    Matrix gram;      // (p + 1, p + 1), lower triangle: sum w [1, z][1, z]'
    Matrix response;  // (p + 1, k)
};

Sums sums_of(MasksIn masks, MatrixIn targets, VectorIn weights, Index first, Index last) {
    const Index parts = masks.cols();
    Sums sums{Matrix::Zero(parts + 1, parts + 1), Matrix::Zero(parts + 1, targets.cols())};
    // Masks and small whole numbers are exact in single precision, and a root of a weight errs by 6e-8 of itself.
    Eigen::MatrixXf rows(rows_per_chunk, parts + 1), product(parts + 1, parts + 1);
    for (Index i = first; i < last; i += rows_per_chunk) {
        const Index n = std::min(rows_per_chunk, last - i);
        const Eigen::VectorXf root = weights.segment(i, n).cwiseSqrt().cast<float>();
        rows.topRows(n).col(0) = root;
        rows.topRows(n).rightCols(parts) =
            (masks.middleRows(i, n).cast<float>().array().colwise() * root.array()).matrix();
        product.setZero();
        product.selfadjointView<Eigen::Lower>().rankUpdate(rows.topRows(n).transpose());
        sums.gram.triangularView<Eigen::Lower>() += product.cast<double>();
        // Output by output, here and below: what one gets must not depend on the others beside it.
        for (Index o = 0; o < targets.cols(); ++o) {
            const Eigen::VectorXf right = targets.col(o).segment(i, n).cast<float>().cwiseProduct(root);
            sums.response.col(o) += (rows.topRows(n).transpose() * right).cast<double>();
        }
        poll_interrupt();
    }
    return sums;
}

// The intercept is eliminated, so that the ridge does not touch it.
Matrix solved(const Sums& sums, double ridge) {
    const Index parts = sums.gram.rows() - 1;
    const double total = sums.gram(0, 0);
    const Vector mean = sums.gram.col(0).tail(parts) / total;
    Matrix gram = Matrix(sums.gram.bottomRightCorner(parts, parts).selfadjointView<Eigen::Lower>());
    gram.noalias() -= total * mean * mean.transpose();
    const Factor factor(gram, ridge);
    Matrix coefficients(parts + 1, sums.response.cols());
    for (Index o = 0; o < coefficients.cols(); ++o) {
        const Vector response = sums.response.col(o);
        const Matrix right = response.tail(parts) - response[0] * mean;
        coefficients.col(o).tail(parts) = factor.solve(right);
        coefficients(0, o) = response[0] / total - mean.dot(Vector(coefficients.col(o).tail(parts)));
    }
    return coefficients;
}

}  // namespace

void require_blocks(const Indices& starts, Index rows) {
    require(starts.size() >= 3 && starts[0] == 0 && starts[starts.size() - 1] == rows,
            "starts must run from 0 to the number of rows, ", rows, ", in two or more blocks");
    for (Index f = 1; f < starts.size(); ++f)
        require(starts[f] > starts[f - 1], "starts must grow, got ", starts[f - 1], " before ", starts[f]);
}

std::vector<Matrix> mask_ridge(MasksIn masks, MatrixIn targets, VectorIn weights, const Indices& starts, double ridge) {
    const Index m = masks.rows(), blocks = starts.size() - 1;
    require(targets.rows() == m && weights.size() == m, "targets and weights must have a row for each of ", m,
            " masks, got ", targets.rows(), " and ", weights.size());
    require(weights.allFinite() && (weights.array() >= 0.0).all() && targets.allFinite(),
            "targets must be finite and weights finite and >= 0");
    require(ridge > 0.0, "ridge must be > 0, got ", ridge);
    require_blocks(starts, m);
    std::vector<Sums> by_block(static_cast<std::size_t>(blocks));
    parallel_for(blocks, 1, [&](Index first, Index last) {
        for (Index f = first; f < last; ++f)
            by_block[static_cast<std::size_t>(f)] = sums_of(masks, targets, weights, starts[f], starts[f + 1]);
    });
    std::vector<Matrix> fits(static_cast<std::size_t>(blocks));
    parallel_for(blocks, 1, [&](Index first, Index last) {
        for (Index f = first; f < last; ++f) {
            Sums others{Matrix::Zero(masks.cols() + 1, masks.cols() + 1),
                        Matrix::Zero(masks.cols() + 1, targets.cols())};
            for (Index g = 0; g < blocks; ++g) {
                if (g == f) continue;
                others.gram += by_block[static_cast<std::size_t>(g)].gram;
                others.response += by_block[static_cast<std::size_t>(g)].response;
            }
            require<NumericalError>(others.gram(0, 0) > 0.0, "the rows outside of block ", f, " have no weight");
            fits[static_cast<std::size_t>(f)] = solved(others, ridge);
        }
    });
    return fits;
}

}  // namespace pellucid
