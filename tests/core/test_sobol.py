"""Scrambled Sobol points: nets in every coordinate, the same row however it is asked for."""

import numpy as np
import pytest
from pellucid import _core
from pellucid.errors import InputError
from reference.sobol import coordinate, dimension_order
from scipy.stats import qmc


def test_directions_are_those_of_joe_and_kuo():
    points = qmc.Sobol(256, scramble=False, bits=32).random(64)
    table = [_core.sobol_directions(j) for j in range(256)]
    digits = np.zeros((64, 256), dtype=np.uint32)
    for i in range(64):
        for j, directions in enumerate(table):
            gray = i ^ i >> 1
            digits[i, j] = np.bitwise_xor.reduce(directions[[k for k in range(6) if gray >> k & 1]])
    np.testing.assert_array_equal(digits / 2**32, points)


@pytest.mark.parametrize(("seed", "dimensions"), [(0, 1), (7, 5), (2**64 - 1, 300)])
def test_twin(seed, dimensions):
    rows = [*range(20), 255, 256, 257, 511, 512, 1000]
    u = _core.sobol_coordinates(seed, dimensions, 0, 1001)
    order = dimension_order(seed, dimensions)
    chosen = range(dimensions) if dimensions < 10 else [0, 1, order.index(256), order.index(299)]
    for j in chosen:
        directions = _core.sobol_directions(order[j] % 256)
        np.testing.assert_array_equal(u[j, rows], coordinate(seed, j, order[j], directions, rows))


def test_rows_near_the_end_of_the_sequence():
    seed, rows = 3, [2**32 - 3, 2**32 - 2, 2**32 - 1]
    u = _core.sobol_coordinates(seed, 258, rows[0], 3)
    order = dimension_order(seed, 258)
    for j in (0, order.index(256)):
        expected = coordinate(seed, j, order[j], _core.sobol_directions(order[j] % 256), rows)
        np.testing.assert_array_equal(u[j], expected)
    with pytest.raises(InputError, match="2\\^32 rows"):
        _core.sobol_coordinates(seed, 258, rows[0], 4)


@pytest.mark.parametrize("dimensions", [1, 30, 600])
@pytest.mark.parametrize(("first", "k"), [(0, 0), (0, 5), (0, 8), (0, 11), (1024, 10)])
def test_every_coordinate_hits_each_cell_once(dimensions, first, k):
    u = _core.sobol_coordinates(11, dimensions, first, 2**k)
    cells = np.sort(np.floor(u * 2**k).astype(int), axis=1)
    assert (cells == np.arange(2**k)).all()


def test_coordinates_of_different_blocks_are_like_independent_ones():
    """The correlation of their first digits over n rows is 1 / sqrt(n) in the mean, and nowhere large."""
    n, dimensions = 4096, 520
    digits = np.where(_core.sobol_coordinates(5, dimensions, 0, n) < 0.5, 1.0, -1.0)
    correlation = digits @ digits.T / n
    block = np.array(dimension_order(5, dimensions)) // 256
    across = correlation[block[:, None] != block] * np.sqrt(n)
    assert 0.9 < np.sqrt((across**2).mean()) < 1.1
    assert np.abs(across).max() < 6


def test_any_row_alone_is_the_row_of_the_sequence():
    whole = _core.sobol_coordinates(1, 270, 0, 1500)
    for first, count in [(0, 0), (0, 1), (3, 700), (255, 2), (256, 256), (1499, 1)]:
        np.testing.assert_array_equal(_core.sobol_coordinates(1, 270, first, count), whole[:, first : first + count])


def test_threads_do_not_matter():
    drawn = []
    for threads in (1, 4):
        _core.set_thread_count(threads)
        drawn.append(_core.sobol_coordinates(9, 600, 7, 900))
    _core.set_thread_count(0)
    np.testing.assert_array_equal(*drawn)


def test_seeds_differ_and_rows_are_uniform_over_seeds():
    drawn = np.array([_core.sobol_coordinates(seed, 3, 5, 1)[:, 0] for seed in range(2000)])
    assert np.abs(drawn.mean(axis=0) - 0.5).max() < 4 * np.sqrt(1 / 12 / 2000)
    assert np.abs(np.corrcoef(drawn.T) - np.eye(3)).max() < 4 / np.sqrt(2000)
    assert drawn.min() > 0.0
    assert drawn.max() < 1.0


def test_means_of_smooth_functions_are_far_better_than_independent_draws():
    """The mean of prod (1 + (u_j - 1/2) / 2) over 5 coordinates is 1."""
    errors = [
        np.prod(1 + (_core.sobol_coordinates(seed, 5, 0, 1024) - 0.5) / 2, axis=0).mean() - 1 for seed in range(60)
    ]
    independent = np.sqrt(((1 + 1 / 48) ** 5 - 1) / 1024)
    assert np.sqrt(np.mean(np.square(errors))) < independent / 20


@pytest.mark.parametrize("arguments", [(0, 0, 0, 4), (0, 2, -1, 4), (0, 2, 0, -1)])
def test_sizes_are_checked(arguments):
    with pytest.raises(InputError, match="dimensions must be positive"):
        _core.sobol_coordinates(*arguments)


@pytest.mark.parametrize("dimension", [-1, 256])
def test_dimension_is_checked(dimension):
    with pytest.raises(InputError, match="dimension must be 0 to 255"):
        _core.sobol_directions(dimension)
