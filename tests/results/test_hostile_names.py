"""Names that want to be more than text stay text: printed, saved, in frames and in plots. Pages: test_html.py."""

from __future__ import annotations

import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from pellucid import plots
from pellucid.results import Attribution
from results.hostile_names import HOSTILE

MATHTEXT = ["$x$", "$\\frac{", "100 $ and 200 $"]


@pytest.fixture(params=[*HOSTILE, *MATHTEXT], ids=lambda name: ascii(name[:12]))
def named(request):
    rng = np.random.default_rng(0)
    return Attribution.from_array(
        rng.normal(size=(4, 3, 1)),
        parts=[request.param, "b", "c"],
        outputs=[request.param],
        base_values=[0.0],
        data=rng.normal(size=(4, 3)),
        display=[[request.param, "1", "2"]] * 4,
    )


def test_text_is_short_and_steers_no_terminal(named):
    for text in (str(named), repr(named)):
        assert len(text) < 2000
        assert not re.search("[\u202a-\u202e\u2066-\u2069\x00\x1b\ud800-\udfff]", text)
        text.encode("utf-8")


def test_a_file_and_a_frame_keep_every_character(named, tmp_path):
    named.save(tmp_path / "a.npz")

    assert Attribution.load(tmp_path / "a.npz") == named
    assert len(named.to_frame()) == 12


@pytest.mark.filterwarnings("ignore:Glyph")
@pytest.mark.parametrize("plot", [plots.waterfall, plots.bar, plots.beeswarm])
def test_plots_draw_them(named, plot, tmp_path):
    figure = plot(named).figure
    figure.savefig(tmp_path / "plot.svg")
    width, height = figure.get_size_inches()
    plt.close(figure)

    assert (tmp_path / "plot.svg").stat().st_size < 10**6
    assert max(width, height) < 30
