"""Models whose answer is not one finite row of scores per row, and good answers in a strange dress."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import numpy as np
import pandas as pd
import polars as pl
import pytest
from pellucid import InputError, ModelOutputError
from properties.bad_inputs.table import Fault, close, over, refused, same_bits, warned
from properties.laws import interacting


class Tensor:
    """A tensor that must leave its graph and its device before it becomes an array."""

    def __init__(self, values, *, attached=True):
        self.values, self.attached, self.shape = values, attached, values.shape

    def detach(self):
        return Tensor(self.values, attached=False)

    def cpu(self):
        return self

    def numpy(self):
        return self.__array__()

    def __array__(self, dtype=None, copy=None):
        if self.attached:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad.")
        return np.array(self.values, dtype=dtype)


class LostTensor(Tensor):
    def detach(self):
        raise RuntimeError("device lost")


class Huge:
    """An array that exists in name only, and must not be asked for its values."""

    def __init__(self, *shape):
        self.shape = shape

    def __array__(self, dtype=None, copy=None):
        raise MemoryError("copied")


class Spoiled:
    """`interacting`, whose answers are changed after so many calls: 4 leave the probe and the background alone."""

    def __init__(self, change, after):
        self.change, self.after, self.calls = change, after, 0

    def __call__(self, rows):
        self.calls += 1
        outputs = interacting(rows)
        return self.change(outputs) if self.calls > self.after else outputs


def with_value(value, at=-1):
    def change(outputs):
        outputs[at] = value
        return outputs

    return change


WRONG = {
    "None": (lambda y: None, "returned None; .*is a return statement missing"),
    "a generator": (lambda y: (value for value in y), "returned a generator"),
    "a dict": (lambda y: {"score": y}, "returned a dict.*order of the outputs"),
    "a set": (set, "returned a set"),
    "an object": (lambda y: object(), "returned a object"),
    "a string": (lambda y: "yes", "return scores, not labels"),
    "labels": (lambda y: np.where(y > 0, "yes", "no"), "such as '(yes|no)'; return scores, not labels"),
    "labels in a list": (lambda y: ["cat"] * len(y), "return scores, not labels"),
    "labels as objects": (lambda y: np.array(["cat"] * len(y), dtype=object), "'cat' at row 0; return scores, not"),
    "labels as categories": (lambda y: pd.Series(["a"] * len(y), dtype="category"), "return scores, not labels"),
    "None in a place": (lambda y: with_value(None)(y.astype(object)), "objects, the first None at row"),
    "NA in a place": (lambda y: with_value(pd.NA)(pd.array(y, dtype="Float64")), "(at|of) row|for 1 of"),
    "ragged rows": (lambda y: [[1.0] * (1 + (i == 0)) for i in range(len(y))], "not a rectangular array"),
    "complex numbers": (lambda y: y + 1j, "complex numbers"),
    "dates": (lambda y: np.full(len(y), np.datetime64("2020-01-01")), "dtype datetime64"),
    "a row short": (lambda y: y[:-1], r"length \d+ for \d+ rows"),
    "a row more": (lambda y: np.append(y, 0.0), r"length \d+ for \d+ rows"),
    "twice the rows": (lambda y: np.append(y, y), r"length \d+ for \d+ rows"),
    "a list of another length": (lambda y: [0.0] * (len(y) + 1), r"list of length \d+ for \d+ rows"),
    "a row for all": (lambda y: y[:1], r"length 1 for \d+ rows"),
    "a number for all": (lambda y: 7.0, r"one number for \d+ rows"),
    "outputs by rows": (lambda y: y[None, :], r"length 1 for \d+ rows"),
    "a cube": (lambda y: y[:, None, None], "shape .*, 1, 1"),
    "no output": (lambda y: np.zeros((len(y), 0)), "without outputs"),
    "masked scores": (lambda y: np.ma.masked_array(y, mask=y == y[0]), "masked"),
    "NaN": (with_value(np.nan), r"NaN or infinite scores for 1 of \d+ rows .* its input is x0="),
    "infinite": (with_value(np.inf, at=0), r"NaN or infinite scores for 1 of \d+ rows .* first is inf in output 0"),
    "beyond float64": (
        lambda y: with_value(np.longdouble("1e4000"))(y.astype(np.longdouble)),
        "NaN or infinite scores for 1 of",
    ),
    "a tensor of a lost device": (LostTensor, r"device lost.*detach\(\)\.cpu\(\)\.numpy\(\)"),
    "a sparse matrix": (lambda y: type("Csr", (), {"toarray": None, "shape": (len(y), 1)})(), "sparse Csr; return a"),
    "terabytes of rows": (lambda y: Huge(10**12, 10), r"length 1000000000000 for \d+ rows"),
    "terabytes of outputs": (lambda y: Huge(len(y), 10**12), "returned .*1,?000,?000,?000,?000 outputs"),
    "gigabytes of outputs": (lambda y: np.broadcast_to(1.0, (len(y), 10**9)), "returned .*1,?000,?000,?000 outputs"),
}
# What one row cannot get wrong: the probe of a background of one row is a row.
FOR_ONE_ROW = {"ragged rows", "a row for all", "a number for all", "outputs by rows"}
WRONG_ANSWERS = [
    Fault(
        f"{name} {when}",
        refused(ModelOutputError, sentence, unasked=False),
        models=lambda change=change, after=after: Spoiled(change, after),
        unless=lambda method, name=name, after=after: (
            name in FOR_ONE_ROW and after == 0 and method.background_rows == 1
        ),
    )
    for name, (change, sentence) in WRONG.items()
    for when, after in (("at once", 0), ("later", 4))
]
WRONG_ANSWERS += [
    Fault(
        "another number of outputs later",
        refused(ModelOutputError, r"2 outputs in call 5 .*1 outputs in the calls before", unasked=False),
        models=lambda: Spoiled(lambda y: np.column_stack([y, y]), 4),
    ),
    *(
        Fault(
            f"a {link} of {value}",
            refused(
                InputError, rf"link='{link}' needs .* first {value} .* use link='identity', or clip=", unasked=False
            ),
            model=lambda rows, value=value: np.where(rows[:, 0] == rows[0, 0], value, 0.5),
            options={"link": link},
        )
        for link, value in (("logit", 0.0), ("logit", 1.0), ("log", 0.0), ("log", -1.0))
    ),
]


def keeps_its_rows():
    """Answers with a view of its own input, and asks for the rows of the call before."""
    kept = []

    def model(rows):
        for given, copy in kept:
            np.testing.assert_array_equal(given, copy)
        kept.append((rows, rows.copy()))
        return rows[:, 2]

    return model


def destroys_its_rows(rows):
    outputs = interacting(rows)
    rows *= np.nan
    return outputs


def fills_one_array():
    buffer = np.empty(100_000)

    def model(rows):
        buffer[: len(rows)] = interacting(rows)
        return buffer[: len(rows)]

    return model


def in_dress(change):
    return lambda rows: change(interacting(rows))


DRESSES = {
    "a column": lambda y: y[:, None],
    "a column in Fortran order": lambda y: np.asfortranarray(y[:, None]),
    "negative strides": lambda y: y[::-1].copy()[::-1],
    "read-only": lambda y: np.broadcast_to(y, y.shape),
    "the other byte order": lambda y: y.astype(y.dtype.newbyteorder()),
    "a list": np.ndarray.tolist,
    "a tuple": lambda y: tuple(y.tolist()),
    "a list of lists": lambda y: [[value] for value in y.tolist()],
    "objects": lambda y: y.astype(object),
    "a pandas Series of another index": lambda y: pd.Series(y, index=np.arange(len(y))[::-1]),
    "a pandas DataFrame": lambda y: pd.DataFrame({"score": y}),
    "a polars Series": pl.Series,
    "a polars DataFrame": lambda y: pl.DataFrame({"score": y}),
    "a masked array without a mask": lambda y: np.ma.masked_array(y, mask=False),
    "a tensor that needs its gradient": Tensor,
    "longdouble": lambda y: y.astype(np.longdouble),
}
GOOD_ANSWERS = [
    *(Fault(name, same_bits(model=interacting), model=in_dress(change)) for name, change in DRESSES.items()),
    Fault("float32", close(1e-5, model=interacting), model=in_dress(lambda y: y.astype(np.float32))),
    Fault("float16", close(1e-2, model=interacting), model=in_dress(lambda y: y.astype(np.float16))),
    Fault("bool", same_bits(model=lambda rows: (rows[:, 1] > 0) * 1.0), model=lambda rows: rows[:, 1] > 0),
    Fault(
        "int8",
        same_bits(model=lambda rows: np.sign(rows[:, 1])),
        model=lambda rows: np.sign(rows[:, 1]).astype(np.int8),
    ),
    Fault("a view of the rows", same_bits(model=lambda rows: rows[:, 2] * 1.0), model=lambda rows: rows[:, 2]),
    Fault("keeps the rows", same_bits(model=lambda rows: rows[:, 2] * 1.0), models=keeps_its_rows),
    # Laws of the features have so many rows that small batches of them take a minute, and tell nothing more.
    Fault(
        "keeps the rows of small batches",
        same_bits(),
        models=keeps_its_rows,
        options={"batch_bytes": 700},
        unless=lambda method: not method.marginal,
    ),
    Fault("writes into the rows", same_bits(model=interacting), model=destroys_its_rows),
    Fault("fills one array again and again", same_bits(model=interacting), models=fills_one_array),
]


def restless():
    """Dropout: the same row never gets the same answer."""
    call = count()
    return lambda rows: interacting(rows) + 1e-2 * next(call)


def certain(rows):
    """A classifier that is sure: probabilities of 0 and 1."""
    return np.clip(interacting(rows) / 4.0, 0.0, 1.0)


CLIPPED = [
    Fault(
        f"a {link} of what is clipped {what}",
        check,
        model=certain,
        options={"link": link, "clip": 1e-3},
    )
    for link, high in (("logit", 1.0 - 1e-3), ("log", 1.0))
    for what, check in (
        (
            "is that of a model that clips",
            same_bits(model=lambda rows, high=high: np.clip(certain(rows), 1e-3, high), options={"link": link}),
        ),
        ("is said", warned(f"clip=0.001 moved outputs to where the {link} is finite")),
    )
]
UNSTEADY = [
    Fault("not deterministic", warned("not deterministic.*largest difference"), models=restless),
    Fault(
        "statistics of the batch",
        warned("depend on the other rows of its batch"),
        model=lambda rows: interacting(rows) - rows[:, 0].mean(),
        # A probe of one row has no company, and draws of a law have the same mean in any company.
        unless=lambda method: method.background_rows == 1 or not method.marginal,
    ),
]


@over([*WRONG_ANSWERS, *GOOD_ANSWERS, *CLIPPED, *UNSTEADY])
def test_answers(fault, method):
    fault.then(fault.call(method))


@over([Fault("a tensor of torch", same_bits(model=interacting))])
def test_tensors_of_torch(fault, method):
    torch = pytest.importorskip("torch")
    weight = torch.ones((), dtype=torch.float64, requires_grad=True)
    call = fault.call(method)
    fault.then(replace(call, model=lambda rows: torch.from_numpy(interacting(rows)) * weight))
