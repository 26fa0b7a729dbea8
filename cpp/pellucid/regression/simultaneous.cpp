#include "pellucid/regression/simultaneous.hpp"

#include <algorithm>
#include <cmath>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"
#include "pellucid/random.hpp"
#include "pellucid/regression/tile_product.hpp"

namespace pellucid {

double max_normal_quantile(MatrixIn correlation, double level, Index draws, std::uint64_t seed) {
    constexpr Index chunk = 64;
    const Index p = correlation.rows(), width = padded(p);
    require(p >= 1 && correlation.cols() == p, "correlation must be square, got ", p, " by ", correlation.cols());
    require(level > 0.0 && level < 1.0, "level must be between 0 and 1, got ", level);
    require(draws >= 100, "draws must be at least 100, got ", draws);
    // Estimated from fewer rows than parts the matrix is singular: a jitter far below what the draws can see.
    Eigen::MatrixXd regular = correlation;
    regular.diagonal().array() += 1e-9;
    const Eigen::LLT<Eigen::MatrixXd> factor(regular);
    require<NumericalError>(factor.info() == Eigen::Success, "correlation is not positive semidefinite");
    Matrix upper = Matrix::Zero(p, width);
    upper.leftCols(p) = Eigen::MatrixXd(factor.matrixU());

    Vector largest(draws);
    parallel_for(draws, chunk, [&](Index first, Index last) {
        Matrix normal(last - first, p), t = Matrix::Zero(last - first, width);
        for (Index i = first; i < last; ++i) {
            RowStream stream(seed, 0, static_cast<std::uint64_t>(i), StreamOf::simultaneous);
            for (Index j = 0; j < p; ++j) normal(i - first, j) = stream.normal();
        }
        add_tiles({normal.data(), p, 1}, last - first, p, upper.data(), width, width, t.data(), width);
        largest.segment(first, last - first) = t.cwiseAbs().rowwise().maxCoeff();
    });
    const auto rank = static_cast<Index>(std::ceil(level * static_cast<double>(draws))) - 1;
    std::nth_element(largest.data(), largest.data() + rank, largest.data() + draws);
    return largest[rank];
}

}  // namespace pellucid
