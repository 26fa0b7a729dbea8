"""The double sum of Fisher, Rudin and Dominici (2019), row by row and donor by donor."""

import numpy as np


def importance(predict, X, y, columns, loss):
    """Mean loss over all i != s with the columns of row s in row i, less the mean loss of the rows as they are."""
    n = len(X)
    switched = []
    for i in range(n):
        for s in range(n):
            if s != i:
                row = X[i].copy()
                row[columns] = X[s, columns]
                switched.append(loss(y[i], predict(row[None])[0]))
    return np.mean(switched) - np.mean([loss(y[i], predict(X[i : i + 1])[0]) for i in range(n)])
