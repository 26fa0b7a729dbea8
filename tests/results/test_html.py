"""The static HTML: inert whatever the names, complete in what it shows, and true in where it draws."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from pellucid.errors import InputError
from pellucid.results import Attribution, Report
from pellucid.results.html import fragment, page
from results.hostile_names import HOSTILE


class Elements(HTMLParser):
    """Collects elements with the names of their attributes, and text."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.texts = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, tuple(sorted(name for name, _ in attributes))))

    def handle_data(self, data):
        self.texts.append(data)

    def counts(self):
        """How many of each; the width of a name decides how many ticks an axis has, lines and texts."""
        return Counter(tag for tag, _ in self.elements if tag not in ("line", "text"))

    def handle_comment(self, data):
        self.elements.append(("comment", ()))


def named(name, n=4, **more):
    rng = np.random.default_rng(5)
    values = rng.normal(size=(n, 3, 2))
    base = np.full((n, 2), 0.5)
    return Attribution(
        values=values,
        base_values=base,
        predictions=base + values.sum(axis=1),
        std_err=np.full((n, 3, 2), 0.05),
        parts=(name, "b", "c"),
        outputs=(name, "yes"),
        display=np.array([[name[:50], "1", "2"]] * n),
        report=Report(
            method=name,
            why=name,
            model=name,
            warnings=(name,),
            link=name,
            version=name,
            value_function=name,
            background_rows=7,
        ),
        **more,
    )


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: ascii(name[:12]))
@pytest.mark.parametrize(
    "render",
    [
        fragment,
        lambda a: page(a, title=a.parts[0], intro=a.parts[0], tables=[(a.parts[0], [a.parts[0]], [[a.parts[0]]])]),
    ],
    ids=["fragment", "page"],
)
def test_names_add_no_element_and_no_attribute(name, render):
    harmless = Elements(render(named("harmless")))
    text = render(named(name))
    hostile = Elements(text)
    assert set(hostile.elements) == set(harmless.elements)
    assert hostile.counts() == harmless.counts()
    assert not any(tag == "script" for tag, _ in hostile.elements)
    assert not any(attribute.startswith("on") for _, attributes in hostile.elements for attribute in attributes)
    assert len(text) < 200_000
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00\x1b\ud800-\udfff]", text)
    text.encode("utf-8")


def test_nothing_is_loaded_from_elsewhere():
    text = page(named("a"), title="t")
    assert not re.search(r"(src|href|url\(|@import)", text.replace("xmlns=", ""))


def test_styles_of_a_fragment_stay_inside():
    text = fragment(named("a"))
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL).group(1)
    assert all(rule.strip().startswith(".pellucid") for rule in style.split("}") if rule.strip())
    assert " id=" not in text
    assert all(name.startswith("pellucid") for name in re.findall(r'class="?([\w-]+)', text))


def test_a_fragment_says_what_it_shows():
    text = "".join(Elements(fragment(named("age"))).texts)
    for expected in (
        "age",
        "4 rows",
        "and 1 more row",
        "Whiskers are 95 % intervals",
        "from a base value of 0.5",
    ):
        assert expected in text
    assert fragment(named("age")).count("<figure>") == 3
    assert fragment(named("age")) == named("age")._repr_html_()


def test_a_page_says_what_was_done_and_how_far_to_trust_it():
    report = Report(
        method="kernel_shapley",
        why="many parts",
        model="predict of Model",
        rows_used=512,
        converged=(True, True, True, False),
        tolerance=0.01,
        background_rows=7,
        coalitions=99,
        value_function="interventional",
        warnings=("look here",),
        budget=600,
        version="9.9",
    )
    text = " ".join(Elements(page(replace(named("age"), report=report), title="My title", intro="One.\n\nTwo.")).texts)
    for expected in (
        "My title",
        "One.",
        "Two.",
        "predict of Model",
        "many parts",
        "7 background rows",
        "512 rows",
        "99 coalitions",
        "a budget of 600",
        "1 row of 4 did not reach the tolerance 0.01",
        "look here",
        "add up to the prediction",
        "9.9",
        "3 of 4 rows",
    ):
        assert expected in text, expected


def test_the_long_intro_is_not_cut():
    intro = "word " * 300
    assert intro.strip() in page(named("a"), title="t", intro=intro)


@pytest.mark.parametrize(
    ("std_err", "says"),
    [(None, "exact for this model"), (np.full((4, 3, 2), np.nan), "errors are not known")],
)
def test_without_errors_it_says_why(std_err, says):
    text = page(replace(named("a"), std_err=std_err), title="t")
    assert says in text
    assert "95 % interval</span>" not in text


def test_a_residual_is_told():
    off = replace(named("a"), predictions=named("a").predictions + 0.25)
    assert "miss the prediction by up to 0.25" in page(off, title="t")
    unknown = replace(named("a"), base_values=np.full((4, 2), np.nan))
    assert "cannot be told" in page(unknown, title="t")


def test_bars_and_whiskers_stand_where_the_numbers_are():
    a = Attribution.from_array([[2.0, -1.0, 0.5]], base_values=0.0, std_err=[0.5, 0.0, np.nan], parts=list("abc"))
    text = fragment(a)
    bars = [[float(x) for x in bar] for bar in re.findall(r'<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', text)]
    (x1, w1), (x2, w2), (x3, w3) = bars
    assert w2 / w1 == pytest.approx(0.5, abs=2e-3)
    assert w3 / w1 == pytest.approx(0.25, abs=2e-3)
    assert x2 + w2 == pytest.approx(x1, abs=0.02)  # on both sides of zero
    assert x3 == pytest.approx(x1, abs=0.02)
    whiskers = re.findall(r'<line x1="([\d.]+)" y1="([\d.]+)" x2="([\d.]+)" y2="\2" [^>]*stroke-width="1.4"', text)
    ((low, _, high),) = whiskers  # one: an error of 0 and an unknown one have none
    assert (float(high) - float(low)) / w1 == pytest.approx(2 * 1.959964 * 0.5 / 2, abs=2e-3)
    assert (float(high) + float(low)) / 2 == pytest.approx(x1 + w1, abs=0.02)


def test_a_waterfall_ends_at_the_prediction():
    text = page(named("a"), title="t", rows=[0])
    waterfall = text[text.index("Row by row") :]
    dots = [float(x) for x in re.findall(r'<circle cx="([\d.]+)"', waterfall)]
    bars = re.findall(r'<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)" height="13"', waterfall)
    edges = [edge for x, w in bars for edge in (float(x), float(x) + float(w))]
    assert len(dots) == 2
    assert len(bars) == 3
    for dot in dots:
        assert min(abs(dot - edge) for edge in edges) < 0.02


@pytest.mark.parametrize("scale", [0.0, 1e-320, 1e-200, 1e150, 1e308])
def test_extreme_numbers_are_drawn(scale):
    a = Attribution.from_array(np.array([[1.0, -1.0, 0.5]]) * scale, base_values=scale, std_err=scale / 10)
    for text in (fragment(a), page(a, title="t")):
        coordinates = re.findall(r' (?:x|x1|x2|cx|width)="([^"]*)"', text)
        assert coordinates
        assert all(-1 <= float(x) <= 721 for x in coordinates)


def test_arguments():
    a = named("age")
    assert "Contributions to yes, row 0" in fragment(a, output="yes")
    assert fragment(a, rows=1).count("<figure>") == 1
    with pytest.raises(InputError, match="output"):
        fragment(a, output="maybe")
    with pytest.raises(InputError, match="row must be"):
        page(a, title="t", rows=[7])
    with pytest.raises(InputError, match="title and intro"):
        page(a, title=None)


def test_the_positive_class_is_shown_of_two_probabilities():
    a = named("no")
    assert "Contributions to yes" in fragment(replace(a, report=Report(method="x", model_output="probability")))
    assert "Contributions to no" in fragment(a)
