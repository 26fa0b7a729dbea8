#include "pellucid/regression/mask_products.hpp"

#include <array>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"

namespace pellucid {

PELLUCID_SIMD void linear_values(const std::uint8_t* masks, Index count, Index parts, const double* fit,
                                 double* values) {
    constexpr Index lanes = 16;
    const double* b = fit + 1;
    for (Index i = 0; i < count; ++i) {
        const std::uint8_t* z = masks + i * parts;
        std::array<double, lanes> sums{};
        Index j = 0;
        for (; j + lanes <= parts; j += lanes)
            for (Index l = 0; l < lanes; ++l)
                sums[static_cast<std::size_t>(l)] += static_cast<double>(z[j + l]) * b[j + l];
        double value = fit[0];
        for (const double sum : sums) value += sum;
        for (; j < parts; ++j) value += static_cast<double>(z[j]) * b[j];
        values[i] = value;
    }
}

PELLUCID_SIMD void add_moments(const std::uint8_t* masks, Index count, Index parts, const double* x, double* sums) {
    for (Index i = 0; i < count; ++i) {
        const std::uint8_t* z = masks + i * parts;
        const double xi = x[i];
        sums[0] += xi;
        for (Index j = 0; j < parts; ++j) sums[j + 1] += static_cast<double>(z[j]) * xi;
    }
}

Matrix linear_predictions(MasksIn masks, MatrixIn fits) {
    require(fits.rows() == masks.cols() + 1, "fits must have ", masks.cols() + 1, " rows, got ", fits.rows());
    Eigen::MatrixXd by_output(masks.rows(), fits.cols());
    const Eigen::MatrixXd columns = fits;
    parallel_for(masks.rows(), 1024, [&](Index first, Index last) {
        for (Index o = 0; o < columns.cols(); ++o)
            linear_values(masks.data() + first * masks.cols(), last - first, masks.cols(), columns.col(o).data(),
                          by_output.col(o).data() + first);
    });
    return by_output;
}

}  // namespace pellucid
