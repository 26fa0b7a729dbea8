// Gauss-Legendre nodes of the unit interval: a polynomial of degree 2 q - 1 is integrated exactly by q of them.
#pragma once

#include <vector>

#include "pellucid/types.hpp"

namespace pellucid {

struct Quadrature {
    // Any number of nodes, by Newton's method in long double; ascending. Cost O(nodes^2).
    explicit Quadrature(Index nodes);

    Index nodes() const { return static_cast<Index>(weight.size()); }

    std::vector<double> at, rest, weight;  // p, 1 - p without cancellation, w
};

}  // namespace pellucid
