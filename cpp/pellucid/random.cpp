#include "pellucid/random.hpp"

#include <algorithm>

#include "pellucid/types.hpp"

namespace pellucid {
namespace {

// Numerator and denominator of degree 7, constant term first.
double rational(const double (&a)[8], const double (&b)[8], double r) {
    double top = a[7], bottom = b[7];
    for (int i = 6; i >= 0; --i) {
        top = top * r + a[i];
        bottom = bottom * r + b[i];
    }
    return top / bottom;
}

constexpr double central_top[8] = {3.3871328727963666080e0,  1.3314166789178437745e+2, 1.9715909503065514427e+3,
                                   1.3731693765509461125e+4, 4.5921953931549871457e+4, 6.7265770927008700853e+4,
                                   3.3430575583588128105e+4, 2.5090809287301226727e+3};
constexpr double central_bottom[8] = {1.0,
                                      4.2313330701600911252e+1,
                                      6.8718700749205790830e+2,
                                      5.3941960214247511077e+3,
                                      2.1213794301586595867e+4,
                                      3.9307895800092710610e+4,
                                      2.8729085735721942674e+4,
                                      5.2264952788528545610e+3};
constexpr double middle_top[8] = {1.42343711074968357734e0,  4.63033784615654529590e0, 5.76949722146069140550e0,
                                  3.64784832476320460504e0,  1.27045825245236838258e0, 2.41780725177450611770e-1,
                                  2.27238449892691845833e-2, 7.74545014278341407640e-4};
constexpr double middle_bottom[8] = {1.0,
                                     2.05319162663775882187e0,
                                     1.67638483018380384940e0,
                                     6.89767334985100004550e-1,
                                     1.48103976427480074590e-1,
                                     1.51986665636164571966e-2,
                                     5.47593808499534494600e-4,
                                     1.05075007164441684324e-9};
constexpr double tail_top[8] = {6.65790464350110377720e0,  5.46378491116411436990e0,  1.78482653991729133580e0,
                                2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                2.71155556874348757815e-5, 2.01033439929228813265e-7};
constexpr double tail_bottom[8] = {1.0,
                                   5.99832206555887937690e-1,
                                   1.36929880922735805310e-1,
                                   1.48753612908506148525e-2,
                                   7.86869131145613259100e-4,
                                   1.84631831751005468180e-5,
                                   1.42151175831644588870e-7,
                                   2.04426310338993978564e-15};

constexpr double central_reach = 0.425;

// Garbage beyond the central reach, which the caller replaces.
PELLUCID_SIMD void central_quantiles(const double* __restrict probability, std::int64_t count, double* __restrict out) {
    for (std::int64_t i = 0; i < count; ++i) {
        const double q = probability[i] - 0.5;
        const double r = 0.180625 - q * q;
        double top = central_top[7], bottom = central_bottom[7];
        for (int k = 6; k >= 0; --k) {
            top = top * r + central_top[k];
            bottom = bottom * r + central_bottom[k];
        }
        out[i] = q * (top / bottom);
    }
}

}  // namespace

double normal_quantile(double probability) {
    require(probability > 0.0 && probability < 1.0, "probability must lie in (0, 1), got ", probability);
    const double q = probability - 0.5;
    if (std::abs(q) <= central_reach) return q * rational(central_top, central_bottom, 0.180625 - q * q);

    const double r = std::sqrt(-std::log(q < 0.0 ? probability : 1.0 - probability));
    const double x = r <= 5.0 ? rational(middle_top, middle_bottom, r - 1.6) : rational(tail_top, tail_bottom, r - 5.0);
    return q < 0.0 ? -x : x;
}

void fill_normal_quantiles(double* values, std::int64_t count) {
    constexpr std::int64_t tile = 256;
    double central[tile];
    for (std::int64_t first = 0; first < count; first += tile) {
        double* p = values + first;
        const std::int64_t size = std::min(tile, count - first);
        central_quantiles(p, size, central);
        for (std::int64_t i = 0; i < size; ++i)
            p[i] = std::abs(p[i] - 0.5) <= central_reach ? central[i] : normal_quantile(p[i]);
    }
}

}  // namespace pellucid
