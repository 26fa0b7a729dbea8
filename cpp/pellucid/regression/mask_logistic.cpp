#include "pellucid/regression/mask_logistic.hpp"

#include <algorithm>
#include <cmath>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"
#include "pellucid/regression/mask_limit.hpp"
#include "pellucid/regression/mask_products.hpp"
#include "pellucid/regression/mask_ridge.hpp"

namespace pellucid {
namespace {

constexpr Index rows_per_chunk = 1024;

double logistic(double logit) {
    return 1.0 / (1.0 + std::exp(-logit));
}

// u = start + z'slopes and its square under an exchangeable law: m_0 = E[u^2], m_j = E[u^2 z_j].
Vector moments_of_square(double start, const Vector& slopes, const Matrix& alpha) {
    const double a1 = alpha(1, 0), a2 = alpha(2, 0), a3 = alpha(3, 0);
    const double sum = slopes.sum(), squares = slopes.squaredNorm();
    Vector moments(slopes.size() + 1);
    moments[0] = start * start + 2.0 * start * a1 * sum + a1 * squares + a2 * (sum * sum - squares);
    for (Index j = 0; j < slopes.size(); ++j) {
        const double v = slopes[j], others = sum - v, other_squares = squares - v * v;
        moments[j + 1] = start * start * a1 + 2.0 * start * (v * a1 + others * a2) + v * v * a1 + other_squares * a2 +
                         2.0 * v * others * a2 + (others * others - other_squares) * a3;
    }
    return moments;
}

// Sums over chunks of the bank, added up in the order of the chunks.
template <typename Add>
Vector summed(Index rows, Index size, const Add& add) {
    const Index chunks = (rows + rows_per_chunk - 1) / rows_per_chunk;
    Eigen::MatrixXd parts = Eigen::MatrixXd::Zero(size, chunks);
    parallel_for(rows, rows_per_chunk,
                 [&](Index first, Index last) { add(first, last, parts.col(first / rows_per_chunk).data()); });
    Vector sums = Vector::Zero(size);
    for (Index c = 0; c < chunks; ++c) sums += parts.col(c);
    return sums;
}

// Limit of the curve over the logit fit[0] + z'fit[1..p]; weights sum to 1 over the bank.
Vector limit_of(const Vector& fit, MasksIn bank, VectorIn weights, const ExchangeableLaw& law) {
    const Index m = bank.rows(), parts = bank.cols();
    Vector logits(m), curve(m);
    parallel_for(m, rows_per_chunk, [&](Index first, Index last) {
        linear_values(bank.data() + first * parts, last - first, parts, fit.data(), logits.data() + first);
        for (Index i = first; i < last; ++i) curve[i] = logistic(logits[i]);
    });
    const double mean = weights.dot(logits);
    const double spread = std::sqrt((weights.array() * (logits.array() - mean).square()).sum());
    const double scale = spread > 1e-12 * (1.0 + std::abs(mean)) ? 1.0 / spread : 0.0;
    const Vector u = (logits.array() - mean) * scale;

    // The best a + b u + c u^2 on the bank, and what it leaves.
    const Vector square = u.cwiseAbs2();
    Eigen::Matrix3d gram;
    const double u3 = weights.dot(Vector(square.cwiseProduct(u))), u4 = weights.dot(Vector(square.cwiseAbs2()));
    const double u1 = weights.dot(u), u2 = weights.dot(square);
    gram << 1.0, u1, u2, u1, u2, u3, u2, u3, u4;
    const Vector weighted = weights.cwiseProduct(curve);
    const Eigen::Vector3d right(weighted.sum(), weighted.dot(u), weighted.dot(square));
    const Eigen::Vector3d c = gram.completeOrthogonalDecomposition().solve(right);
    const Vector left = weights.array() * (curve.array() - c[0] - c[1] * u.array() - c[2] * square.array());
    const Vector moments = summed(m, parts + 1, [&](Index first, Index last, double* sums) {
        add_moments(bank.data() + first * parts, last - first, parts, left.data() + first, sums);
    });

    const double start = (fit[0] - mean) * scale;
    const Vector slopes = fit.tail(parts) * scale;
    Vector beta = law.projected(moments) + c[2] * law.projected(moments_of_square(start, slopes, law.alpha));
    beta[0] += c[0] + c[1] * start;
    beta.tail(parts) += c[1] * slopes;
    return beta;
}

}  // namespace

MaskLogistic::MaskLogistic(MasksIn masks, MatrixIn outputs, VectorIn weights, const Indices& starts) {
    require((outputs.array() >= 0.0 && outputs.array() <= 1.0).all(), "outputs must be numbers within [0, 1]");
    require(outputs.rows() == masks.rows() && weights.size() == masks.rows(),
            "outputs and weights must have a row for each of ", masks.rows(), " masks, got ", outputs.rows(), " and ",
            weights.size());
    const Index k = outputs.cols();
    require_blocks(starts, masks.rows());
    fits_.assign(static_cast<std::size_t>(starts.size() - 1), Matrix(masks.cols() + 1, k));
    for (Index o = 0; o < k; ++o) {
        const auto y = outputs.col(o).array();
        const auto clipped = y.max(floor).min(1.0 - floor);
        const Matrix logits = (clipped / (1.0 - clipped)).log().matrix();
        const Vector steep = (weights.array() * (y * (1.0 - y) + 1e-3)).matrix();
        const double total = steep.sum();
        require<NumericalError>(total > 0.0, "the weights of all masks are zero");
        // Weights of mean 1, so that the ridge means the same for every output.
        const Vector relative = steep * (static_cast<double>(masks.rows()) / total);
        const std::vector<Matrix> fits = mask_ridge(masks, logits, relative, starts, ridge);
        for (std::size_t f = 0; f < fits_.size(); ++f) fits_[f].col(o) = fits[f].col(0);
    }
}

Matrix MaskLogistic::evaluate(MasksIn masks, IndicesIn blocks) const {
    const Index parts = fits_.front().rows() - 1;
    require(masks.cols() == parts && this->blocks() > 0 && blocks.size() == masks.rows(), "masks must have ", parts,
            " columns and a block for each row, got ", masks.cols(), " columns, ", masks.rows(), " rows and ",
            blocks.size(), " blocks");
    require(masks.rows() == 0 || (blocks.minCoeff() >= 0 && blocks.maxCoeff() < this->blocks()), "blocks must be 0 to ",
            this->blocks() - 1);
    Matrix values(masks.rows(), fits_.front().cols());
    for (Index o = 0; o < values.cols(); ++o) {
        Matrix of_block(parts + 1, this->blocks());
        for (Index f = 0; f < this->blocks(); ++f) of_block.col(f) = fits_[static_cast<std::size_t>(f)].col(o);
        const Eigen::MatrixXd fits = of_block;
        parallel_for(masks.rows(), rows_per_chunk, [&](Index first, Index last) {
            for (Index i = first; i < last; ++i) {
                double logit = 0.0;
                linear_values(masks.data() + i * parts, 1, parts, fits.col(blocks[i]).data(), &logit);
                values(i, o) = logistic(logit);
            }
        });
    }
    return values;
}

Matrix MaskLogistic::limits(Index block, MasksIn bank, VectorIn bank_weights, const Matrix& alpha,
                            const Vector& inverse) const {
    require(block >= 0 && block < blocks(), "block must be 0 to ", blocks() - 1, ", got ", block);
    const Matrix& fits = fits_[static_cast<std::size_t>(block)];
    require(bank.rows() >= 1 && bank.cols() + 1 == fits.rows() && bank_weights.size() == bank.rows(),
            "the bank must have masks of ", fits.rows() - 1, " parts with a weight each, got ", bank.rows(), " by ",
            bank.cols(), " and ", bank_weights.size(), " weights");
    require(std::abs(bank_weights.sum() - 1.0) < 1e-9, "the weights of the bank must sum to 1, got ",
            bank_weights.sum());
    const ExchangeableLaw law{alpha, inverse};
    law.require_complete(2);
    Matrix beta(fits.rows(), fits.cols());
    for (Index o = 0; o < fits.cols(); ++o) beta.col(o) = limit_of(fits.col(o), bank, bank_weights, law);
    return beta;
}

}  // namespace pellucid
