"""Rows and backgrounds that are no table of numbers, and those that are one in a strange dress."""

from __future__ import annotations

import tempfile

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from pellucid import BudgetError, InputError, ModelOutputError, _arguments
from properties.bad_inputs.table import Fault, finds, local, over, refused, same_bits
from properties.laws import X, background_of, interacting
from properties.registry import FAULTY, FEATURES

# Games of a law of the features: it is learned from numbers, and needs more than one row of them.
LAW = {"unless": lambda method: not method.marginal}
# Rows that are drawn anew are whole numbers where the background is.
FLOATS = {"unless": lambda method: local(method) or not method.marginal}
# Without bins there is no place for a missing value.
NO_BINS = {"unless": lambda method: method.name != "lime, slopes"}
ANY_VALUE = {"unless": lambda method: not method.marginal or method.name == "lime, slopes"}
# Shares of a prediction; where an order names features, they must be there.
SHARES = {"unless": lambda method: local(method) or not method.marginal or not method.symmetric}

NAMES = [f"x{j}" for j in range(FEATURES)]


def frame(values):
    return pd.DataFrame(values, columns=NAMES)


def of_frames(rows):
    return interacting(rows.to_numpy())


def with_value(value, *, row=0, column=2, dtype=np.float64):
    def change(values):
        spoiled = values.astype(dtype)
        spoiled[row, column] = value
        return spoiled

    return change


def each(name, change, sentence, *, error=InputError, **more):
    """The fault in the rows and the fault in the background; the message begins with the argument it means."""
    return [
        Fault(f"{name}, {argument}", refused(error, f"^{argument} {sentence}"), **{part: change}, **more)
        for part, argument in (("rows", "X"), ("background", "background"))
    ]


SHAPES = [
    *each("one row without its axis", lambda a: a[0], r"must be 2-D .* got shape \(7,\); use x\[None\]"),
    *each("a cube", lambda a: a[None], r"must be 2-D .* got shape \(1, \d, 7\)"),
    *each("a number", 3.0, r"must be 2-D .* got shape \(\)"),
    *each("no features", lambda a: a[:, :0], r"must have at least one feature, got shape"),
    *each("ragged lists", [[1.0, 2.0], [3.0]], "must be a 2-D array .* got list"),
    *each("a dict", {"x0": [1.0]}, "must be a 2-D array .* got dict"),
    *each("sparse", scipy.sparse.csr_matrix, r"must be dense, got scipy.sparse csr_matrix .* densify it"),
    *each(
        "more rows than any memory",
        lambda a: np.broadcast_to(a[0], (2**40, FEATURES)),
        r"needs 61\.6 TB as float64 for 1,099,511,627,776 rows of 7 features, and this machine has",
        error=BudgetError,
    ),
    Fault("a feature less", refused(InputError, "X must have 7 columns .* got 6"), rows=lambda a: a[:, :-1]),
    Fault("a feature more", refused(InputError, "X must have 7 columns .* got 14"), rows=lambda a: np.hstack([a, a])),
    Fault("no background rows", refused(InputError, "background has no rows"), background=lambda a: a[:0]),
]


def no_row(call, result):
    assert result.values.shape == (0, FEATURES, 1)
    assert result.base_values.shape == result.predictions.shape == (0, 1)
    assert (result.std_err is None) == call.method.exact
    assert len(result) == len(result.to_frame()) == len(result.report.rows_per_row) == 0
    assert str(result)


def one_feature(call, result):
    """f(x) - the mean of f over the background: there is nobody to share with."""
    expected = np.sin(call.rows) - np.sin(call.background).mean()
    np.testing.assert_allclose(result.values[:, :, 0], expected, rtol=0, atol=1e-15)


def nothing_for_the_constant(call, result):
    assert np.isfinite(result.values).all()
    if call.method.dummy_exact:
        np.testing.assert_allclose(result.values[:, 3], 0.0, rtol=0, atol=1e-13)


SIZES = [
    Fault("no rows", finds(no_row), rows=lambda a: a[:0]),
    Fault(
        "one feature",
        finds(one_feature),
        model=lambda rows: np.sin(rows[:, 0]),
        rows=lambda a: a[:, :1],
        background=lambda a: a[:, :1],
        **SHARES,
    ),
    Fault(
        "one feature, one background row",
        finds(one_feature),
        model=lambda rows: np.sin(rows[:, 0]),
        rows=lambda a: a[:, :1],
        background=lambda a: a[:1, :1],
        **SHARES,
    ),
    Fault("a constant feature", finds(nothing_for_the_constant), background=with_value(2.0, row=slice(None), column=3)),
    Fault(
        "every row the same",
        finds(lambda call, result: np.testing.assert_allclose(result.values, 0.0, rtol=0, atol=1e-13)),
        rows=lambda a: np.ones_like(a),
        background=lambda a: np.ones_like(a),
        **LAW,
    ),
]


NAMED = {"model": of_frames, "background": frame}
COLUMNS = [
    Fault(
        "columns in another order",
        refused(InputError, "X must have the columns .* got 'x6' where column 0 is 'x0'; reorder"),
        rows=lambda a: frame(a)[NAMES[::-1]],
        **NAMED,
    ),
    Fault(
        "another column",
        refused(InputError, "X must have the columns .* got 'g' where column 2 is 'x2'; rename or select"),
        rows=lambda a: frame(a).rename(columns={"x2": "g"}),
        **NAMED,
    ),
    Fault(
        "a column missing", refused(InputError, "X must have 7 columns"), rows=lambda a: frame(a)[NAMES[1:]], **NAMED
    ),
    *each(
        "two columns of one name", lambda a: frame(a).set_axis([*NAMES[1:], "x1"], axis=1), "must have unique .*'x1'"
    ),
]


VALUES = [
    *each("complex", lambda a: a + 1j, "must hold numbers, text, booleans or dates, got dtype complex128"),
    *each("infinite", with_value(np.inf, row=-1), r"must be finite, got inf in row \d, column 'x2'"),
    *each("minus infinity", with_value(-np.inf), r"must be finite, got -inf in row 0, column 'x2'"),
    *each(
        "beyond the whole numbers of float64",
        with_value(2**53 + 1, dtype=np.int64),
        "must hold integers up to .* got 9007199254740993 in row 0, column 'x2', which is not representable",
    ),
    *each(
        "numbers beside text",
        with_value("?", dtype=object),
        "must hold one kind of value per column",
        unless=lambda method: method.background_rows == 1,  # a column of one text is text
    ),
    *each("an object in a cell", with_value({}, dtype=object), r"must hold .* got \{\} \(dict\) in row 0, column 'x2'"),
    Fault(
        "text where the background has numbers",
        refused(InputError, "X must be numeric in column 'x0', got '.*' in row 0; pass numbers, not text"),
        rows=lambda a: a.astype(str),
    ),
    Fault(
        "NaN for a model that cannot take it",
        refused(ModelOutputError, "NaN or infinite scores for .* rows .*; its input is .*x2=missing", unasked=False),
        rows=with_value(np.nan),
        **ANY_VALUE,
    ),
    Fault(
        "a background of nothing but NaN",
        refused(ModelOutputError, "NaN or infinite scores .*x0=missing", unasked=False),
        background=lambda a: np.full_like(a, np.nan),
        **ANY_VALUE,
    ),
    Fault(
        "NaN where a law is learned from numbers",
        refused(
            InputError, "background must have no missing values for a conditional value function, got some in 'x4'"
        ),
        background=with_value(np.nan, column=4),
        unless=lambda method: method.marginal,
    ),
    Fault(
        "NaN in X where there are no bins",
        refused(InputError, "X must have no missing values without bins, got one in row 1, column 'x2'; use bins="),
        rows=with_value(np.nan, row=1),
        **NO_BINS,
    ),
    Fault(
        "NaN in the background where there are no bins",
        refused(InputError, "background must have no missing values without bins, got some in 'x4'; use bins="),
        background=with_value(np.nan, column=4),
        **NO_BINS,
    ),
    Fault(
        "one row where a law is learned",
        refused(InputError, "background has 1 distinct row, from which no .* law can be learned"),
        background=lambda a: np.ones_like(a),
        unless=lambda method: method.marginal or "empirical" in method.name,
    ),
]


def takes_missing(rows):
    return interacting(np.where(np.isnan(rows), 0.5, rows))


def takes_masked(rows):
    return takes_missing(np.ma.filled(np.ma.asarray(rows, dtype=np.float64), np.nan))


def takes_nullable(rows):
    return takes_missing(rows.to_numpy(dtype=np.float64, na_value=np.nan))


def masked(values):
    return np.ma.masked_array(values, mask=np.arange(values.size).reshape(values.shape) % 5 == 1)


def nullable(values):
    return frame(np.ma.filled(masked(values), np.nan)).astype("Float64")


def missing_for(model, clean):
    """Missing values are values: the same bits as NaN in an array for a model that takes those."""
    return same_bits(clean, model=takes_missing) if model is not takes_missing else same_bits(clean)


MISSING = [
    Fault(
        "NaN",
        same_bits(),
        model=takes_missing,
        rows=with_value(np.nan),
        background=with_value(np.nan, column=4),
        **ANY_VALUE,
    ),
    Fault(
        "nothing but NaN", same_bits(), model=takes_missing, background=lambda a: np.full_like(a, np.nan), **ANY_VALUE
    ),
    Fault(
        "masked arrays",
        same_bits(lambda a: np.ma.filled(a, np.nan), model=takes_missing),
        model=takes_masked,
        rows=masked,
        background=masked,
        **ANY_VALUE,
    ),
    Fault(
        "columns that know NA",
        same_bits(lambda a: a.to_numpy(dtype=np.float64, na_value=np.nan), model=takes_missing),
        model=takes_nullable,
        rows=nullable,
        background=nullable,
        **ANY_VALUE,
    ),
    Fault(
        "None in lists",
        same_bits(),
        model=takes_missing,
        rows=lambda a: with_value(None, dtype=object)(a).tolist(),
        **ANY_VALUE,
    ),
]


def halves(values):
    """Values that every float type holds."""
    return np.round(2 * values) / 2


def strided(values):
    wide = np.full((2 * values.shape[0], 2 * values.shape[1]), np.nan)
    wide[::2, ::2] = values
    return wide[::2, ::2]


def read_only(values):
    values.setflags(write=False)
    return values


def in_a_file(values):
    with tempfile.TemporaryFile() as file:
        values.tofile(file)
        file.flush()
        return np.memmap(file, dtype=np.float64, mode="r", shape=values.shape)


LAYOUTS = {
    "Fortran order": np.asfortranarray,
    "strides": strided,
    "negative strides": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
    "strides of 0": lambda a: np.broadcast_to(a[0], a.shape),
    "read-only": read_only,
    "the other byte order": lambda a: a.astype(a.dtype.newbyteorder()),
    "a file in memory": in_a_file,
    "lists": np.ndarray.tolist,
    "objects": lambda a: a.astype(object),
}
DRESSES = [
    *(
        Fault(name, same_bits(), rows=change, background=change, **(LAW if name == "strides of 0" else {}))
        for name, change in LAYOUTS.items()
    ),
    *(
        Fault(f"rows of {kind}", same_bits(), rows=lambda a, kind=kind: halves(np.abs(a)).astype(kind))
        for kind in ("bool", "int8", "int16", "int32", "int64", "uint8", "uint64", "float16", "float32", "longdouble")
    ),
    *(
        Fault(
            f"background of {kind}", same_bits(), background=lambda a, kind=kind: halves(3 * a).astype(kind), **FLOATS
        )
        for kind in ("int8", "int64")
    ),
    Fault("2^53 is representable", same_bits(), rows=with_value(2**53, dtype=np.int64), model=lambda rows: rows.sum(1)),
]

TABLES = [*SHAPES, *SIZES, *COLUMNS, *VALUES, *MISSING, *DRESSES]


@over(TABLES)
def test_tables(fault, method):
    fault.then(fault.call(method))


@pytest.mark.parametrize("method", FAULTY, ids=str)
def test_values_larger_than_the_memory_are_not_begun(method, monkeypatch):
    """A machine of 1,100 bytes has room for 3 rows and their answers, and none for 3 x 7 x 7 values."""
    monkeypatch.setattr(_arguments, "machine_memory", lambda: 1100)

    with pytest.raises(
        BudgetError, match=r"^values needs 1\.18 kB .* 3 rows, 7 (players|parts) and 7 outputs, .* 1\.1 kB"
    ):
        method.explain(lambda rows: rows * 1.0, X, background_of(method))
