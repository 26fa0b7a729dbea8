"""Friedman (2001): the mean prediction with a feature set to a value in every row."""

import numpy as np


def curve(predict, X, column, grid):
    """The predictions (n, g) of every row at every value of the grid; their mean over rows is the effect."""
    curves = np.empty((len(X), len(grid)))
    for i in range(len(X)):
        for g, value in enumerate(grid):
            row = X[i].copy()
            row[column] = value
            curves[i, g] = predict(row[None])[0]
    return curves
