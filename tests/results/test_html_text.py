"""The highlighted text as HTML: inert whatever the text, true in its colours and numbers."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from pellucid.errors import InputError
from pellucid.results.html_text import PALER, STRONGEST, highlighted
from pellucid.results.text_spans import TextSpans
from results.hostile_names import HOSTILE


class Elements(HTMLParser):
    """The text, and each element with its attributes."""

    def __init__(self, fragment):
        super().__init__(convert_charrefs=True)
        self.elements, self.depth, self.texts, self.within = [], [], [], []
        self.feed(fragment)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self.depth.append(dict(attributes))

    def handle_endtag(self, tag):
        self.depth.pop()

    def handle_data(self, data):
        self.texts.append(data)
        if self.depth and "title" in self.depth[-1]:
            self.within.append((data, self.depth[-1]))


def opacity(attributes):
    return float(re.search(r"background:rgba\(\d+,\d+,\d+,([\d.]+)\)", attributes["style"])[1])


FILM = TextSpans("Good, very good film", (((0, 4),), ((6, 10),), ((11, 15),), ((16, 20),)))


def test_the_deeper_the_larger_and_the_colour_by_the_sign():
    words = dict(Elements(highlighted(FILM, [1.0, -0.5, 0.25, 0.0])).within)

    assert list(words) == ["Good", "very", "good", "film"]
    assert [opacity(words[word]) for word in words] == pytest.approx([STRONGEST * x for x in (1, 0.5, 0.25, 0)])
    assert "rgba(213,94,0," in words["Good"]["style"]
    assert "rgba(0,114,178," in words["very"]["style"]
    assert not any("dotted" in attributes["style"] for attributes in words.values())


def test_an_interval_that_covers_zero_is_paler_and_dotted():
    fragment = highlighted(FILM, [1.0, 1.0, 1.0, 1.0], errors=[0.50, 0.52, np.nan, 0.0])
    words = dict(Elements(fragment).within)

    assert [word for word in words if "dotted" in words[word]["style"]] == ["very"]
    assert opacity(words["very"]) == pytest.approx(PALER * opacity(words["Good"]))
    assert "95 % interval covers 0" in fragment


def test_the_tooltip_says_value_and_error():
    words = dict(Elements(highlighted(FILM, [0.5, -0.25, 0.1, 0], errors=[0.01, 0.02, 0.03, np.nan])).within)

    assert [words[word]["title"] for word in words] == [
        "+0.500 ± 0.010",
        "−0.250 ± 0.020",
        "+0.100 ± 0.030",
        "+0.000",
    ]


def test_the_key_names_what_occurs():
    assert "lowers" not in highlighted(FILM, [1, 1, 1, 0])
    assert "raises" not in highlighted(FILM, [-1, -1, -1, 0])
    assert "covers" not in highlighted(FILM, [-1, -1, -1, 0])
    assert Elements(highlighted(FILM, [0, 0, 0, 0])).texts == ["Good", ", ", "very", " ", "good", " ", "film"]


def test_all_occurrences_of_a_part_are_marked():
    canvas = TextSpans("to be or\n  not to be", (((0, 2), (15, 17)), ((3, 5), (18, 20))))
    found = Elements(highlighted(canvas, [1.0, -1.0]))

    assert [word for word, _ in found.within] == ["to", "be", "to", "be"]
    assert "".join(found.texts).startswith("to be or\n  not to be")


@pytest.mark.parametrize("word", HOSTILE, ids=lambda name: ascii(name[:12]))
def test_hostile_words_stay_text(word):
    text = f"one {word} two"
    inside = TextSpans(text, (((0, 3),), ((4, 4 + len(word)),)))
    between = TextSpans(text, (((0, 3),), ((5 + len(word), 8 + len(word)),)))
    plain = TextSpans("one x two", (((0, 3),), ((4, 5),)))
    expected = [(tag, sorted(names)) for tag, names in Elements(highlighted(plain, [1, -1])).elements]

    for canvas in (inside, between):
        fragment = highlighted(canvas, [1, -1])
        assert len(fragment) < 250_000
        fragment.encode("utf-8")
        assert not re.search("[\u202a-\u202e\u2066-\u2069\x00\x1b]", fragment)
        # What was cut has a note, and a second word that is cut away has no mark.
        found = [(tag, sorted(names)) for tag, names in Elements(fragment).elements]
        assert sorted(found) == sorted(expected) or len(word) > 20_000
        assert {tag for tag, _ in found} == {"div", "span"}
        assert {name for _, names in found for name in names} <= {"class", "dir", "style", "title"}


def test_a_long_text_is_cut_and_counted():
    canvas = TextSpans("abcdef ghij klm", (((0, 6),), ((7, 11),), ((12, 15),)))
    found = Elements(highlighted(canvas, [1.0, 1.0, 1.0], limit=9))

    assert [word for word, _ in found.within] == ["abcdef", "gh"]
    assert "".join(found.texts).startswith("abcdef gh … and 6 more characters")


def test_no_script_and_no_style_sheet():
    fragment = highlighted(FILM, [1, 2, 3, 4], errors=[1, 1, 1, 9])

    assert not re.search(r"<script|<style|\son\w+=|https?:", fragment)


@pytest.mark.parametrize(
    ("values", "errors"), [([1.0], None), ([1.0] * 4, [0.1]), (["a"] * 4, None), (np.ones((4, 1)), None)]
)
def test_values_of_another_shape_are_refused(values, errors):
    with pytest.raises(InputError):
        highlighted(FILM, values, errors=errors)
