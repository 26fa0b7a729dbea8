"""The plots of an explained image: what is outlined, what is pale, and which colours stand for which values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex
from pellucid import InputError
from pellucid.plots import _style, image
from pellucid.results import pixels
from pellucid.results.attribution import Attribution
from pellucid.results.segments import Segments

LABELS = np.repeat(np.repeat([[0, 1], [2, 3]], 4, axis=0), 5, axis=1)
IMAGE = np.random.default_rng(0).integers(0, 256, (8, 10, 3), dtype=np.uint8)
VALUES = np.array([0.5, -2.0, 0.0, 1.0])


def explained(values=VALUES):
    attribution = Attribution.from_array(np.reshape(values, (1, 4, 1)), outputs=["$cat$"])
    return replace(attribution, canvas=Segments(IMAGE, LABELS, 2))


def shown(ax):
    return np.asarray(ax.images[0].get_array())


def outlines(ax):
    """The colours of the upper lines, with the number of edges of each."""
    lines = [c for c in ax.collections if isinstance(c, LineCollection)][1::2]
    return [(to_hex(line.get_colors()[0]), len(line.get_segments())) for line in lines]


def test_an_overlay_outlines_what_was_chosen_and_dims_the_rest():
    ax = image(explained())

    inside = np.isin(LABELS, [0, 3])
    np.testing.assert_array_equal(shown(ax)[inside], IMAGE[inside])
    assert (shown(ax)[~inside] >= 160).all()
    assert outlines(ax) == [(_style.RAISES, 4)] * 2
    assert ax.get_title(loc="left") == r"Row 0: \$cat\$, 2 segments that raise it most"


def test_an_outline_runs_between_pixels():
    """Pixel (row, column) is drawn around (column, row): segment 3 begins at row 4 and column 5."""
    lines = next(c for c in image(explained(), top=1).collections if isinstance(c, LineCollection)).get_segments()

    corners = np.concatenate(lines)
    assert corners.min(axis=0).tolist() == [4.5, 3.5]
    assert corners.max(axis=0).tolist() == [9.5, 7.5]


def test_both_signs_have_two_colours():
    assert outlines(image(explained(), positive_only=False, top=2)) == [(_style.LOWERS, 4), (_style.RAISES, 4)]


def test_a_mask_shows_the_chosen_segments_alone():
    ax = image(explained(), show="mask", top=1)

    np.testing.assert_array_equal(shown(ax)[LABELS == 3], IMAGE[LABELS == 3])
    assert (shown(ax)[LABELS != 3] == 128).all()


def test_heat_has_a_bar_of_the_same_colours():
    ax = image(explained(), show="heat")

    np.testing.assert_array_equal(shown(ax), pixels.heat(IMAGE, LABELS, VALUES))
    bar = ax.figure.axes[1]
    assert bar.get_ylim() == (-2.0, 2.0)
    assert bar.get_ylabel() == r"contribution to \$cat\$"
    assert image(explained(np.zeros(4)), show="heat").figure.axes[1].get_ylim() == (-1.0, 1.0)


def test_the_axes_given_are_the_axes_used():
    ax = image(explained())
    assert image(explained(), ax=ax) is ax


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"show": "nothing"}, "show must be"),
        ({"row": 1}, "row"),
        ({"output": "dog"}, "output must be one of"),
        ({"top": 0}, "top must be"),
    ],
)
def test_what_is_not_there_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        image(explained(), **changes)


def test_what_is_no_image_is_refused():
    with pytest.raises(InputError, match="that of an image"):
        image(Attribution.from_array([[0.5]]))
    with pytest.raises(InputError, match="must be an Attribution"):
        image(np.zeros(3))
