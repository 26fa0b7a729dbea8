"""Words: which parts a text has, and the texts of its masks."""

from __future__ import annotations

import json
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pellucid.errors import BudgetError, InputError
from pellucid.representation import Representation, TextMedium, Words
from pellucid.results.text_spans import TextSpans
from reference.texts import spliced

# Texts, words and what is left after removals, as the package lime 0.2.0.1 (IndexedString) makes them.
LIME = [
    case
    for case in json.loads((Path(__file__).parent / "lime_texts.json").read_text("utf-8"))
    # lime reads a text by NumPy strings, which end in no NUL.
    if not case["text"].endswith("\x00")
]


def texts(words, masks):
    masks = np.asarray(masks, dtype=np.uint8)
    return words.compose(masks, np.zeros(len(masks), dtype=np.int64)).strings()


def twin(words, masks):
    places = words.canvas.in_order()
    spans, parts = [(start, end) for start, end, _ in places], [part for _, _, part in places]
    return [spliced(words.text, spans, parts, mask, words.mask or "") for mask in masks]


@pytest.mark.parametrize("case", LIME, ids=lambda case: ascii(case["text"][:12]) + str(case["bag"]))
def test_the_texts_are_those_of_the_package_lime(case):
    words = Words(case["text"], bag=case["bag"], mask=None if case["bag"] else "UNKWORDZ")
    names = [words.text[start:end] for ((start, end), *_) in words.spans]
    masks = np.ones((len(case["cases"]), len(words.parts)), dtype=np.uint8)
    for mask, one in zip(masks, case["cases"], strict=True):
        mask[one["gone"]] = 0

    assert names == case["words"]
    assert texts(words, masks) == [one["text"] for one in case["cases"]]


@settings(max_examples=150, deadline=None, database=None, derandomize=True)
@given(
    text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80)
    | st.text("ab ,é日😀\u0301\u200f\x00\n", min_size=1, max_size=200),
    mask=st.sampled_from([None, "", "[MASK]", "é", "😀" * 12]),
    bag=st.booleans(),
    tokenizer=st.sampled_from([r"\w+", r"\S+", r".", r"[^.!?]+[.!?]*"]),
    seed=st.integers(0, 2**32),
)
def test_any_text_is_put_together_like_its_twin(text, mask, bag, tokenizer, seed):
    if not re.search(tokenizer, text):
        return
    words = Words(text, tokenizer=tokenizer, mask=mask, bag=bag)
    masks = np.random.default_rng(seed).integers(0, 2, (30, len(words.parts)), dtype=np.uint8)
    masks[0], masks[1] = 1, 0

    block = words.compose(masks, np.zeros(30, dtype=np.int64))

    assert block.strings() == twin(words, masks)
    assert block[0] == text
    assert [row.decode() for row in block.bytes_list()] == block.strings()


def test_characters_of_every_length_in_bytes():
    """The last and the first characters of one, two, three and four bytes."""
    words = Words("\x7f|\x80|\u07ff|\u0800|\uffff|\U00010000|\U0010ffff", tokenizer=r"[^|]")
    masks = np.vstack([np.eye(7, dtype=np.uint8), 1 - np.eye(7, dtype=np.uint8)])

    assert len(words.parts) == 7
    assert texts(words, masks) == twin(words, masks)


def test_the_protocol():
    words = Words("one two")

    assert isinstance(words, Representation)
    assert (words.parts, words.n_draws, words.weights.tolist()) == (("one", "two"), 1, [1.0])
    assert words.mask_law == "text"
    assert words.canvas == TextSpans("one two", (((0, 3),), ((4, 7),)))


def test_a_bag_takes_all_occurrences_and_places_are_apart():
    text = "to be or not to be"

    assert texts(Words(text), [[0, 1, 1, 1]]) == [" be or not  be"]
    places = Words(text, bag=False)
    assert places.parts == ("to", "be", "or", "not", "to #2", "be #2")
    assert texts(places, [[0, 1, 1, 1, 1, 1]]) == [" be or not to be"]


def test_names_are_unique_even_against_a_unit_that_reads_like_one():
    words = Words("a|a #2|a", tokenizer=r"[^|]+", bag=False)

    assert words.parts == ("a", "a #2", "a #3")
    assert len(set(Words("a|a|a #2", tokenizer=r"[^|]+", bag=False).parts)) == 3


def test_case_and_words_that_are_kept():
    text = "The cat and THE dog"

    assert Words(text).parts == ("The", "cat", "and", "THE", "dog")
    assert Words(text, lowercase=True).parts == ("the", "cat", "and", "dog")
    assert Words(text, keep=["and", "The"]).parts == ("cat", "THE", "dog")
    kept = Words(text, lowercase=True, keep=lambda word: word in ("the", "and"))
    assert kept.parts == ("cat", "dog")
    assert texts(kept, [[0, 0]]) == ["The  and THE "]


def test_one_part_is_enough():
    assert texts(Words("word"), [[1], [0]]) == ["word", ""]


def test_draws_and_masks_are_checked():
    words = Words("a b")
    with pytest.raises(InputError, match=r"masks must have shape \(masks, 2\)"):
        words.compose(np.ones((1, 3), dtype=np.uint8), np.zeros(1, dtype=np.int64))
    with pytest.raises(InputError, match="draws must be from 0 to 0"):
        words.compose(np.ones((1, 2), dtype=np.uint8), np.ones(1, dtype=np.int64))
    with pytest.raises(InputError, match="out must be None"):
        words.compose(np.ones((1, 2), dtype=np.uint8), np.zeros(1, dtype=np.int64), out=np.zeros(3))


def test_more_text_than_the_machine_has_memory_is_refused(monkeypatch):
    monkeypatch.setattr("pellucid.representation.words.machine_memory", lambda: 10)
    with pytest.raises(BudgetError, match="4 texts need 12 bytes, the limit is 10"):
        Words("a b").compose(np.ones((4, 2), dtype=np.uint8), np.zeros(4, dtype=np.int64))


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "text is empty"),
        ("?! ...", {}, "must have a word"),
        (b"bytes", {}, "text must be a str, got bytes"),
        (["a", "list"], {}, "one Words is one text"),
        (None, {}, "got NoneType"),
        (np.array(["a"]), {}, "got ndarray"),
        ("lone \ud800 surrogate", {}, r"text must be valid Unicode, got a lone surrogate '\\ud800' at 5"),
        ("good", {"mask": "\udfff"}, "mask must be valid Unicode"),
        ("good", {"mask": 3}, "mask must be a str, got int"),
        ("good", {"keep": "good"}, "keep must be a list of words"),
        ("good", {"keep": 5}, "keep must be a list of words"),
        ("good", {"keep": [b"good"]}, "keep must hold words"),
        ("good", {"keep": ["good"]}, "keep leaves no word"),
        ("good", {"bag": "no"}, "bag must be True or False"),
        ("good", {"lowercase": 1}, "lowercase must be True or False"),
    ],
)
def test_what_is_no_text_is_refused(text, options, message):
    with pytest.raises(InputError, match=message):
        Words(text, **options)


def test_words_are_compared_by_value_and_pickled():
    words = Words("Ünder, over", tokenizer=lambda text: [(0, 5), (7, 11)], mask="…")
    again = pickle.loads(pickle.dumps(words))

    assert again == words
    assert hash(again) == hash(words)
    assert texts(again, [[0, 1]]) == ["…, over"] == texts(words, [[0, 1]])
    assert words != Words("Ünder, over")
    assert words != "Ünder, over"


def test_texts_of_any_length_share_one_medium():
    short, long = Words("a").medium, Words("é 日 " * 100).medium

    assert short == long == TextMedium(3)
    assert long.row_bytes > short.row_bytes > 2
    assert short.buffer(10) is None


def test_a_row_takes_no_more_than_it_is_said_to():
    for text, mask in [("ab cd " * 50, None), ("é " * 200, "ÿ"), ("日本 語 " * 60, "[MASK]"), ("😀 a " * 70, None)]:
        words = Words(text, mask=mask, tokenizer=r"\S+")
        masks = np.random.default_rng(0).integers(0, 2, (200, len(words.parts)), dtype=np.uint8)
        block = words.compose(masks, np.zeros(200, dtype=np.int64))
        strings = sum(string.__sizeof__() for string in block.strings())

        assert (block.buffer.nbytes + strings) / 200 <= words.medium.row_bytes


def test_the_repr_is_short():
    assert repr(Words("so good " * 100)) == f"Words({('so good ' * 100)!r:.77}..., 2 parts)"
