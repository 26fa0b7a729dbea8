"""Blocks of texts: the same rows however they are asked for."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pellucid.errors import InputError
from pellucid.representation import TextMedium, Texts

characters = st.characters(exclude_categories=["Cs"])


@settings(max_examples=100, deadline=None, database=None, derandomize=True)
@given(strings=st.lists(st.text(characters, max_size=12) | st.text("ab", max_size=4), max_size=9), data=st.data())
def test_rows_are_those_of_a_list(strings, data):
    block = Texts.of(strings)
    bounds = st.none() | st.integers(-12, 12)
    part = slice(data.draw(bounds), data.draw(bounds), data.draw(st.sampled_from([None, 1, 2, -1, -3])))
    numbers = data.draw(st.lists(st.integers(-len(strings), len(strings) - 1))) if strings else []

    assert len(block) == len(strings)
    assert list(block) == block.strings() == strings
    assert [block[i] for i in range(len(strings))] == strings
    assert block[part].strings() == strings[part]
    assert block[part] == Texts.of(strings[part])
    assert block[np.array(numbers, dtype=np.int64)].strings() == [strings[i] for i in numbers]
    assert pickle.loads(pickle.dumps(block[part])) == block[part]


def test_a_slice_shares_its_memory():
    block = Texts.of(["ab", "cd", "ef"])

    assert np.shares_memory(block[1:].buffer, block.buffer)
    assert block[1:][1] == "ef"


def test_a_slice_that_runs_backwards_is_empty():
    assert Texts.of(["ab", "cd", "ef"])[2:1].strings() == []
    assert len(Texts.of(["ab", "cd", "ef"])[3:0]) == 0


def test_rows_by_booleans():
    assert Texts.of(["a", "b", "c"])[np.array([True, False, True])].strings() == ["a", "c"]


def test_rows_that_are_not_there():
    block = Texts.of(["a", "b"])
    for row in (2, -3):
        with pytest.raises(IndexError):
            block[row]
    with pytest.raises(IndexError):
        block[np.array([5])]
    with pytest.raises(TypeError):
        block["a"]


def test_blocks_are_equal_by_their_texts():
    assert Texts.of(["ab", "c"]) != Texts.of(["a", "bc"])
    assert Texts.of(["ab"]) != Texts.of(["ac"])
    assert Texts.of(["ab"]) != ["ab"]
    assert repr(Texts.of(["ab", "é"])) == "Texts(2 texts, 4 bytes)"


@pytest.mark.parametrize(
    ("buffer", "offsets"),
    [
        (b"ab", np.array([0, 2])),
        (np.zeros(2), np.array([0, 2])),
        (np.zeros(2, dtype=np.uint8), [0, 2]),
        (np.zeros(2, dtype=np.uint8), np.array([], dtype=np.int64)),
        (np.zeros(2, dtype=np.uint8), np.array([0, 3])),
        (np.zeros(2, dtype=np.uint8), np.array([1, 2])),
        (np.zeros(2, dtype=np.uint8), np.array([0, 2, 1, 2])),
    ],
)
def test_offsets_that_are_none(buffer, offsets):
    with pytest.raises(InputError):
        Texts(buffer, offsets)


def test_the_medium_hands_over_strings_and_names_rows():
    block, medium = Texts.of(["one\n\x1b[31m", "two" * 100, "one\n\x1b[31m", ""]), TextMedium(10)

    assert medium.given(block) == ["one\n\x1b[31m", "two" * 100, "one\n\x1b[31m", ""]
    assert medium.shown(block, 0) == '"one \\u001b[31m"'
    assert len(medium.shown(block, 1)) <= 82
    first, second, third, last = medium.keys(block)
    assert first == third
    assert len({first, second, last}) == 3
    assert all(len(key) == 16 for key in (first, second, last))
