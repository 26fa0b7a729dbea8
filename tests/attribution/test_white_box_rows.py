"""How rows reach the inside of a model: frames read at once, memory, what a probe may cost."""

from __future__ import annotations

import gc
import pickle
import tracemalloc
import weakref

import numpy as np
import pytest
from attribution.white_box_models import (  # noqa: F401  a fixture among them
    BACKGROUND,
    Classifier,
    D,
    Fitted,
    X,
    forest,
    readable,
)
from pellucid import InputError, Shapley, ShapleyInteractions, Space
from pellucid.attribution.plain_frames import PlainFrame

NAMES = ["a", "b", "c", "d"]


def frame_of(library, rows, names=NAMES):
    module = pytest.importorskip(library)
    if library == "pyarrow":
        return module.table({name: rows[:, j] for j, name in enumerate(names)})
    return module.DataFrame({name: rows[:, j] for j, name in enumerate(names)})


@pytest.fixture(params=["pandas", "polars", "pyarrow"])
def library(request):
    pytest.importorskip(request.param)
    return request.param


def slow(monkeypatch):
    monkeypatch.setattr(PlainFrame, "codes", lambda self, X: None)


class TestFrames:
    @pytest.mark.parametrize("background", [None, BACKGROUND], ids=["path", "marginal"])
    def test_the_short_way_gives_what_the_long_one_does(self, library, background, monkeypatch):
        rows = np.vstack([X, [[np.nan, 1.0, -0.0, 2.0]]])
        explain = Shapley(forest(), None if background is None else frame_of(library, background))
        frame = frame_of(library, rows)
        explain(frame)
        with monkeypatch.context() as patched:
            patched.setattr(Space, "encode", None)
            patched.setattr(Space, "extend", None)
            found = explain(frame)
        slow(monkeypatch)
        expected = explain(frame)
        assert found == expected
        assert found.display.tolist() == expected.display.tolist()

    def test_types_that_differ_are_one_array(self, library, monkeypatch):
        module = pytest.importorskip(library)
        columns = {
            "a": np.array([1, 2], dtype=np.int64),
            "b": np.array([0.5, np.nan], dtype=np.float32),
            "c": np.array([True, False]),
            "d": np.array([3, 4], dtype=np.uint8),
        }
        frame = module.table(columns) if library == "pyarrow" else module.DataFrame(columns)
        space = Space.infer(frame)
        like = PlainFrame.of(frame, space)
        found = like.codes(frame)
        assert found.flags.c_contiguous
        np.testing.assert_array_equal(found, space.encode(frame))
        again = pickle.loads(pickle.dumps(like))
        np.testing.assert_array_equal(again.codes(frame), found)

    def test_another_order_of_columns_is_still_refused(self, library):
        explain = Shapley(forest(), frame_of(library, BACKGROUND))
        explain(frame_of(library, X))
        with pytest.raises(InputError, match="reorder"):
            explain(frame_of(library, X, names=["b", "a", "c", "d"]))

    def test_an_infinite_value_is_still_refused(self, library):
        explain = Shapley(forest(), frame_of(library, BACKGROUND))
        explain(frame_of(library, X))
        with pytest.raises(InputError, match=r"infinite|finite, got inf in row 0, column 'b'"):
            explain(frame_of(library, np.where(np.arange(D) == 1, np.inf, X)))

    def test_integers_beyond_a_float_are_still_refused(self, library):
        explain = Shapley(forest(), frame_of(library, np.arange(8).reshape(2, D)))
        explain(frame_of(library, np.arange(4).reshape(1, D)))
        with pytest.raises(InputError, match="2\\*\\*53"):
            explain(frame_of(library, np.full((1, D), 2**53 + 1)))

    def test_a_declared_kind_takes_the_long_way(self, library):
        rows = np.array([[0.0, 1.0, 2.0, 3.0], [1.0, 1.0, 0.5, 2.0]])
        frame = frame_of(library, rows)
        assert PlainFrame.of(frame, Space.infer(frame)) is not None
        assert PlainFrame.of(frame, Space.infer(frame, boolean=["a"])) is None
        assert PlainFrame.of(frame, Space.infer(frame, categorical=["b"])) is None

    def test_types_with_masks_or_text_take_the_long_way(self):
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame({"a": [1.0, 2.0], "b": pandas.array([1, None], dtype="Int64"), "c": ["x", "y"]})
        for columns in (["a", "b"], ["a", "c"]):
            part = frame[columns]
            assert PlainFrame.of(part, Space.infer(part)) is None

    def test_categories_of_text_take_the_short_way(self):
        pandas = pytest.importorskip("pandas")

        def frame(labels, order=("v", "u", "w"), ordered=False):
            made = pandas.Categorical(labels, categories=order, ordered=ordered)
            return pandas.DataFrame({"a": np.arange(len(labels)), "b": made, "c": 0.5})

        first = frame(["u", None, "v"])
        for space in (Space.infer(first), Space.infer(frame(["w", "u"], order=("w", "x", "u"))).extend(first)):
            like = PlainFrame.of(first, space)
            for seen in (first, frame([None, "w"]), frame(["w", "v", "u"])):
                np.testing.assert_array_equal(like.codes(seen), space.encode(seen))
                assert like.codes(seen).flags.c_contiguous
            for other in (frame(["u"], order=("u", "v", "w")), frame(["u"], ordered=True), frame(["u"], order=("u",))):
                assert like.codes(other) is None
        ordinal = frame(["w", "u"], ordered=True)
        like = PlainFrame.of(ordinal, Space.infer(ordinal))
        np.testing.assert_array_equal(like.codes(ordinal), Space.infer(ordinal).encode(ordinal))
        # A category that the space does not know, and categories that are no text.
        assert PlainFrame.of(first, Space.infer(frame(["u"], order=("u",)))) is None
        numbered = frame([1, 2], order=(2, 1))
        assert PlainFrame.of(numbered, Space.infer(numbered)) is None

    @pytest.mark.parametrize("values", [[True, None], [1, None], [1.0, None]], ids=["booleans", "integers", "floats"])
    @pytest.mark.parametrize("library", ["polars", "pyarrow"])
    def test_a_null_is_missing(self, library, values):
        module = pytest.importorskip(library)
        make = module.table if library == "pyarrow" else module.DataFrame
        whole, holed = make({"a": [values[0]]}), make({"a": values})
        like = PlainFrame.of(whole, Space.infer(whole))
        np.testing.assert_array_equal(like.codes(holed), [[1.0], [np.nan]])

    def test_labels_that_only_look_equal_are_not_the_same(self):
        pandas = pytest.importorskip("pandas")
        numbered = pandas.DataFrame(X)
        like = PlainFrame.of(numbered, Space.infer(numbered))
        assert like.codes(numbered) is not None
        assert like.codes(numbered.set_axis([0.0, 1.0, 2.0, 3.0], axis=1)) is None
        assert like.codes(numbered.set_axis([False, True, 2, 3], axis=1)) is None

    def test_a_frame_that_changes_afterwards_changes_no_result(self):
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame(X.copy(), columns=NAMES)
        explain = Shapley(forest())
        explain(frame)
        found = explain(frame)
        before, shown = found.data.copy(), None
        frame.iloc[:, :] = 99.0
        shown = found.display
        np.testing.assert_array_equal(found.data, before)
        assert "99" not in shown.ravel().tolist()


class TestArrays:
    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
    def test_floats_of_any_size_and_order(self, dtype, monkeypatch):
        explain = Shapley(forest())
        rows = np.asfortranarray(X.astype(dtype))
        explain(X)
        with monkeypatch.context() as patched:
            patched.setattr(Space, "encode", None)
            found = explain(rows)
        np.testing.assert_array_equal(found.values, explain(rows.astype(np.float64).tolist()).values)

    @pytest.mark.parametrize("background", [None, BACKGROUND], ids=["path", "marginal"])
    def test_no_rows(self, background):
        found = Shapley(forest(), background)(np.empty((0, D)))
        assert found.values.shape == (0, D, 1)

    def test_another_number_of_columns_is_refused(self):
        explain = Shapley(forest())
        explain(X)
        for columns in (D - 1, D + 1):
            with pytest.raises(InputError):
                explain(np.zeros((1, columns)))


class TestMemory:
    def test_the_values_are_held_once(self):
        rows = np.tile(X, (20_000, 1))
        explain = Shapley(forest(), progress=False)
        explain(rows[:1])
        gc.collect()
        tracemalloc.start()
        found = explain(rows)
        held, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        needed = found.values.nbytes + found.data.nbytes
        beside = found.predictions.nbytes + found.base_values.nbytes + 16 * len(rows)
        assert not found.values.flags.writeable
        assert held < 1.1 * (needed + beside)
        # Batches of 4 MiB, with their temporaries, and the counts of rows of the report before they become a tuple.
        assert peak < needed + 2 * beside + 6 * 2**22

    def test_a_result_goes_when_nobody_holds_it(self):
        explain = Shapley(forest())
        gc.collect()
        gc.disable()
        try:
            found = explain(X)
            assert found.refine(1000) is found
            gone = weakref.ref(found)
            del found
            assert gone() is None
        finally:
            gc.enable()

    def test_the_rows_given_stay_writeable_and_apart(self):
        rows = X.copy()
        explain = Shapley(forest())
        explain(rows)
        found = explain(rows)
        rows[:] = 7.0
        np.testing.assert_array_equal(found.data, X)
        matrices = ShapleyInteractions(forest())(X)
        assert not matrices.values.flags.writeable

    def test_batches_change_no_bit(self):
        whole = Shapley(forest(), BACKGROUND)(np.tile(X, (7, 1)))
        parts = Shapley(forest(), BACKGROUND, batch_bytes=256)(np.tile(X, (7, 1)))
        np.testing.assert_array_equal(whole.values, parts.values)


class TestBudget:
    @pytest.mark.parametrize("budget", [1, 8, 100])
    def test_a_probe_takes_a_quarter_of_it_at_most(self, budget, readable):  # noqa: F811
        model = Fitted(forest())
        found = Shapley(model, BACKGROUND, budget=budget)(X[:1])
        assert found.report.method.startswith("Shapley values of trees")
        assert sum(map(len, model.asked)) <= max(1, budget // 4)

    def test_a_road_that_is_closed_is_paid_from_the_budget(self, readable):  # noqa: F811
        model = Fitted(forest(), wrong_at=lambda rows: np.ones(len(rows), dtype=bool))
        found = Shapley(model, BACKGROUND, budget=400, method="regression")(X[:1])
        assert max(found.report.rows_per_row) <= 400
        found = Shapley(model, BACKGROUND, budget=400)(X[:1])
        assert max(found.report.rows_per_row) <= 400


class TestSampledInstead:
    """What goes through a link is sampled: with the margins inside as one of the control variates that are tried."""

    def test_the_margins_are_tried(self, readable):  # noqa: F811
        rng = np.random.default_rng(0)
        background = rng.integers(-6, 6, (60, D)) / 2.0
        found = Shapley(Classifier(forest()), background, method="regression", budget=400)(X[:1])
        assert "with a control variate (the margins of" in found.report.why
        again = Shapley(Classifier(forest()), background, method="regression", budget=400)(X[:1])
        np.testing.assert_array_equal(found.values, again.values)

    def test_a_report_says_what_would_be_exact(self, readable):  # noqa: F811
        found = Shapley(Classifier(forest()), BACKGROUND, method="regression", budget=400)(X[:1])
        assert "model_output='raw' would be exact" in found.report.why
        exact = Shapley(Classifier(forest()), BACKGROUND, model_output="raw")(X[:1])
        assert exact.std_err is None
        assert "would be" not in exact.report.why

    def test_and_not_where_nothing_would(self, readable):  # noqa: F811
        for model in (Classifier(forest()).predict_proba, lambda rows: np.asarray(rows).prod(axis=1)):
            found = Shapley(model, BACKGROUND, method="regression", budget=400)(X[:1])
            assert "would be exact" not in found.report.why
        found = Shapley(Classifier(forest()), BACKGROUND, link="log", clip=1e-3, method="regression", budget=400)(X[:1])
        assert "would be exact" not in found.report.why

    def test_no_rows_are_no_comparison(self):
        assert "no row yet" in Shapley(forest())(np.empty((0, D))).report.why
