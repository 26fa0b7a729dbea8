// The linear limit of a function g of masks under an exchangeable law of them: the coefficients of its projection on
// 1, z_1 .. z_p. Only moments enter, m_0 = E[g] and m_j = E[g z_j], since the inverse of E[(1,z)(1,z)'] has three
// distinct kinds of entries:
//
//   beta_0 = s0 m_0 + s1 sum_j m_j        beta_j = s1 m_0 + d m_j + o sum_l m_l
//
// For a product of parts, on for j in A and off for j in B, they are alpha(a, b) = P(A on, B off), a = |A|, b = |B|:
// m_0 = alpha(a, b), and m_j = alpha(a, b) for j in A, 0 for j in B, alpha(a + 1, b) for the others.
#pragma once

#include "pellucid/types.hpp"

namespace pellucid {

struct ExchangeableLaw {
    Matrix alpha;    // (q, q): alpha(a, b), used where a + b < q
    Vector inverse;  // s0, s1, d, o

    void require_complete(Index depth) const;

    // moments (p + 1): m_0, m_1 .. m_p  ->  beta_0 .. beta_p
    Vector projected(const Vector& moments) const;
};

}  // namespace pellucid
