"""Conditional and causal laws of a normal vector, and kernel weights of neighbours, one coalition at a time."""

from __future__ import annotations

import numpy as np


def conditional_moments(x, S, mean, covariance):
    """E[X_U | X_S = x_S] and Var[X_U | X_S = x_S] for U, the columns that are not in S."""
    S, U = list(S), [j for j in range(len(mean)) if j not in S]
    if not S:
        return mean[U], covariance[np.ix_(U, U)]
    slopes = np.linalg.solve(covariance[np.ix_(S, S)], covariance[np.ix_(S, U)]).T
    return mean[U] + slopes @ (x[S] - mean[S]), covariance[np.ix_(U, U)] - slopes @ covariance[np.ix_(S, U)]


def interventional_moments(x, S, mean, covariance, components, confounded):
    """Mean and variance of X under do(X_S = x_S), component by component of the causal chain."""
    d = len(mean)
    m, V = np.zeros(d), np.zeros((d, d))
    done = []
    for component, hidden in zip(components, confounded, strict=True):
        U = [j for j in component if j not in S]
        known = [j for j in component if j in S]
        m[known] = x[known]
        C = done + ([] if hidden else known)
        if U and C:
            A = np.linalg.solve(covariance[np.ix_(C, C)], covariance[np.ix_(C, U)]).T
            left = covariance[np.ix_(U, U)] - A @ covariance[np.ix_(C, U)]
            m[U] = mean[U] + A @ (m[C] - mean[C])
            before = done + known
            V[np.ix_(U, before)] = A @ V[np.ix_(C, before)]
            V[np.ix_(before, U)] = V[np.ix_(U, before)].T
            V[np.ix_(U, U)] = left + A @ V[np.ix_(C, C)] @ A.T
        elif U:
            m[U], V[np.ix_(U, U)] = mean[U], covariance[np.ix_(U, U)]
        done = done + list(component)
    return m, V


def completed(x, S, b, covariance):
    """Matheron's rule: the draw b, moved to what x says on S."""
    S, U = list(S), [j for j in range(len(x)) if j not in S]
    row = np.array(x)
    move = np.linalg.solve(covariance[np.ix_(S, S)], x[S] - b[S]) if S else np.zeros(0)
    row[U] = b[U] + covariance[np.ix_(U, S)] @ move
    return row


def kernel_weights(x, S, rows, weights, covariance, sigma, share):
    """Aas, Jullum and Loland: exp(-D^2 / 2 sigma^2), the largest until they hold the share."""
    S = list(S)
    if not S:
        return weights
    inverse = np.linalg.inv(covariance[np.ix_(S, S)])
    D2 = np.array([(x[S] - b[S]) @ inverse @ (x[S] - b[S]) for b in rows]) / len(S)
    k = weights * np.exp(-(D2 - D2.min()) / (2 * sigma**2))
    order = np.argsort(-k, kind="stable")
    count = int(np.searchsorted(np.cumsum(k[order]), share * k.sum())) + 1
    kept = np.zeros_like(k)
    kept[order[:count]] = k[order[:count]]
    return kept / kept.sum()


def value_function_by_loops(f, X, rows, weights, masks, draws, rng):
    """v(S) for rows X (n, d) and masks (m, d): a normal law fitted to the rows, solved and drawn anew each time."""
    mean = weights @ rows
    covariance = (rows - mean).T @ ((rows - mean) * weights[:, None])
    values = np.empty((len(X), len(masks)))
    for i, x in enumerate(X):
        for j, mask in enumerate(masks):
            S, U = np.flatnonzero(mask), np.flatnonzero(mask == 0)
            centre, spread = conditional_moments(x, S, mean, covariance)
            completed_rows = np.tile(x, (draws, 1))
            if len(U):
                root = np.linalg.cholesky(spread)
                completed_rows[:, U] = centre + rng.normal(size=(draws, len(U))) @ root.T
            values[i, j] = f(completed_rows).mean()
    return values
