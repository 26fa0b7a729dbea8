#include "pellucid/regression/mask_limit.hpp"

#include "pellucid/check.hpp"

namespace pellucid {

void ExchangeableLaw::require_complete(Index depth) const {
    require(alpha.rows() == alpha.cols() && alpha.rows() > depth + 1, "alphas must be square, of more than ", depth + 1,
            " rows, got ", alpha.rows(), " by ", alpha.cols());
    require(inverse.size() == 4, "inverse must have 4 entries, got ", inverse.size());
}

Vector ExchangeableLaw::projected(const Vector& moments) const {
    const Index parts = moments.size() - 1;
    const double sum = moments.tail(parts).sum();
    Vector beta(parts + 1);
    beta[0] = inverse[0] * moments[0] + inverse[1] * sum;
    beta.tail(parts) = (inverse[2] * moments.tail(parts)).array() + (inverse[1] * moments[0] + inverse[3] * sum);
    return beta;
}

}  // namespace pellucid
