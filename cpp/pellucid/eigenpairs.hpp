// Eigenvalues of symmetric matrices in one unit: the solver is among the largest templates there are.
#pragma once

#include "pellucid/types.hpp"

namespace pellucid {

// Ascending; the vectors are columns. Not to be used where the iterations did not converge.
struct Eigenpairs {
    Vector values;
    Eigen::MatrixXd vectors;
    bool converged = true;
};

// Of the lower triangle.
Eigenpairs eigenpairs(const Eigen::MatrixXd& symmetric);

}  // namespace pellucid
