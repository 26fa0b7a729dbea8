// How likely the cells of a forest are under the laws of one column.
#include <algorithm>
#include <cmath>
#include <limits>

#include "pellucid/check.hpp"
#include "pellucid/trees/product_measure.hpp"

namespace pellucid {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double half_root = 0.70710678118654752440;       // 1 / sqrt 2
constexpr double normal_density = 0.39894228040143267794;  // 1 / sqrt(2 pi)

double held(double value, const double* law, bool whole) {
    if (whole) value = std::rint(value);
    return std::min(std::max(value, law[4]), law[5]);
}

// The law says value <= border exactly where it draws a number up to this, before that is made whole and held.
double before_holding(double border, const double* law, bool whole) {
    if (border < law[4]) return -infinity;
    if (border >= law[5]) return infinity;
    return whole ? std::floor(border) + 0.5 : border;
}

// The law of a cell as the core draws from it: base + width u, or mean + deviation times the quantile of
// start + span u, for a uniform u.
double share_below(double x, const double* law, bool normal) {
    if (x == -infinity) return 0.0;
    if (x == infinity) return 1.0;
    if (!normal) return std::clamp((x - law[0]) / law[1], 0.0, 1.0);
    const double probability = 0.5 * std::erfc(-(x - law[0]) / law[1] * half_root);
    return std::clamp((probability - law[2]) / law[3], 0.0, 1.0);
}

}  // namespace

Matrix cell_masses(MatrixIn laws, VectorIn borders, bool normal, bool whole) {
    require(laws.cols() == 6, "laws must have 6 columns, got ", laws.cols());
    const Index cells = borders.size() + 1;
    for (Index c = 1; c < borders.size(); ++c) require(borders[c - 1] < borders[c], "borders must ascend");
    Matrix masses = Matrix::Zero(laws.rows(), cells + 1);
    for (Index b = 0; b < laws.rows(); ++b) {
        const double* law = laws.row(b).data();
        if (std::isnan(law[0])) {
            masses(b, cells) = 1.0;
            continue;
        }
        if ((normal ? law[3] : law[1]) == 0.0) {
            const double value = held(law[0], law, whole);
            masses(b, std::lower_bound(borders.data(), borders.data() + borders.size(), value) - borders.data()) = 1.0;
            continue;
        }
        double before = 0.0;
        for (Index c = 0; c < cells; ++c) {
            const double border = c < borders.size() ? before_holding(borders[c], law, whole) : infinity;
            const double below = share_below(border, law, normal);
            masses(b, c) = below - before;
            before = below;
        }
    }
    return masses;
}

Matrix normal_cells(VectorIn borders) {
    const Index cells = borders.size() + 1;
    Matrix result(2, cells);
    double low = -infinity, density_low = 0.0;
    for (Index c = 0; c < cells; ++c) {
        const double high = c < borders.size() ? borders[c] : infinity;
        require(low <= high, "borders must ascend");
        const double density = normal_density * std::exp(-0.5 * high * high);
        // The tails nearer to the cell.
        const double sign = low + high > 0.0 ? -1.0 : 1.0;
        const double from = 0.5 * std::erfc(-sign * low * half_root), to = 0.5 * std::erfc(-sign * high * half_root);
        result(0, c) = std::abs(to - from);
        result(1, c) = density_low - density;
        low = high;
        density_low = density;
    }
    return result;
}

}  // namespace pellucid
