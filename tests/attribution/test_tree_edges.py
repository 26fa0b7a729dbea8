"""Where readings of trees go wrong: equality, missing values, categories, bases, cover, very deep and very wide.

Most models here have one feature, for which there is a closed form: its value is f(x) - E f.
"""

from __future__ import annotations

import json
import locale
import pickle
from fractions import Fraction

import numpy as np
import pytest
from pellucid import BudgetError, Shapley, ShapleyInteractions, Space, _arguments
from pellucid.adapters.structures import find_structure
from pellucid.space import Feature
from pellucid.whitebox.forest import LEAF
from reference.family_models import FAMILIES
from reference.forest_nodes import coalitions, nodes_of
from reference.forests import interaction_index, path_dependent_value
from reference.forests import shapley as enumerated
from reference.tree_paths import integral, leaf_paths, times, without
from sklearn.tree import DecisionTreeRegressor

GAMES = ["path-dependent", "marginal"]
over_games = pytest.mark.parametrize("game", GAMES)


def xgboost(X, y, *, categories=False, **options):
    xgb = pytest.importorskip("xgboost")
    kinds = {"feature_types": ["c"] * X.shape[1], "enable_categorical": True} if categories else {}
    settings = {"n_estimators": 1, "max_depth": 1, "learning_rate": 1.0, "reg_lambda": 0.0, "min_child_weight": 0.0}
    return xgb.XGBRegressor(**{**settings, "n_jobs": 1, **kinds, **options}).fit(X, y)


def lightgbm(X, y, *, categories=False, **options):
    lgb = pytest.importorskip("lightgbm")
    settings = {"n_estimators": 1, "num_leaves": 2, "min_child_samples": 1, "min_data_in_bin": 1, "verbose": -1}
    settings |= {"min_data_per_group": 1, "cat_smooth": 0.0, "cat_l2": 0.0, "max_cat_to_onehot": 1}
    model = lgb.LGBMRegressor(**{**settings, "n_jobs": 1, **options})
    return model.fit(X, y, categorical_feature=[0] if categories else "auto")


def histogram(X, y, *, categories=False, **options):
    from sklearn.ensemble import HistGradientBoostingRegressor

    more = {"categorical_features": [0]} if categories else {}
    settings = {"max_iter": 1, "max_leaf_nodes": 2, "min_samples_leaf": 1, "learning_rate": 1.0}
    return HistGradientBoostingRegressor(**{**settings, **more, **options}).fit(X, y)


def catboost(X, y, **options):
    cat = pytest.importorskip("catboost")
    settings = {"iterations": 1, "depth": 1, "verbose": 0, "allow_writing_files": False, "thread_count": 1}
    return cat.CatBoostRegressor(**{**settings, **options}).fit(X, y)


def tree(X, y, **options):
    return DecisionTreeRegressor(**{"max_depth": 1, "random_state": 0, **options}).fit(X, y)


MAKERS = {"tree": tree, "histogram": histogram, "xgboost": xgboost, "lightgbm": lightgbm, "catboost": catboost}
over_makers = pytest.mark.parametrize("maker", MAKERS)


def answers(model, X):
    return np.asarray(model.predict(X), dtype=float).reshape(len(X), -1)


def assert_one_feature(model, X, background):
    """The value of the only feature is f(x) - E f."""
    expected = answers(model, X) - answers(model, background).mean(axis=0)
    found = Shapley(model, background, method="tree")(X)
    np.testing.assert_allclose(found.values[:, 0], expected, atol=1e-6 * np.abs(expected).max())
    return found


class TestQuestions:
    @over_makers
    def test_equality_with_a_threshold(self, maker):
        """x at the threshold and beside it, in single and in double precision: `<`, `<=` and rounding differ here."""
        step = np.repeat([[0.1], [0.3]], 20, axis=0)
        model = MAKERS[maker](step, (step[:, 0] > 0.2).astype(float))
        a = find_structure(model).arrays
        (t,) = a["thresholds"][a["questions"] != LEAF]
        single = np.float32(t)
        near = [t, np.nextafter(t, -1), np.nextafter(t, 1), single, np.nextafter(single, np.float32(1))]
        near += [np.nextafter(single, np.float32(-1)), (float(single) + float(np.nextafter(single, np.float32(1)))) / 2]
        X = np.array(near, dtype=float)[:, None]
        assert len(np.unique(answers(model, X))) == 2
        assert_one_feature(model, X, step[15:23])
        assert_one_feature(model, step, X)

    @pytest.mark.parametrize("side", ["low", "high"])
    @over_makers
    def test_missing_values_go_where_the_training_sent_them(self, maker, side):
        x = np.repeat([[0.0], [1.0], [np.nan]], 20, axis=0)
        y = np.where(np.isnan(x[:, 0]), side == "high", x[:, 0] == 1.0).astype(float)
        model = MAKERS[maker](x, y, **({"nan_mode": "Max" if side == "high" else "Min"} if maker == "catboost" else {}))
        gone = answers(model, np.array([[np.nan], [0.0], [1.0]]))
        assert gone[0] == gone[1 if side == "low" else 2] != gone[2 if side == "low" else 1]
        assert_one_feature(model, x[::20], x)

    @pytest.mark.parametrize("count", [6, 80])
    @pytest.mark.parametrize("maker", ["histogram", "xgboost", "lightgbm"])
    def test_category_zero_and_more_than_thirty_one(self, maker, count):
        categories = np.tile(np.arange(float(count)), 12)[:, None]
        y = np.isin(categories[:, 0], [0, 2, 31, 32, 63, 64, count - 1]).astype(float)
        more = {"max_cat_to_onehot": 1, "max_cat_threshold": 80} if maker == "xgboost" else {}
        model = MAKERS[maker](categories, y, categories=True, **more)
        assert count < 32 or find_structure(model).arrays["categories"].max() > 31
        found = assert_one_feature(model, categories[:count], categories)
        assert np.ptp(found.values) > 0.1
        unseen = np.array([[count + 1.0], [5000.0], [np.nan]])
        assert_one_feature(model, unseen, categories)


class TestBases:
    @pytest.mark.parametrize("text", ["2.5E-1", "[2.5E-1]", "[2.5E-1,5E-1,-1E0]"])
    def test_every_spelling_of_a_base_score(self, text):
        xgb = pytest.importorskip("xgboost")
        fitted = FAMILIES["xgboost of three"](0)
        booster = fitted.model.get_booster()

        def with_base(score):
            document = json.loads(booster.save_raw("json"))
            document["learner"]["learner_model_param"]["base_score"] = score
            changed = xgb.Booster({"nthread": 1}, model_file=bytearray(json.dumps(document).encode()))
            return changed, changed.predict(xgb.DMatrix(fitted.X), output_margin=True)

        try:
            changed, expected = with_base(text)
        except xgb.core.XGBoostError:
            pytest.skip("this version of xgboost reads no such base score")
        shift = np.broadcast_to(json.loads(text), (3,))
        np.testing.assert_allclose((expected - with_base("0E0")[1]).mean(axis=0), shift, atol=1e-5)
        for background in (None, fitted.X[:5]):
            found = Shapley(changed, background, model_output="raw")(fitted.X[:4])
            np.testing.assert_allclose(found.base_values + found.values.sum(axis=1), expected[:4], atol=1e-5)
        np.testing.assert_allclose(found.base_values[0], expected[:5].mean(axis=0), atol=1e-5)

    @over_games
    @over_makers
    def test_trees_of_one_leaf(self, maker, game):
        X = np.arange(40.0).reshape(20, 2)
        if maker == "catboost":  # refuses a constant target
            model = catboost(X, np.arange(20) % 2, ignored_features=[0], min_data_in_leaf=100, grow_policy="Depthwise")
        else:
            model = MAKERS[maker](X, np.full(20, 2.5))
        assert find_structure(model).core.depth == 0
        background = None if game == "path-dependent" else X[:3]
        found = Shapley(model, background)(X[:2])
        assert "of trees" in found.report.method
        assert not found.values.any()
        np.testing.assert_allclose(found.base_values, answers(model, X[:2]), rtol=1e-6)
        assert not ShapleyInteractions(model, background)(X[:2]).values.any()


class TestCover:
    @pytest.mark.parametrize("where", ["everywhere", "below the root"])
    def test_no_training_rows(self, where):
        """Both ways count alike where no row went; xgboost with a hessian of 0 comes to this."""
        xgb = pytest.importorskip("xgboost")
        fitted = FAMILIES["xgboost"](1)
        document = json.loads(fitted.model.get_booster().save_raw("json"))
        for one in document["learner"]["gradient_booster"]["model"]["trees"]:
            kept = 0 if where == "everywhere" else 3
            one["sum_hessian"] = one["sum_hessian"][:kept] + [0.0] * (len(one["sum_hessian"]) - kept)
        model = xgb.Booster({"nthread": 1}, model_file=bytearray(json.dumps(document).encode()))
        trees, rules = nodes_of(find_structure(model))
        found = Shapley(model)(fitted.X[:3])
        assert np.isfinite(found.values).all()
        for x, values in zip(fitted.X[:3], found.values, strict=True):
            expected = enumerated(lambda known, x=x: path_dependent_value(trees, x, known, **rules), len(x))
            np.testing.assert_allclose(values, np.array(expected, dtype=float), atol=found.report.error_bound)

    def test_rows_without_weight(self):
        fitted = FAMILIES["decision tree"](2)
        X, weights = np.nan_to_num(fitted.X), np.arange(len(fitted.X)) % 3 == 0
        model = tree(X, X[:, 0] * X[:, 1], max_depth=5)
        weighted = DecisionTreeRegressor(max_depth=5, random_state=0).fit(X, X[:, 0] * X[:, 1], sample_weight=weights)
        for one in (model, weighted):
            trees, rules = nodes_of(find_structure(one))
            found = Shapley(one)(X[:2])
            for x, values in zip(X[:2], found.values, strict=True):
                expected = enumerated(lambda known, x=x, r=rules, t=trees: path_dependent_value(t, x, known, **r), 5)
                np.testing.assert_allclose(values, np.array(expected, dtype=float), atol=found.report.error_bound)
        np.testing.assert_allclose(found.base_values, np.average(answers(weighted, X)[:, 0], weights=weights))


def conjunction(d):
    """A tree that peels one of d features off at each level: 1 where all are, else 0; it is d deep."""
    X = np.vstack([1.0 - np.eye(d), np.ones((1, d))])
    return tree(X, np.arange(d + 1) == d, max_depth=None), X


class TestSizes:
    @over_games
    def test_a_chain_of_two_thousand_questions(self, game):
        x = np.arange(2001.0)[:, None]
        y = x[:, 0] % 2
        model = tree(x, y, max_depth=None)
        assert model.get_depth() == 2000
        background = None if game == "path-dependent" else x[::10]
        mean = y.mean() if background is None else y[::10].mean()
        found = Shapley(model, background)(x[::40])
        np.testing.assert_allclose(found.values[:, 0, 0], y[::40] - mean, atol=1e-13)
        np.testing.assert_allclose(found.base_values, mean, atol=1e-13)

    def test_sixty_features_on_a_path_by_cover(self):
        model, X = conjunction(60)
        found = Shapley(model)(X[[60, 7]])
        trees, _ = nodes_of(find_structure(model))
        for x, values in zip(X[[60, 7]], found.values, strict=True):
            ((_, path),) = [(v, path) for v, path in leaf_paths(trees[0], x, range(60), single=True) if v != [0.0]]
            whole = [Fraction(1)]
            for r, o in path.values():
                whole = times(whole, r, o)
            expected = [float((path[i][1] - path[i][0]) * integral(without(whole, *path[i]))) for i in range(60)]
            np.testing.assert_allclose(values[:, 0], expected, atol=1e-14)

    @pytest.mark.parametrize("met", [0, 20, 58])
    def test_sixty_features_on_a_path_against_rows(self, met):
        """All players that the background does not meet share the whole of a unanimity game."""
        model, X = conjunction(60)
        background = (np.arange(60) < met).astype(float)[None]
        short = 60 - met
        expected = np.where(background[0] == 0, 1.0 / short, 0.0)
        found = Shapley(model, background)(X[60:])
        assert found.report.method == "Shapley values of trees, baseline"
        np.testing.assert_allclose(found.values[0, :, 0], expected, atol=1e-13)
        index = ShapleyInteractions(model, background)(X[60:]).index[0, :, :, 0]
        both = np.outer(expected > 0, expected > 0) & ~np.eye(60, dtype=bool)
        np.testing.assert_allclose(index[both], 1.0 / (short - 1), atol=1e-12)
        assert not index[~both & ~np.eye(60, dtype=bool)].any()

    def test_ninety_thousand_features(self, monkeypatch):
        xgb = pytest.importorskip("xgboost")
        data, used = np.zeros((40, 90_000)), [5, 89_999]
        data[:, 5], data[:, 89_999] = np.arange(40) % 3, np.arange(40)
        model = xgb.train({"max_depth": 2, "nthread": 1}, xgb.DMatrix(data, data[:, 5] * (data[:, 89_999] > 20)), 2)
        space = Space(tuple(Feature(f"x{j}", "numeric") for j in range(90_000)))

        def margins(rows):
            return np.asarray(model.predict(xgb.DMatrix(rows)), dtype=float)

        for background in (None, data[:4]):
            found = Shapley(model, background, space=space)(data[[31, 35]])
            assert "of trees" in found.report.method
            rest = np.delete(found.values, used, axis=1)
            assert not rest.any()
            assert found.values[:, used].all()
            np.testing.assert_allclose(found.predictions[:, 0], margins(data[[31, 35]]), rtol=1e-6)
        for i, x in enumerate(data[[31, 35]]):
            worth = {}
            for known in coalitions(2):
                rows = data[:4].copy()
                rows[:, [used[p] for p in known]] = x[[used[p] for p in known]]
                worth[known] = [margins(rows).mean()]
            expected = np.array(enumerated(worth.__getitem__, 2), dtype=float)
            np.testing.assert_allclose(found.values[i, used], expected, atol=1e-6)
        monkeypatch.setattr(_arguments, "machine_memory", lambda: 2**32)
        with pytest.raises(BudgetError, match=r"64\.8 GB .* 90,000 players"):
            ShapleyInteractions(model, space=space)(data[:1])

    def test_more_than_a_hundred_rows_of_background_all_count(self):
        fitted = FAMILIES["random forest"](3)
        X, model = np.vstack([fitted.X, fitted.X[:, ::-1], fitted.X + 0.25]), fitted.model
        assert len(X) == 360
        found = Shapley(model, X)(X[:3])
        np.testing.assert_allclose(found.base_values, fitted.margins(X).mean(), rtol=1e-12)
        thirds = [Shapley(model, X[i::3])(X[:3]).values for i in range(3)]
        np.testing.assert_allclose(found.values, np.mean(thirds, axis=0), atol=1e-13)
        assert found.report.background_rows == 360
        assert np.abs(found.values - Shapley(model, X[:100])(X[:3]).values).max() > 1e-3

    def test_interactions_against_rows_are_not_zero(self):
        X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
        model = tree(X, X[:, 0] != X[:, 1], max_depth=2)
        found = ShapleyInteractions(model, X[:1])(X[3:])
        np.testing.assert_allclose(found.index[0, 0, 1, 0], -2.0, atol=1e-15)
        every = ShapleyInteractions(model, X)(X)
        expected = [interaction_index(lambda known, x=x: [Fraction(_exclusive(x, known, X))], 2)[0][1][0] for x in X]
        np.testing.assert_allclose(every.index[:, 0, 1, 0], np.array(expected, dtype=float), atol=1e-15)


def _exclusive(x, known, background):
    rows = [[x[i] if i in known else b[i] for i in range(2)] for b in background]
    return sum(int(a != b) for a, b in rows) / len(rows)


SURROUNDINGS = ["random forest of classes", "histogram, categories", "xgboost, categories", "lightgbm of three"]


@pytest.mark.parametrize("name", SURROUNDINGS)
@over_games
class TestBits:
    def explain(self, name, game, kind=Shapley, **options):
        fitted = FAMILIES[name](0)
        background = None if game == "path-dependent" else fitted.X[:20]
        return kind(fitted.model, background, model_output=fitted.output, **options), fitted.X

    def test_threads_batches_neighbours_and_travel(self, name, game):
        for kind in (Shapley, ShapleyInteractions):
            explain, X = self.explain(name, game, kind, n_threads=1)
            expected = explain(X).values
            for options in ({"n_threads": 2}, {"n_threads": 8}, {"batch_bytes": 1}, {"batch_bytes": 2**28}):
                other, _ = self.explain(name, game, kind, **options)
                assert other(X).values.tobytes() == expected.tobytes(), options
            assert pickle.loads(pickle.dumps(explain))(X).values.tobytes() == expected.tobytes()
            alone = np.concatenate([explain(X[i : i + 1]).values for i in (3, 0, 119)])
            assert alone.tobytes() == expected[[3, 0, 119]].tobytes()


def test_decimal_commas():
    expected = [_explained(name) for name in SURROUNDINGS]
    before = locale.setlocale(locale.LC_ALL)
    for comma in ("de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "German_Germany.1252"):
        try:
            locale.setlocale(locale.LC_ALL, comma)
            break
        except locale.Error:
            continue
    else:
        pytest.skip("no locale with decimal commas is installed")
    try:
        assert locale.atof("1,5") == 1.5
        assert [_explained(name) for name in SURROUNDINGS] == expected
    finally:
        locale.setlocale(locale.LC_ALL, before)


def _explained(name):
    fitted = FAMILIES[name](0)
    options = {"model_output": fitted.output}
    against = Shapley(fitted.model, fitted.X[:5], **options)(fitted.X[:3]).values
    return Shapley(fitted.model, **options)(fitted.X[:3]).values.tobytes(), against.tobytes()
