"""The kernel that writes texts: byte for byte its twin, for any lengths, masks and threads."""

from itertools import pairwise

import numpy as np
import pytest
from pellucid import _core
from pellucid._arguments import threads
from pellucid.errors import BudgetError, InputError
from reference.texts import spliced

MUCH = 1 << 40


def as_bytes(text):
    return np.frombuffer(text.encode(), dtype=np.uint8)


def kernel(text, spans, part_of_word, parts, replacement=""):
    starts, stops = np.array(spans, dtype=np.int64).reshape(-1, 2).T.copy()
    return _core.SplicedText(
        as_bytes(text), starts, stops, np.array(part_of_word, dtype=np.int32), parts, as_bytes(replacement)
    )


def rows(buffer, offsets):
    whole = buffer.tobytes()
    return [whole[a:b].decode() for a, b in pairwise(offsets)]


def random_text(rng, words, longest, gap):
    """Words and what stands between them of random lengths up to `longest` and `gap`."""
    pieces, spans = [], []
    position = 0
    for _ in range(words):
        between, word = int(rng.integers(0, gap + 1)), int(rng.integers(1, longest + 1))
        pieces += ["." * between, "".join(rng.choice(list("abcdefgh"), word))]
        spans.append((position + between, position + between + word))
        position = spans[-1][1]
    return "".join(pieces) + "." * int(rng.integers(0, gap + 1)), spans


@pytest.mark.parametrize(("words", "longest", "gap"), [(1, 1, 0), (1, 50, 40), (7, 3, 0), (30, 9, 1), (12, 70, 90)])
@pytest.mark.parametrize("replacement", ["", "#", "[a long replacement of 35 characters]"])
@pytest.mark.parametrize("m", [0, 1, 3, 700])
def test_rows_are_those_of_the_twin(words, longest, gap, replacement, m):
    rng = np.random.default_rng([words, longest, gap, m])
    text, spans = random_text(rng, words, longest, gap)
    parts = max(1, words // 2)
    part_of_word = rng.integers(0, parts, words)
    masks = rng.integers(0, 2, (m, parts), dtype=np.uint8)
    made = kernel(text, spans, part_of_word, parts, replacement)

    buffer, offsets = made.assemble(masks, MUCH)

    assert len(buffer) == offsets[-1]
    assert rows(buffer, offsets) == [spliced(text, spans, part_of_word, mask, replacement) for mask in masks]
    assert max(np.diff(offsets), default=0) <= made.longest


def test_any_number_of_threads_writes_the_same():
    """Chunks hold a quarter of a MiB: here there are about 20, and rows are shorter and longer than a store."""
    rng = np.random.default_rng(2)
    text, spans = random_text(rng, 40, 30, 5)
    masks = rng.integers(0, 2, (12_000, 40), dtype=np.uint8)
    masks[rng.random(12_000) < 0.3] = 0
    made = kernel(text, spans, range(40), 40)
    with threads(1):
        expected = made.assemble(masks, MUCH)
    for n in (2, 3, 8):
        with threads(n):
            buffer, offsets = made.assemble(masks, MUCH)
        assert buffer.tobytes() == expected[0].tobytes()
        assert offsets.tobytes() == expected[1].tobytes()


def test_rows_that_are_longer_than_a_chunk():
    text = "x" * 300_000 + " end"
    made = kernel(text, [(0, 300_000), (300_001, 300_004)], [0, 1], 2)

    assert rows(*made.assemble(np.array([[1, 0], [0, 1], [1, 1]], dtype=np.uint8), MUCH)) == [
        "x" * 300_000 + " ",
        " end",
        text,
    ]


def test_any_mask_but_zero_is_in_and_no_row_is_nothing():
    made = kernel("ab", [(0, 2)], [0], 1)

    assert rows(*made.assemble(np.array([[255], [0], [2]], dtype=np.uint8), MUCH)) == ["ab", "", "ab"]
    assert made.assemble(np.zeros((0, 1), dtype=np.uint8), 0)[1].tolist() == [0]


def test_a_size_beyond_the_limit_is_refused():
    made = kernel("abc de", [(0, 3), (4, 6)], [0, 1], 2)
    masks = np.array([[1, 1], [0, 1]], dtype=np.uint8)

    assert rows(*made.assemble(masks, 9)) == ["abc de", " de"]
    with pytest.raises(BudgetError, match="2 texts need 9 bytes, the limit is 8"):
        made.assemble(masks, 8)


def test_rows_of_more_than_two_gib_are_refused():
    words = 3000
    with pytest.raises(BudgetError, match="at most 2147483647 bytes"):
        kernel("a" * words, [(i, i + 1) for i in range(words)], range(words), words, "x" * 1_000_000)
    # One long word: neither the whole text nor the one with no words is too long, but the one with this word alone.
    text = "a" * words + "b" * 50_000_000
    spans = [*((i, i + 1) for i in range(words)), (words, len(text))]
    with pytest.raises(BudgetError, match="the longest of these has 2149001000;"):
        kernel(text, spans, range(words + 1), words + 1, "x" * 699_667)


@pytest.mark.parametrize(
    ("spans", "part_of_word", "parts", "message"),
    [
        ([(0, 0)], [0], 1, "word 0 has the bytes 0 to 0"),
        ([(2, 4), (3, 5)], [0, 0], 1, "word 1 has the bytes 3 to 5"),
        ([(4, 7)], [0], 1, "within the 6 bytes"),
        ([(-1, 2)], [0], 1, "word 0"),
        ([(0, 1)], [1], 1, r"part_of_word\[0\] is 1"),
        ([(0, 1)], [-1], 1, r"part_of_word\[0\] is -1"),
        ([(0, 1)], [0, 0], 1, "an entry for each word"),
        ([(0, 1)], [0], 0, "parts must be at least 1"),
    ],
)
def test_spans_that_are_none_are_refused(spans, part_of_word, parts, message):
    with pytest.raises(InputError, match=message):
        kernel("abcdef", spans, part_of_word, parts)


def test_masks_of_another_width_are_refused():
    with pytest.raises(InputError, match="2 columns, one per part, got 3"):
        kernel("a b", [(0, 1), (2, 3)], [0, 1], 2).assemble(np.ones((4, 3), dtype=np.uint8), MUCH)
