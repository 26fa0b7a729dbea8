"""What a picture of a text is given: spans that are spans."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from pellucid.errors import InputError
from pellucid.results.text_spans import TextSpans


def test_spans_are_plain_numbers_in_tuples():
    canvas = TextSpans("one two", [[[np.int64(4), np.int64(7)]], [(0, 3)]])

    assert canvas.spans == (((4, 7),), ((0, 3),))
    assert type(canvas.spans[0][0][0]) is int
    assert canvas.in_order() == [(0, 3, 1), (4, 7, 0)]
    assert pickle.loads(pickle.dumps(canvas)) == canvas
    assert hash(canvas) == hash(TextSpans("one two", (((4, 7),), ((0, 3),))))


@pytest.mark.parametrize(
    ("text", "spans", "message"),
    [
        (b"one", (), "text must be a str"),
        ("one", 5, "spans must hold"),
        ("one", ((1, 2),), "spans must hold"),
        ("one", (((0, 1, 2),),), "spans must hold"),
        ("one", (((0, 4),),), "0 <= start < end <= 3"),
        ("one", (((1, 1),),), "start < end"),
        ("one", (((-1, 1),),), "0 <= start"),
        ("one", (((0.0, 1.0),),), "whole numbers"),
        ("one", (((0, 1),), ()), "a part with none"),
        ("one", (((0, 2),), ((1, 3),)), "must not overlap"),
        ("one", (((0, 2), (1, 3)),), "must not overlap"),
    ],
)
def test_what_is_no_span_is_refused(text, spans, message):
    with pytest.raises(InputError, match=message):
        TextSpans(text, spans)
