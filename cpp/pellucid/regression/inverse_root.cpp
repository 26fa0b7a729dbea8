#include "pellucid/regression/inverse_root.hpp"

#include <cmath>

#include "pellucid/check.hpp"
#include "pellucid/eigenpairs.hpp"

namespace pellucid {
namespace {

constexpr double smallest = 1e-11;

}  // namespace

InverseRoot::InverseRoot(const Matrix& s, const Vector& floor) : root(s), rank(s.rows()), singular(false) {
    const Index p = s.rows();
    if (p == 0) return;
    Vector scale(p);
    for (Index j = 0; j < p; ++j) {
        const bool full = s(j, j) > floor[j] && s(j, j) > 0.0;
        scale[j] = full ? 1.0 / std::sqrt(s(j, j)) : 0.0;
        if (!full) empty.push_back(j);
    }
    root = scale.asDiagonal() * s * scale.asDiagonal();
    for (const Index j : empty) root(j, j) = 1.0;
    rank = p - static_cast<Index>(empty.size());

    const Eigen::LLT<Eigen::MatrixXd> factor(root);
    const bool regular =
        factor.info() == Eigen::Success && (factor.matrixLLT().diagonal().array().square() > smallest).all();
    if (regular) {
        root = factor.matrixU().solve(Eigen::MatrixXd::Identity(p, p));
    } else {
        const Eigenpairs eigen = eigenpairs(root);
        require<NumericalError>(eigen.converged, "the eigenvalues of the design did not converge");
        const Vector& values = eigen.values;
        Vector inverse(p);
        for (Index j = 0; j < p; ++j) {
            const bool kept = values[j] > smallest * values[p - 1];
            inverse[j] = kept ? 1.0 / std::sqrt(values[j]) : 0.0;
            rank -= kept ? 0 : 1;
        }
        root = eigen.vectors * inverse.asDiagonal();
        singular = true;
    }
    root = (scale.asDiagonal() * root).eval();
}

}  // namespace pellucid
