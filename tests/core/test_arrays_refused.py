"""Arrays that would need a copy are refused, so that no kernel copies without anyone knowing."""

import numpy as np
import pytest
from pellucid import _core


def design():
    made = _core.PairedDesign(0, 4, np.ones(2))
    made.grow(10)
    return made


def targets():
    return np.zeros((design().pairs, 2))


def completion():
    one = np.zeros(4, dtype=np.int32)
    return _core.GaussianCompletion(np.eye(4), np.arange(4, dtype=np.int32), 4, one, np.zeros(1, dtype=np.int32), 0)


def neighbours():
    columns = np.arange(4, dtype=np.int32)
    unordered = np.zeros(4, dtype=np.int32)
    return _core.EmpiricalNeighbours(
        np.zeros((3, 4)), np.ones(3) / 3, np.eye(4), np.ones(4), unordered, columns, 4, 0.1, 0.95, 3, 0
    )


def masked_image():
    return _core.MaskedImage(**IMAGE, parts=2, planes=1, pixel_bytes=1)


IMAGE = {name: np.zeros(4, dtype=np.uint8) for name in ("image", "fill")} | {"labels": np.arange(4, dtype=np.int32) % 2}
COMPLETED = {"x": np.zeros(4), "draws": np.zeros((3, 4)), "masks": np.zeros((5, 4), dtype=np.uint8)}
COMPOSE = {
    "x": np.zeros(4),
    "background": np.zeros((3, 4)),
    "part_of_column": np.arange(4, dtype=np.int32),
    "masks": np.zeros((5, 4), dtype=np.uint8),
}
KERNEL_FIT = {
    "rows": np.arange(8.0).reshape(4, 2) ** 2,
    "outputs": np.arange(4.0)[:, None].repeat(2, axis=1),
    "folds": np.array([0, 1, 0, 1]),
}


def kernel_fit():
    return _core.KernelRidge(**KERNEL_FIT, landmarks=2, seed=0)


# name -> (call, the arguments that are arrays, the others)
KERNELS = {
    "compose": (_core.compose, {**COMPOSE, "draws": np.zeros(5, dtype=np.int64), "out": np.zeros((5, 4))}, {}),
    "compose_grid": (_core.compose_grid, {**COMPOSE, "out": np.zeros((10, 4))}, {"first_draw": 0, "draw_count": 2}),
    "MaskedImage": (_core.MaskedImage, IMAGE, {"parts": 2, "planes": 1, "pixel_bytes": 1}),
    "MaskedImage.compose": (
        lambda **arrays: masked_image().compose(**arrays),
        {"masks": np.zeros((3, 2), dtype=np.uint8), "out": np.zeros((3, 4), dtype=np.uint8)},
        {},
    ),
    "GaussianCompletion.compose": (
        lambda **arrays: completion().compose(**arrays),
        {**COMPLETED, "chosen": np.zeros(5, dtype=np.int64), "out": np.zeros((5, 4))},
        {},
    ),
    "GaussianCompletion.compose_grid": (
        lambda **arrays: completion().compose_grid(**arrays),
        {**COMPLETED, "out": np.zeros((10, 4))},
        {"first_draw": 0, "draw_count": 2},
    ),
    "EmpiricalNeighbours.weights": (
        lambda **arrays: neighbours().weights(**arrays),
        {"x": np.zeros(4), "masks": np.zeros((5, 4), dtype=np.uint8)},
        {},
    ),
    "weighted_moments": (_core.weighted_moments, {"rows": np.zeros((3, 2)), "weights": np.ones(3) / 3}, {}),
    "matched_normal_draws": (
        _core.matched_normal_draws,
        {"mean": np.zeros(2), "covariance": np.eye(2)},
        {"seed": 0, "pairs": 3},
    ),
    "weighted_run_means": (
        _core.weighted_run_means,
        {"outputs": np.zeros((3, 2)), "weights": np.ones(3), "counts": np.array([1, 2])},
        {},
    ),
    "add_weighted": (
        _core.add_weighted,
        {
            "outputs": np.zeros((6, 2)),
            "weights": np.ones(3),
            "total": np.zeros((2, 2)),
            "compensation": np.zeros((2, 2)),
        },
        {},
    ),
    "gaussian_rows": (
        _core.gaussian_rows,
        {"centre": np.zeros(2), "scale": np.ones(2)},
        {"seed": 0, "first": 0, "count": 3},
    ),
    "uniform_rows": (_core.uniform_rows, {"low": np.zeros(2), "high": np.ones(2)}, {"seed": 0, "first": 0, "count": 3}),
    "frequency_rows": (_core.frequency_rows, {"frequencies": np.ones((2, 3))}, {"seed": 0, "first": 0, "count": 3}),
    "antithetic_coalitions": (
        _core.antithetic_coalitions,
        {"orders": np.array([[0, 1, 2], [2, 1, 0]]), "twins": np.array([[2, 1, 0], [0, 1, 2]])},
        {},
    ),
    "LinearExtensions": (_core.LinearExtensions, {"precedes": np.triu(np.ones((3, 3), np.uint8), 1)}, {}),
    "OrderIdeals": (_core.OrderIdeals, {"precedes": np.triu(np.ones((3, 3), np.uint8), 1)}, {"limit": 10}),
    "asymmetric_shapley": (
        lambda values: _core.asymmetric_shapley(_core.OrderIdeals(np.zeros((2, 2), np.uint8), 4), values),
        {"values": np.zeros((4, 2))},
        {},
    ),
    "systematic_draws": (_core.systematic_draws, {"weights": np.ones(3)}, {"seed": 0, "first": 0, "count": 3}),
    "saturating_shares": (_core.saturating_shares, {"weights": np.ones(3), "caps": np.ones(3)}, {"total": 1.0}),
    "PairedDesign": (_core.PairedDesign, {"draw_weights": np.ones(3)}, {"seed": 0, "players": 4}),
    "exact_shapley": (_core.exact_shapley, {"values": np.zeros((4, 2))}, {"players": 2}),
    "antithetic_contributions": (
        _core.antithetic_contributions,
        {
            "orders": np.array([[0, 1], [1, 0]]),
            "twins": np.array([[1, 0], [0, 1]]),
            "values": np.zeros((4, 2)),
            "empty": np.zeros((2, 2)),
            "full": np.zeros((2, 2)),
        },
        {},
    ),
    "WeightedLeastSquares.add": (
        lambda **arrays: _core.WeightedLeastSquares(2, 2).add(**arrays),
        {"z": np.ones((3, 2)), "y": np.ones((3, 2)), "w": np.ones(3)},
        {},
    ),
    "WeightedLeastSquares.solve_with_total": (
        lambda **arrays: _core.WeightedLeastSquares(2, 2).solve_with_total(1.0, **arrays),
        {"total": np.ones(2)},
        {},
    ),
    "KernelRidge": (_core.KernelRidge, KERNEL_FIT, {"landmarks": 2, "seed": 0}),
    "KernelRidge.evaluate": (
        lambda **arrays: kernel_fit().evaluate(**arrays),
        {"rows": KERNEL_FIT["rows"], "folds": KERNEL_FIT["folds"]},
        {},
    ),
    "kernel_values": (
        lambda **arrays: _core.kernel_values(kernel_fit(), **arrays, parts=2),
        {"x": np.ones(2), "background": np.zeros((3, 2)), "part_of_column": np.arange(2, dtype=np.int32)},
        {},
    ),
    "ClusterRegression.solve": (
        lambda **arrays: _core.ClusterRegression(design(), False).solve(**arrays),
        {"targets": targets(), "gaps": np.zeros((2, 2))},
        {},
    ),
    "MixedRegression.solve": (
        lambda **arrays: _core.MixedRegression(design(), True).solve(**arrays),
        {"targets": targets(), "gaps": np.zeros((2, 2)), "contrasts": np.ones((2, 4))},
        {},
    ),
    "RidgeRegression.solve": (
        lambda **arrays: _core.RidgeRegression(design()).solve(**arrays),
        {"targets": targets(), "gaps": np.zeros((2, 2))},
        {},
    ),
}
ARGUMENTS = [(kernel, name) for kernel, (_, arrays, _) in KERNELS.items() for name in arrays]


def changes(array):
    """The same numbers in arrays that C++ cannot read in place."""
    narrow = {"f": np.float32, "i": np.int16, "u": np.int8}[array.dtype.kind]
    yield "narrow", array.astype(narrow)
    yield "big-endian", array.astype(array.dtype.newbyteorder()) if array.itemsize > 1 else array.astype(np.float64)
    yield "object", array.astype(object)
    yield "list", array.tolist()
    yield "strided", np.repeat(array, 2, axis=-1)[..., ::2]
    yield "reversed", array[::-1].copy()[::-1]
    yield "zero stride", np.broadcast_to(array[:1], array.shape)
    if array.ndim == 2:
        yield "Fortran", np.asfortranarray(array)
        yield "cut out", np.repeat(array, 2, axis=1)[:, : array.shape[1]]


@pytest.mark.parametrize("kernel", KERNELS)
def test_every_kernel_takes_what_it_should(kernel):
    call, arrays, others = KERNELS[kernel]
    call(**{name: array.copy() for name, array in arrays.items()}, **others)


@pytest.mark.parametrize(("kernel", "argument"), ARGUMENTS)
def test_what_needs_a_copy_is_refused(kernel, argument):
    call, arrays, others = KERNELS[kernel]
    for name, changed in changes(arrays[argument]):
        try:
            call(**{**arrays, argument: changed}, **others)
        except TypeError:
            continue
        pytest.fail(f"{kernel}({argument}=) took a {name} array")


@pytest.mark.parametrize("kernel", KERNELS)
def test_arrays_that_are_only_read_may_be_read_only(kernel):
    call, arrays, others = KERNELS[kernel]
    written = arrays.keys() & (
        {"out"} if "compose" in kernel else {"total", "compensation"} if kernel == "add_weighted" else set()
    )
    frozen = {name: array.copy() for name, array in arrays.items()}
    for name in frozen.keys() - written:
        frozen[name].flags.writeable = False
    call(**frozen, **others)
    for name in written:
        read_only = arrays[name].copy()
        read_only.flags.writeable = False
        with pytest.raises((TypeError, ValueError)):
            call(**{**frozen, name: read_only}, **others)
