"""Model files: what libraries save is read as they predict, and what nobody saved is refused in words.

The damaged files are made by chance from small good ones. A longer search:

    PELLUCID_FUZZ_ROUNDS=5000 python -m pytest tests/adapters/test_read_forest.py -k mutant
"""

from __future__ import annotations

import json
import locale
import os
import struct
import sys

import numpy as np
import pytest
from pellucid import read_forest
from pellucid.adapters.isolation import dump_catboost
from pellucid.adapters.ubjson import read_ubjson
from pellucid.errors import InputError, ModelFormatError
from reference.foreign_forests import assert_margins, plain_margins

xgb = pytest.importorskip("xgboost")
lgb = pytest.importorskip("lightgbm")

ROUNDS = int(os.environ.get("PELLUCID_FUZZ_ROUNDS", "60"))
RNG = np.random.default_rng(3)
X = np.column_stack([RNG.normal(size=(200, 2)), RNG.integers(0, 40, size=200)])
Y = X[:, 0] + (X[:, 2] % 3)
THREE = np.digitize(Y, [0.5, 1.5])


def write_xgboost(path, **options):
    data = xgb.DMatrix(X, THREE, feature_types=["q", "q", "c"], enable_categorical=True)
    parameters = {"objective": "multi:softprob", "num_class": 3, "max_depth": 3, "nthread": 1, "max_cat_to_onehot": 1}
    booster = xgb.train({**parameters, **options}, data, 2)
    booster.save_model(path)
    return booster.predict(data, output_margin=True)


def write_lightgbm(path):
    options = {"objective": "binary", "verbose": -1, "num_threads": 1, "min_data_per_group": 2}
    options |= {"cat_smooth": 1.0, "max_cat_to_onehot": 1, "num_leaves": 12, "min_data_in_leaf": 3}
    booster = lgb.train(options, lgb.Dataset(X, Y > 1, categorical_feature=[2]), 3)
    booster.save_model(path)
    return booster.predict(X, raw_score=True)


def write_catboost(path, kind="json", **options):
    catboost = pytest.importorskip("catboost")
    quiet = {"verbose": 0, "allow_writing_files": False, "thread_count": 1, "iterations": 3, "depth": 3}
    fitted = catboost.CatBoostRegressor(**quiet, **options).fit(X, Y)
    fitted.save_model(str(path), format=kind)
    return fitted.predict(X)


WRITERS = {
    "xgboost.json": write_xgboost,
    "xgboost.ubj": write_xgboost,
    "lightgbm.txt": write_lightgbm,
    "catboost.json": write_catboost,
    "catboost_free.json": lambda path: write_catboost(path, grow_policy="Depthwise"),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Name -> path and margins; made once."""
    made, folder = {}, tmp_path_factory.mktemp("models")

    def get(name):
        if name not in made:
            path = folder / name
            made[name] = path, WRITERS[name](path)
        return made[name]

    return get


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_gives_the_margins_of_its_library(files, name):
    path, expected = files(name)
    forest = read_forest(path)

    assert_margins(forest, X, expected)
    assert (forest.link, forest.source) == ("identity", f"file {name}")
    assert_margins(read_forest(str(path)), X, expected)


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_is_known_by_its_bytes(files, name, tmp_path):
    path, expected = files(name)
    (tmp_path / "no_name").write_bytes(path.read_bytes())

    assert_margins(read_forest(tmp_path / "no_name"), X, expected)


def test_the_binary_form_of_catboost(tmp_path):
    expected = write_catboost(tmp_path / "model", "cbm")

    assert_margins(read_forest(tmp_path / "model"), X, expected, single=False)


def test_an_object_is_read_too():
    fitted = xgb.XGBClassifier(n_estimators=2, n_jobs=1).fit(X, THREE)

    assert read_forest(fitted).link == "softmax"
    assert_margins(read_forest(fitted, model_output="raw"), X, fitted.predict(X, output_margin=True))


def test_rounds_of_a_file(files, tmp_path):
    path, _ = files("xgboost.ubj")
    assert read_forest(path, iterations=1).core.trees == 3
    assert read_forest(files("lightgbm.txt")[0], iterations=2).core.trees == 2
    assert read_forest(files("catboost.json")[0], iterations=2).core.trees == 2
    fitted = xgb.XGBRegressor(n_estimators=60, early_stopping_rounds=2, learning_rate=1.0, max_depth=2, n_jobs=1)
    fitted.fit(X[:100], Y[:100], eval_set=[(X[100:], Y[100:])], verbose=False)
    fitted.save_model(tmp_path / "stopped.json")

    assert_margins(read_forest(tmp_path / "stopped.json"), X, fitted.predict(X))
    assert (
        read_forest(tmp_path / "stopped.json", iterations=1000).core.trees == fitted.get_booster().num_boosted_rounds()
    )


def test_the_link_of_a_file_is_what_is_asked_for(files):
    assert read_forest(files("xgboost.json")[0], model_output="probability").link == "softmax"
    assert read_forest(files("lightgbm.txt")[0], model_output="value").link == "logistic_each"
    assert read_forest(files("lightgbm.txt")[0], model_output="probability").link == "logistic"


@pytest.fixture
def decimal_commas():
    before = locale.setlocale(locale.LC_NUMERIC)
    for name in ("de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "German_Germany.1252"):
        try:
            locale.setlocale(locale.LC_NUMERIC, name)
        except locale.Error:
            continue
        break
    else:
        pytest.skip("no locale with decimal commas is installed")
    yield
    locale.setlocale(locale.LC_NUMERIC, before)


@pytest.mark.parametrize("name", WRITERS)
def test_decimal_commas(files, tmp_path, decimal_commas, name):
    path, expected = files(name)
    own = WRITERS[name](tmp_path / name)

    assert locale.localeconv()["decimal_point"] == ","
    assert_margins(read_forest(path), X, expected)
    assert_margins(read_forest(tmp_path / name), X, own)


# --- arguments -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"source": "no_such_file"}, "there is no file"),
        ({"source": 5}, "got int"),
        ({"source": "x", "model_output": "odds"}, "'raw', 'value', 'probability' or None"),
        ({"source": "x", "iterations": 0}, "at least 1"),
    ],
    ids=["file", "object", "output", "iterations"],
)
def test_arguments_that_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        read_forest(**arguments)


def test_a_file_beyond_the_limit(files):
    with pytest.raises(InputError, match="max_bytes=100"):
        read_forest(files("xgboost.json")[0], max_bytes=100)


# --- damaged files ---------------------------------------------------------------------------------------


def refused(path, data, message=None):
    path.write_bytes(data)
    with pytest.raises(ModelFormatError, match=message):
        read_forest(path)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"{}",
        b"[]",
        b"null",
        b"PK\x03\x04",
        b"tree\n",
        b"tree\nend of trees",
        b"{" + b'"a":[' * 100_000,
        b'{"learner":' + b"[" * 1_000_000,
        b"{i\x01a" * 5000,
        b"{i\x01a[#L" + struct.pack(">q", 2**62),
        b"{i\x01a[$d#L" + struct.pack(">q", 2**62),
        b"{i\x01a[$d#L" + struct.pack(">q", -1),
        b"{i\x01a" + b"[$T#l\x00\xff\xff\xff" * 50 + b"\x00" * 1000,
        b"{L" + struct.pack(">q", 2**62) + b"learner",
        b'{"learner": 5}',
        b'{"features_info": {}}',
    ],
    ids=range(18),
)
def test_what_was_never_a_model(tmp_path, data):
    refused(tmp_path / "model", data)


def changed_xgboost(path, change):
    document = json.loads(path.read_text())
    model = document["learner"]["gradient_booster"]["model"]
    change(model["trees"][0], document["learner"])
    return json.dumps(document).encode()


XGBOOST_CHANGES = {
    "child out of range": lambda tree, _: tree["left_children"].__setitem__(0, 10**8),
    "negative child": lambda tree, _: tree["left_children"].__setitem__(0, -7),
    "cycle": lambda tree, _: tree["left_children"].__setitem__(1, 0),
    "two parents": lambda tree, _: tree["left_children"].__setitem__(0, tree["right_children"][0]),
    "column out of range": lambda tree, _: tree["split_indices"].__setitem__(0, 10**6),
    "column beyond 32 bits": lambda tree, _: tree["split_indices"].__setitem__(0, 2**32),
    "short list": lambda tree, _: tree["default_left"].pop(),
    "a fraction": lambda tree, _: tree["left_children"].__setitem__(0, 1.5),
    "a text": lambda tree, _: tree["split_conditions"].__setitem__(0, "0.5"),
    "infinite leaf": lambda tree, _: tree["split_conditions"].__setitem__(-1, float("inf")),
    "NaN cover": lambda tree, _: tree["sum_hessian"].__setitem__(0, float("nan")),
    "no tree": lambda tree, _: tree.clear(),
    "many outputs": lambda _, learner: learner["learner_model_param"].update(num_class="2000000000"),
    "base score": lambda _, learner: learner["learner_model_param"].update(base_score="[1,2"),
    "objective": lambda _, learner: learner["objective"].update(name="reg:magic"),
    "booster": lambda _, learner: learner["gradient_booster"].update(name="gbforest"),
    "names": lambda _, learner: learner.update(feature_names=["a"]),
    "overlapping categories": lambda tree, _: tree.update(
        categories_segments=[0] * len(tree["categories_nodes"]), categories=[0]
    ),
}


@pytest.mark.parametrize("change", XGBOOST_CHANGES)
def test_an_xgboost_document_that_lies(files, tmp_path, change):
    refused(tmp_path / "model", changed_xgboost(files("xgboost.json")[0], XGBOOST_CHANGES[change]))


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("left_child", "100000000"),
        ("left_child", "-100000000"),
        ("left_child", "0"),
        ("split_feature", "77"),
        ("threshold", "nan"),
        ("leaf_value", "inf"),
        ("num_leaves", "1000000000"),
        ("num_leaves", "0"),
        ("cat_boundaries", "0"),
        ("cat_threshold", "-1"),
        ("num_tree_per_iteration", "100000000"),
        ("feature_names", "a b"),
        ("tree_sizes", "1"),
        ("is_linear", "1"),
    ],
)
def test_a_lightgbm_text_that_lies(files, tmp_path, name, line):
    text = files("lightgbm.txt")[0].read_text()
    lines = text.split("\n")
    spot = max(i for i, old in enumerate(lines) if old.startswith(f"{name}="))
    old = lines[spot].partition("=")[2].split(" ")
    alone = name in {
        "num_leaves",
        "cat_boundaries",
        "num_tree_per_iteration",
        "feature_names",
        "tree_sizes",
        "is_linear",
    }
    lines[spot] = f"{name}={line}" if alone else f"{name}={' '.join([line, *old[1:]])}"

    refused(tmp_path / "model", "\n".join(lines).encode())


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_cut_off_anywhere(files, tmp_path, name):
    data = files(name)[0].read_bytes()
    for share in np.linspace(0, 1, 23)[:-1]:
        cut = data[: int(len(data) * share)]
        if name == "lightgbm.txt" and b"end of trees" in cut:
            continue  # whole, but for remarks
        refused(tmp_path / "model", cut)


def mutants(data, rounds):
    rng = np.random.default_rng(2026)
    alphabet = np.frombuffer(b'0123456789-+.eE[]{}",: \n\x00\xff=nai', dtype=np.uint8)
    for i in range(rounds):
        bad = np.frombuffer(data, dtype=np.uint8).copy()
        spots = rng.integers(len(bad), size=int(rng.integers(1, 6)))
        if i % 3 == 0:
            bad[spots] ^= np.uint8(1) << rng.integers(8, size=len(spots)).astype(np.uint8)
        elif i % 3 == 1:
            bad[spots] = rng.choice(alphabet, size=len(spots))
        else:
            low, high = sorted(int(s) for s in rng.integers(len(bad), size=2))
            bad = np.concatenate([bad[:low], bad[high:]] if rng.random() < 0.5 else [bad[:high], bad[low:]])
        yield bad.tobytes()


@pytest.mark.parametrize("name", WRITERS)
def test_a_mutant_is_read_or_refused(files, tmp_path, name):
    """What a changed number still allows is a forest that can be walked, whatever it says; anything else is refused."""
    path, rows, good = tmp_path / "model", X[:5], 0
    for bad in mutants(files(name)[0].read_bytes(), ROUNDS):
        path.write_bytes(bad)
        try:
            forest = read_forest(path)
        except ModelFormatError:
            continue
        good += 1
        if forest.features == 3:
            assert plain_margins(forest, rows).shape == (5, forest.core.outputs)
    assert good < ROUNDS


@pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of processes")
def test_a_damaged_binary_file_ends_in_words(tmp_path):
    write_catboost(tmp_path / "model", "cbm")
    data = (tmp_path / "model").read_bytes()
    broken = bytearray(data)
    broken[len(data) // 3 : 2 * len(data) // 3] = b"\xff" * (2 * len(data) // 3 - len(data) // 3)
    for bad in (data[: len(data) // 2], bytes(broken)):
        refused(tmp_path / "bad", bad, "cannot be read as a CatBoost model")


def test_a_reader_that_takes_too_long_is_ended(tmp_path):
    write_catboost(tmp_path / "model", "cbm")

    with pytest.raises(ModelFormatError, match=r"more than 0.01 s"):
        dump_catboost(tmp_path / "model", 1000, seconds=0.01)


# --- the binary document ---------------------------------------------------------------------------------


def test_every_type_of_the_binary_document():
    data = b"{i\x01a[i\xffU\xffI\xff\xfel\x00\x00\x00\x05L" + struct.pack(">q", -3) + b"d" + struct.pack(">f", 0.5)
    data += b"D" + struct.pack(">d", 0.25) + b"TFZCxSi\x02hi]i\x01b[$l#i\x02" + struct.pack(">2i", 1, -2) + b"}"

    document = read_ubjson(data)

    assert document["a"] == [-1, 255, -2, 5, -3, 0.5, 0.25, True, False, None, "x", "hi"]
    assert document["b"].tolist() == [1, -2]
    assert document["b"].dtype.newbyteorder("=") == np.int32


def long_entry(name, form, count, content):
    """An entry of a mapping with its lengths in eight bytes, as XGBoost writes them."""
    return b"L" + struct.pack(">q", len(name)) + name + b"[$" + form + b"#L" + struct.pack(">q", count) + content


@pytest.mark.parametrize("name", [b"a", b"", b"\xc3\xa4", b"n" * 255, b"n" * 256])
def test_entries_in_long_form(name):
    entries = [
        long_entry(name, b"l", 2, struct.pack(">2i", 1, -2)),
        long_entry(b"none", b"D", 0, b""),
        b"L" + struct.pack(">q", 4) + b"texti\x05",
        long_entry(b"last", b"U", 1, b"\xff"),
    ]

    document = read_ubjson(b"{" + b"".join(entries) + b"}")

    assert {key: np.asarray(value).tolist() for key, value in document.items()} == {
        name.decode(): [1, -2],
        "none": [],
        "text": 5,
        "last": [255],
    }
    with pytest.raises(ModelFormatError, match="twice"):
        read_ubjson(b"{" + entries[0] * 2 + b"}")
    for count in (-1, 3, 2**61, 2**63 - 1):
        with pytest.raises(ModelFormatError, match="announced"):
            read_ubjson(b"{" + long_entry(name, b"l", count, struct.pack(">2i", 1, -2)) + b"}")
    whole = b"{" + entries[0] + b"}"
    for end in range(len(whole)):
        with pytest.raises(ModelFormatError):
            read_ubjson(whole[:end])


@pytest.mark.parametrize("data", [b"{i\x01ai\x01i\x01ai\x02}", b"i\x05i\x05", b"[$d", b"Q", b"[$T#i\x05", b"SU\1\xff"])
def test_binary_documents_that_are_refused(data):
    with pytest.raises(ModelFormatError):
        read_ubjson(data)
