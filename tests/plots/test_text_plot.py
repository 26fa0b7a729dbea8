"""The highlighted text as a plot, asked of the artists."""

from __future__ import annotations

import io
import warnings
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")


from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from pellucid import plots  # noqa: E402
from pellucid.errors import InputError  # noqa: E402
from pellucid.plots.text import draw  # noqa: E402
from pellucid.representation import Words  # noqa: E402
from pellucid.results import Attribution  # noqa: E402
from pellucid.results.html_text import STRONGEST  # noqa: E402

REVIEW = "This film is good, very good even; the end costs $5 and $6.\nBut the plot? Boring!"
KEY = ["raises the output", "lowers it", "95 % interval covers 0"]


def shown(ax):
    """The pieces of the text itself, and those of the key."""
    pieces = [piece.get_text().replace("\u00a0", " ").strip() for piece in ax.texts]
    key = [piece for piece in pieces if piece in KEY]
    return [piece for piece in pieces if piece and piece not in key], key


def ground(ax, word):
    box = next(piece for piece in ax.texts if piece.get_text().strip() == word).get_bbox_patch()
    return None if box is None else box.get_facecolor()


def boxes(ax):
    """Where the pieces stand, in pixels, without the key."""
    renderer = FigureCanvasAgg(ax.figure).get_renderer()
    ax.figure.draw(renderer)
    return [(piece.get_text(), piece.get_window_extent(renderer)) for piece in ax.texts]


def test_the_whole_text_is_there_and_coloured():
    words = Words(REVIEW)
    values = np.zeros(len(words.parts))
    values[words.parts.index("good")], values[words.parts.index("Boring")] = 1.0, -0.5
    ax = draw(words.canvas, values)
    text, key = shown(ax)

    assert "".join("".join(text).split()) == "".join(REVIEW.split())
    assert key == KEY[:2]
    assert ground(ax, "good") == pytest.approx((213 / 255, 94 / 255, 0, STRONGEST))
    assert ground(ax, "Boring") == pytest.approx((0, 114 / 255, 178 / 255, STRONGEST / 2))
    assert ground(ax, "film") is None


def test_an_interval_that_covers_zero_has_a_dotted_line_below():
    words = Words("sure unsure")
    ax = draw(words.canvas, [1.0, 1.0], errors=[0.1, 0.9])

    (line, of_key) = ax.lines
    assert (line.get_linestyle(), of_key.get_linestyle()) == (":", ":")
    (left, right), (_, unsure) = line.get_xdata(), ax.texts[2].get_position()[::-1]
    assert left == pytest.approx(unsure)
    assert right > left
    assert shown(ax)[1] == [KEY[0], KEY[2]]


@pytest.mark.parametrize("dpi", [72, 100, 200])
def test_no_piece_meets_another_or_leaves_the_figure(dpi):
    words = Words(REVIEW * 3)
    values = np.random.default_rng(0).normal(size=len(words.parts))
    ax = draw(words.canvas, values)
    ax.figure.set_dpi(dpi)
    width, height = ax.figure.bbox.size
    lines = {}
    for text, box in boxes(ax):
        if text.isspace():
            continue
        assert -1 <= box.x0 <= box.x1 <= width + 1, text
        assert -1 <= box.y0 <= box.y1 <= height + 1, text
        lines.setdefault(round(ax.texts[0].get_position()[1] + box.y0), []).append((box.x0, box.x1, text))
    for line in lines.values():
        line.sort()
        for (_, end, before), (start, _, after) in pairwise(line):
            assert end <= start + 0.03 * dpi, (before, after)


def test_a_long_text_is_cut_and_counted():
    words = Words("many words of one text. " * 2000)
    ax = draw(words.canvas, np.ones(len(words.parts)))
    text, _ = shown(ax)

    assert text[-1].startswith("… and about 4")
    assert text[-1].endswith("more characters")
    assert ax.figure.get_size_inches()[1] < 13


def test_axes_of_the_caller_keep_their_size_and_take_the_lines_that_fit():
    figure = Figure(figsize=(4, 1.6))
    ax = figure.add_subplot()
    words = Words(REVIEW * 5)

    assert draw(words.canvas, np.ones(len(words.parts)), ax=ax) is ax
    assert tuple(figure.get_size_inches()) == (4, 1.6)
    assert any(piece.get_text().startswith("… and about") for piece in ax.texts)
    tiny = Figure(figsize=(0.3, 0.3)).add_subplot()
    draw(words.canvas, np.ones(len(words.parts)), ax=tiny)


def test_words_wider_than_a_line_and_letters_of_other_scripts():
    for text in ("x" * 500, "映画は素晴らしい" * 30, "\t\ttabs\n\n\nand lines\r\n", "שלום עולם", "😀 é\u0301"):
        words = Words(text)
        ax = draw(words.canvas, np.ones(len(words.parts)))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph", UserWarning)
            ax.figure.savefig(io.BytesIO(), format="png")
            assert max(box.x1 for _, box in boxes(ax)) <= ax.figure.bbox.width + 1


def test_the_plot_of_an_attribution():
    words = Words("good bad")
    values = np.array([[[0.5, -0.5], [-0.2, 0.2]]])
    attribution = Attribution.from_array(values, parts=words.parts, outputs=["no", "yes"], base_values=[0.5, 0.5])
    attribution = replace(attribution, canvas=words.canvas)
    ax = plots.text(attribution, output="yes")

    assert ax.get_title(loc="left") == "yes is 0.2"
    assert ground(ax, "good")[:3] == pytest.approx((0, 114 / 255, 178 / 255))
    with pytest.raises(InputError, match="row"):
        plots.text(attribution, row=1)
    with pytest.raises(InputError, match="output"):
        plots.text(attribution, output=2)


def test_an_attribution_without_a_text_is_refused():
    with pytest.raises(InputError, match=r"attribution must be one of a text.*plots\.bar"):
        plots.text(Attribution.from_array([[1.0]]))
    with pytest.raises(InputError, match="must be an Attribution"):
        plots.text(SimpleNamespace(canvas=None))
