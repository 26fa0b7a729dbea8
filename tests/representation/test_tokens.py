"""Where words are: patterns, spans, tokens, and what tokenizers do to them."""

from __future__ import annotations

import re
from types import SimpleNamespace

import numpy as np
import pytest
from pellucid.errors import InputError
from pellucid.representation import Words
from pellucid.representation.tokens import token_spans


def units(text, tokenizer):
    return [text[start:end] for start, end in token_spans(text, tokenizer)]


@pytest.mark.parametrize(
    ("tokenizer", "expected"),
    [
        (r"\w+", ["It", "s", "fine", "Really"]),
        (re.compile(r"[A-Z]\w*"), ["It", "Really"]),
        (r"[^.]+\.?", ["It's fine.", " Really."]),
        (r"x*", []),
        (str.split, ["It's", "fine.", "Really."]),
        (lambda text: text.lower().split(), ["It's", "fine.", "Really."]),
        (lambda text: iter([(0, 4), (5, 9)]), ["It's", "fine"]),
        ([(5, 9), (0, 4)], ["It's", "fine"]),
        (np.array([[0, 2], [5, 9]]), ["It", "fine"]),
        (["It", "##'s", "fine", ".", "real", "##ly"], ["It", "'s", "fine", ".", "Real", "ly"]),
        (["\u2581It", "'", "s", "\u2581fine"], ["It", "'", "s", "fine"]),
        (["It", "'s", "\u0120fine"], ["It", "'s", "fine"]),
        ({"offset_mapping": [(0, 0), (0, 4), (5, 9), (0, 0)]}, ["It's", "fine"]),
        (lambda text: SimpleNamespace(offsets=[(0, 2), (2, 4)]), ["It", "'s"]),
        ([(0, 2), (0, 2), (2, 4)], ["It", "'s"]),
    ],
)
def test_units(tokenizer, expected):
    assert units("It's fine. Really.", tokenizer) == expected


def test_a_mark_that_is_in_the_text_is_text():
    assert units("a ##b", ["a", "##b"]) == ["a", "##b"]


def test_positions_stay_where_folding_makes_letters_longer():
    """The small letter of 'İ' is two characters, and 'ß' folds into two."""
    assert units("İst groß GUT", ["groß", "gut"]) == ["groß", "GUT"]
    assert units("ΟΔΟΣ", ["οδος"]) == ["ΟΔΟΣ"]


def test_characters_are_counted_not_bytes():
    text = "😀é日 end"
    words = Words(text, tokenizer=[(0, 1), (1, 2), (2, 3), (4, 7)])

    assert words.parts == ("😀", "é", "日", "end")


@pytest.mark.parametrize(
    ("tokenizer", "message"),
    [
        ("(", "must be a regular expression"),
        (re.compile(b"a"), "must be a pattern of str"),
        (b"a+", "must be a pattern of str"),
        (7, "give spans or tokens"),
        (None, "give spans or tokens"),
        (lambda text: None, "give spans or tokens"),
        (lambda text: text, "give spans or tokens"),
        ([(0, 3), (2, 5)], r"got \(0, 3\) and \(2, 5\), which overlap"),
        ([(0, 100)], "0 <= start <= end <= 10"),
        ([(-1, 2)], "they count characters, not bytes"),
        ([(4, 2)], "0 <= start <= end"),
        ([(0.0, 2.0)], "whole numbers"),
        ([(True, 2)], "whole numbers"),
        ([(0, 1, 2)], "spans"),
        ([("a", 1)], "whole numbers"),
        (["good", 3], "spans"),
        (["film", "good"], r"got 'good' \(token 1\), which is not after position 9"),
        (["[CLS]", "good"], r"got '\[CLS\]' \(token 0\), which is not in the text; return \(start, end\)"),
    ],
)
def test_what_gives_no_units_is_refused(tokenizer, message):
    with pytest.raises(InputError, match=message):
        token_spans("good film.", tokenizer)
