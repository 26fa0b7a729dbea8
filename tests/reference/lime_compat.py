"""The fit of the lime package on given samples, from scikit-learn's own regressions, one refit for each trial."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import Ridge, lars_path


def forward(z, y, w, k):
    chosen = []
    for _ in range(min(k, z.shape[1])):
        scores = {}
        for j in set(range(z.shape[1])) - set(chosen):
            trial = [*chosen, j]
            scores[j] = Ridge(alpha=0).fit(z[:, trial], y, w).score(z[:, trial], y, w)
        chosen.append(max(scores, key=scores.get))
    return chosen


def highest_weights(z, y, w, k):
    strength = abs(Ridge(alpha=0.01).fit(z, y, w).coef_ * z[0])
    return sorted(range(len(strength)), key=lambda j: -strength[j])[:k]


def lasso_path(z, y, w, k):
    root = np.sqrt(w)
    centred_z = (z - np.average(z, axis=0, weights=w)) * root[:, None]
    centred_y = (y - np.average(y, weights=w)) * root
    path = lars_path(centred_z, centred_y, method="lasso")[2].T
    return [np.flatnonzero(b) for b in path[1:] if np.count_nonzero(b) <= k][-1]


def fit(z, y, w, k, how):
    """Parts, coefficients, intercept, R^2 and the prediction at row 0, the largest absolute coefficient first."""
    chosen = list({"none": lambda *_: range(z.shape[1])}.get(how, globals().get(how))(z, y, w, k))
    model = Ridge(alpha=1.0).fit(z[:, chosen], y, w)
    order = np.argsort(-abs(model.coef_), kind="stable")
    score = model.score(z[:, chosen], y, w)
    return np.array(chosen)[order], model.coef_[order], model.intercept_, score, model.predict(z[:1, chosen])[0]
