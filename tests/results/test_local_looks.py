"""How a local explanation reads: in a terminal, in a page, and what is said of the fit."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from pellucid import Superpixels, Words, lime
from pellucid.results import Attribution, LocalExplanation, Report, Segments, TextSpans
from pellucid.results.html import fragment, page
from pellucid.results.ranking import rank_row
from pellucid.results.text import merged
from results.hostile_names import HOSTILE
from results.test_html import Elements


def explained(names=("age", "income", "height"), says=None, **more):
    """Two rows; in the first, income was left out for the second output."""
    n, p, k = 2, len(names), 2
    values = np.array([[[0.5, -0.5], [-0.2, 0.0], [0.1, 0.05]], [[0.1, 0.1], [0.2, 0.2], [0.3, 0.3]]])
    order = np.zeros((n, p, k), dtype=np.int64)
    order[0, 1, 1] = -1
    base = np.full((n, k), 0.25)
    made = {
        "values": values,
        "base_values": base,
        "predictions": np.array([[0.9, 0.1], [0.5, 0.5]]),
        "std_err": np.where(order < 0, np.nan, 0.05),
        "parts": names,
        "outputs": ("no", "yes"),
        "display": np.array([says or [f"2 < {name} <= 3" for name in names]] * n),
        "report": Report(method="LIME", why="2,000 samples", coalitions=2000, background_rows=7, r2=(0.5, 0.25)),
        "local_predictions": base + values.sum(axis=1),
        "r2": np.array([[0.5, 0.75], [0.25, np.nan]]),
        "effective_rows": np.array([1500.2, 1999.8]),
        "order": order,
    }
    return LocalExplanation(**{**made, **more})


def lines_of(text, row=0):
    """The lines of one row of a table, with single spaces."""
    block = str(text).split("\n\n")[1 + row]
    return [" ".join(line.split()) for line in block.splitlines()]


def test_a_table_says_each_part_once_and_the_ends_of_the_surrogate():
    assert lines_of(explained()) == [
        "row 0 no yes",
        "intercept 0.2500 0.2500",
        "2 < age <= 3 +0.500 ± 0.050 -0.500 ± 0.050",
        "2 < income <= 3 -0.200 ± 0.050",
        "2 < height <= 3 +0.100 ± 0.050 +0.050 ± 0.050",
        "local prediction 0.6500 -0.2000",
        "prediction of the model 0.9000 0.1000",
        "R² 0.5 0.75",
        "worth 1,500 of 2,000 equally weighted samples; 0 to 1 feature left out",
    ]
    assert lines_of(explained(), row=1)[-2:] == ["R² 0.25 undefined", "worth 2,000 of 2,000 equally weighted samples"]
    assert repr(explained()).startswith("LocalExplanation(2 rows, 3 parts, 2 outputs; LIME")


def test_a_part_that_its_text_does_not_name_is_named():
    assert lines_of(explained(says=["old", "", "tall height"]))[2:5] == [
        "age +0.500 ± 0.050 -0.500 ± 0.050",
        "income -0.200 ± 0.050",
        "tall height +0.100 ± 0.050 +0.050 ± 0.050",
    ]


def test_samples_that_differ_from_row_to_row_are_not_those_of_the_mean():
    report = replace(explained().report, converged=(True, True))

    assert lines_of(explained(report=report), row=1)[-1] == "worth 2,000 equally weighted samples"


def test_slopes_are_not_summed():
    """The text table has eight lines at most, and of the others no sum where they are slopes."""
    values = np.linspace(1.0, 2.0, 12).reshape(1, 12, 1)
    names = tuple(f"x{i}" for i in range(12))
    arrays = {
        "values": values,
        "std_err": np.full(values.shape, 0.1),
        "base_values": np.zeros((1, 1)),
        "predictions": np.ones((1, 1)),
        "outputs": ("y",),
        "display": None,
        "r2": np.ones((1, 1)),
        "effective_rows": np.ones(1),
        "order": np.zeros(values.shape, dtype=np.int64),
        "report": Report(method="LIME"),
    }
    slopes = explained(names, local_predictions=np.ones((1, 1)), **arrays)
    bins = explained(names, local_predictions=values.sum(axis=1), **arrays)

    assert not slopes.adds_up
    assert "4 smaller coefficients not shown" in str(slopes)
    assert "sum of" not in str(slopes)
    assert "where every part is 0" in fragment(slopes)
    assert bins.adds_up
    assert "sum of 5 other features" in str(bins)
    assert "with no part present" in fragment(bins)
    ranking = rank_row(slopes, row=0, output=0, max_display=3)
    assert ranking.names == ("x11", "x10", "x9")
    assert (ranking.rest, ranking.small, ranking.left_out) == (0, 9, 0)


def test_parts_left_out_are_neither_ranked_nor_top():
    ranking = rank_row(explained(), row=0, output=1, max_display=2)

    assert ranking.names == ("2 < age <= 3", "2 < height <= 3")
    assert (ranking.left_out, ranking.small, ranking.rest) == (1, 0, 0)
    assert [one.part for one in explained().top(3, output=1)] == ["age", "height"]
    everything_out = explained(order=np.full((2, 3, 2), -1), values=np.zeros((2, 3, 2)))
    assert everything_out.top(3) == []
    assert "3 features left out" in str(everything_out)
    assert "3 features left out" in fragment(everything_out)


def test_a_fragment_says_what_the_surrogate_says():
    text = "".join(Elements(fragment(explained(), output="yes")).texts)

    assert "Row 0: yes is 0.1. The surrogate predicts −0.2000 here and 0.2500 with no part present; R² 0.75; " in text
    assert "1 feature left out" in text
    assert text.count("income <= 3 +") == text.count("income <= 3+") == 1  # in the chart of row 1, but not of row 0


def test_a_page_explains_what_a_surrogate_is_worth():
    text = " ".join(Elements(page(explained(), title="A page")).texts)

    for expected in (
        "Each bar is a coefficient",
        "what the model says of rows drawn like 7 background rows: 2,000 samples",
        "The surrogate explains 25 to 75 % of the variance",
        "by 0.25 to 0.35",
        "not to that of the model",
    ):
        assert expected in text, expected
    for wrong in ("base value", "A hidden feature", "coalition", "add up to the prediction"):
        assert wrong not in text, wrong


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: ascii(name[:12]))
@pytest.mark.parametrize("render", [fragment, lambda a: page(a, title="t")], ids=["fragment", "page"])
def test_what_a_surrogate_says_adds_no_element(name, render):
    def of(name):
        report = Report(method=name, why=name, model=name, coalitions=9)
        return explained((name, "b", "c"), says=[name[:200], "b", "c"], report=report)

    text = render(of(name))

    assert set(Elements(text).elements) == set(Elements(render(of("harmless"))).elements)
    assert len(text) < 200_000
    assert len(str(of(name))) < 5000
    text.encode("utf-8")


def with_canvas(canvas, name="cat"):
    made = Attribution.from_array([[[0.5, 0.1], [-0.25, 0.2]]], outputs=["dog", name], base_values=0.0, std_err=0.01)
    return replace(made, canvas=canvas)


@pytest.mark.parametrize("render", [fragment, lambda a, **o: page(a, title="t", **o)], ids=["fragment", "page"])
def test_html_shows_the_text_and_the_image_of_the_chosen_output(render):
    text = with_canvas(TextSpans("not <b>bad", (((0, 3),), ((7, 10),))))
    image = with_canvas(Segments(np.eye(4), np.repeat([[0, 0, 1, 1]], 4, axis=0)), name="<cat>")

    of_text = render(text, output="dog")
    assert 'title="−0.250 ± 0.010"' in of_text
    assert "&lt;b&gt;" in of_text
    assert "<b>bad" not in of_text
    assert "lowers it</span></div>" in of_text
    assert "lowers it</span></div>" not in render(text, output="cat")
    of_image = render(image, output=1)
    assert of_image.count("data:image/png;base64,") == 3
    assert "The contributions of all segments to &lt;cat&gt;, row 0" in of_image
    assert "<script" not in of_text + of_image


def test_a_page_of_a_text_or_an_image_speaks_of_no_background():
    report = Report(method="Shapley values", background_rows=1, coalitions=4)
    text = replace(with_canvas(TextSpans("not bad", (((0, 3),), ((4, 7),)))), report=report)
    image = replace(with_canvas(Segments(np.eye(2), np.array([[0, 0], [1, 1]]))), report=report)

    for explained, expected in ((text, "taken out of the text"), (image, "of the image is filled")):
        words = " ".join(Elements(page(explained, title="t")).texts)
        for part in (expected, "the output with every part hidden", "4 coalitions of parts", "stands in for a hidden"):
            assert part in words
        assert "background row" not in words
        assert "Background" not in words


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: ascii(name[:12]))
def test_a_hostile_text_adds_no_element(name):
    def of(text):
        return fragment(with_canvas(TextSpans(f"{text} and more", (((0, len(text)),), ((len(text), len(text) + 4),)))))

    text = of(name)

    assert set(Elements(text).elements) == set(Elements(of("harmless")).elements)
    assert len(text) < 200_000
    text.encode("utf-8")


def test_lime_of_texts_and_images_reads_well():
    score = lambda texts: np.array([2.0 * ("bad" in text) for text in texts])  # noqa: E731
    of_text = lime(score, Words("not so bad"), max_features=1)
    of_image = lime(lambda images: images.mean(axis=(1, 2)), Superpixels(np.ones((6, 6)), n_segments=4, fill=0))

    assert lines_of(of_text)[2:3] == ["bad +2.000"]
    assert lines_of(of_text)[-1] == "all 8 masks; 2 parts left out"
    assert "pellucid-text" in of_text._repr_html_()
    assert re.match(r"segment \d \+0\.25", lines_of(of_image)[2])
    assert "pellucid-image" in of_image._repr_html_()


def test_reasons_that_repeat_are_said_once():
    assert merged(["5 rows; a", "5 rows; a"]) == "5 rows; a"
    assert merged(["a 1 of 20; b", "c; b", "a 3 of 10"]) == "a 1 to 3 of 10 to 20; b; c"
    assert merged(["1,024 samples", "512 samples", "7.5 samples"]) == "7.5 to 1,024 samples"
    assert merged([]) == ""
    rows = np.random.default_rng(0).normal(size=(300, 4))
    model = lambda rows: (rows[:, 0] > 0) * 1.0 + (rows[:, 1] > 0.5)  # noqa: E731
    many = lime(model, rows[:4], background=rows, max_features=2, budget=1000)
    assert many.report.why.count("samples") == 1
    assert "…" not in str(many)
    assert re.search(r"why LIME: \d+ samples, a scrambled Sobol net", str(many))
