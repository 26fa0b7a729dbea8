"""To and from shap's Explanation, which is only its attributes here: shap is not needed."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from pellucid.errors import InputError
from pellucid.results import Attribution


def explanation(**attributes):
    return SimpleNamespace(**{"base_values": None, "data": None, "feature_names": None, **attributes})


@pytest.mark.parametrize(
    ("values", "data", "shape"),
    [
        ((3,), None, (1, 3, 1)),
        ((3,), (3,), (1, 3, 1)),
        ((4, 3), (4, 3), (4, 3, 1)),
        ((4, 3, 2), (4, 3), (4, 3, 2)),
        ((3, 2), (3,), (1, 3, 2)),
        ((4, 3, 1), None, (4, 3, 1)),
    ],
)
def test_values_of_every_shape(values, data, shape):
    raw = np.arange(np.prod(values), dtype=float).reshape(values)
    a = Attribution.from_shap(explanation(values=raw, data=None if data is None else np.ones(data), base_values=0.5))
    np.testing.assert_array_equal(a.values, raw.reshape(shape))
    np.testing.assert_allclose(a.predictions, 0.5 + a.values.sum(axis=1))
    assert (a.data is None) == (data is None)
    assert np.isnan(a.std_err).all()
    assert a.parts == ("x0", "x1", "x2")


@pytest.mark.parametrize(
    ("base", "k", "expected"),
    [
        (0.5, 1, [[0.5], [0.5]]),
        ([0.1, 0.2], 1, [[0.1], [0.2]]),
        ([0.1, 0.2], 2, [[0.1, 0.2], [0.1, 0.2]]),
        ([0.1, 0.2, 0.3], 3, [[0.1, 0.2, 0.3]] * 2),
        ([[0.1, 0.2], [0.3, 0.4]], 2, [[0.1, 0.2], [0.3, 0.4]]),
        ([[0.1], [0.2]], 1, [[0.1], [0.2]]),
        ([0.7], 1, [[0.7], [0.7]]),
        (None, 1, [[np.nan]] * 2),
    ],
)
def test_base_values_of_every_shape(base, k, expected):
    values = np.zeros((2, 4) if k == 1 else (2, 4, k))
    a = Attribution.from_shap(explanation(values=values, base_values=base))
    np.testing.assert_array_equal(a.base_values, expected)


def test_names_and_words_are_taken():
    a = Attribution.from_shap(
        explanation(
            values=np.ones((2, 2, 2)),
            data=np.array([["red", 1.5], [None, np.nan]], dtype=object),
            feature_names=["colour", "size"],
            output_names=["no", "yes"],
            compute_time=1.5,
        )
    )
    assert a.parts == ("colour", "size")
    assert a.outputs == ("no", "yes")
    assert a.data is None
    assert a.display.tolist() == [["red", "1.5"], ["missing", "missing"]]
    assert a.report.seconds == 1.5
    assert a.report.method == "imported from shap"
    named = Attribution.from_shap(explanation(values=np.ones((1, 2))), outputs=["risk"])
    assert named.outputs == ("risk",)


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (np.ones((2, 2)), "attributes of a shap.Explanation"),
        ({"values": 1}, "attributes of a shap.Explanation"),
        (explanation(values=np.ones((2, 2, 2, 2))), "explain one output at a time"),
        (explanation(values=np.ones((2, 2)), base_values=np.ones(3)), "base_values must be"),
        (explanation(values=np.ones((2, 2)), feature_names=["a"]), "one name for each"),
        (explanation(values=np.ones((2, 2)), data=np.ones((2, 3))), "explanation.data must have shape"),
        (explanation(values="x"), "array of numbers"),
    ],
)
def test_what_is_no_explanation_is_refused(broken, says):
    with pytest.raises(InputError, match=says):
        Attribution.from_shap(broken)


def test_without_shap_the_install_line_is_given(monkeypatch):
    monkeypatch.setitem(sys.modules, "shap", None)
    with pytest.raises(InputError, match="pip install shap"):
        Attribution.from_array([1.0]).to_shap()


def test_what_shap_is_given_comes_back(monkeypatch):
    shap = ModuleType("shap")
    shap.Explanation = lambda **attributes: SimpleNamespace(**attributes)
    monkeypatch.setitem(sys.modules, "shap", shap)
    a = Attribution.from_array(
        np.arange(12.0).reshape(2, 3, 2),
        parts=list("abc"),
        outputs=["no", "yes"],
        base_values=[0.1, 0.9],
        data=np.ones((2, 3)),
        display=[["u", "v", "w"]] * 2,
    )
    whole = a.to_shap()
    assert whole.values.shape == (2, 3, 2)
    back = Attribution.from_shap(whole)
    for name in ("values", "base_values", "predictions", "data", "display"):
        np.testing.assert_array_equal(getattr(back, name), getattr(a, name))
    assert (back.parts, back.outputs) == (a.parts, a.outputs)
    one = a.to_shap(output="yes")
    assert one.values.shape == (2, 3)
    np.testing.assert_array_equal(one.base_values, [0.9, 0.9])
    assert one.output_names == "yes"
    assert Attribution.from_shap(one).outputs == ("yes",)
    assert Attribution.from_array([1.0, 2.0]).to_shap().values.shape == (
        1,
        2,
    )  # what shap's plots expect for k = 1
