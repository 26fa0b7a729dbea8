"""The plots of a local explanation: one bar for each part of the surrogate, and no sum that is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_hex
from pellucid import InputError, Words, lime, plots
from pellucid.plots import _style
from pellucid.results import Attribution
from results.test_local_looks import explained


def labels(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


def slopes():
    """The same numbers, of a surrogate whose values are slopes."""
    made = explained()
    return replace(made, local_predictions=made.local_predictions + 1.0)


def test_bars_are_the_parts_of_the_surrogate_with_their_whiskers():
    ax = plots.local(explained(), output="yes")

    assert labels(ax) == ["2 < age <= 3", "2 < height <= 3"]
    assert [bar.get_width() for bar in ax.patches] == [-0.5, 0.05]
    assert [to_hex(bar.get_facecolor()) for bar in ax.patches] == [_style.LOWERS, _style.RAISES]
    (whiskers,) = ax.containers[1].lines[2]
    ends = np.array([segment[:, 0] for segment in whiskers.get_segments()])
    np.testing.assert_allclose(ends, [[-0.5 - 0.098, -0.5 + 0.098], [0.05 - 0.098, 0.05 + 0.098]], atol=1e-4)
    assert ax.get_title(loc="left") == "Row 0: yes is 0.1\nlocal prediction −0.2, intercept 0.25, R² 0.75"
    assert ax.get_xlabel() == "coefficient for yes (1 feature left out)"


def test_what_has_no_bar_is_counted_and_not_summed():
    ax = plots.local(explained(), top=2)

    assert labels(ax) == ["2 < age <= 3", "2 < income <= 3"]
    assert ax.get_xlabel() == "coefficient for no (1 smaller coefficient not shown)"
    assert plots.local(explained(), row=1, output=1).get_title(loc="left").endswith("R² undefined")
    assert plots.local(explained(), ax=ax) is ax


def test_a_surrogate_of_nothing_has_no_bars():
    zeros = np.zeros((2, 3, 2))
    nothing = explained(order=np.full((2, 3, 2), -1), values=zeros, local_predictions=np.full((2, 2), 0.25))

    assert labels(plots.local(nothing)) == []
    assert labels(plots.waterfall(nothing)) == ["intercept", "local prediction", "prediction of the model"]
    assert labels(plots.beeswarm(nothing)) == labels(plots.bar(nothing)) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"top": 0}, "top must be"), ({"row": 2}, "row"), ({"output": "maybe"}, "output")],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(InputError, match=message):
        plots.local(explained(), **arguments)


def test_an_attribution_of_no_surrogate_is_refused():
    with pytest.raises(InputError, match=r"explanation must be a LocalExplanation.*plots\.bar"):
        plots.local(Attribution.from_array([[1.0]]))


def test_a_waterfall_ends_at_the_prediction_of_the_surrogate():
    ax = plots.waterfall(explained())
    ends, model = ax.lines[-2], ax.lines[-1]

    assert labels(ax)[0] == "intercept"
    assert labels(ax)[-2:] == ["local prediction", "prediction of the model"]
    np.testing.assert_allclose(ends.get_xdata(), [0.25, 0.65])
    np.testing.assert_allclose(model.get_xdata(), [0.9])
    texts = [text.get_text() for text in ax.texts]
    assert (texts[0], texts[-2:]) == ("0.25", ["0.65", "0.9"])
    # The dashes that join the bars stop above the model's own prediction.
    joins = next(c for c in ax.collections if c.get_linestyle()[0][1] is not None)
    assert max(segment[:, 1].max() for segment in joins.get_segments()) == len(labels(ax)) - 2


def test_a_waterfall_of_slopes_is_refused():
    with pytest.raises(InputError, match=r"add up to a prediction, got the slopes.*plots\.local"):
        plots.waterfall(slopes())
    assert len(plots.local(slopes()).patches) == 3


def test_other_plots_say_a_part_once_and_leave_out_what_was_left_out():
    assert labels(plots.bar(explained(), row=0, output=1)) == ["2 < age <= 3", "2 < height <= 3"]
    assert labels(plots.bar(explained())) == ["age", "income", "height"]
    unused = explained(order=np.where(np.arange(3)[:, None] == 2, -1, explained().order))
    assert labels(plots.bar(unused)) == labels(plots.beeswarm(unused)) == ["age", "income"]
    assert labels(plots.bar(unused, by=["a", "b"])) == ["age", "income"]
    ax = plots.compare({"one": explained(), "two": explained()}, row=0)
    assert labels(ax)[0] == "2 < age <= 3"
    swarm = plots.beeswarm(explained(), output=1)
    assert labels(swarm) == ["age", "height", "income"]
    points = [len(c.get_offsets()) for c in swarm.collections if len(c.get_offsets())]
    assert points == [2, 2, 1]


def test_words_have_their_names_alone():
    score = lambda texts: np.array([1.0 * ("good" in text) for text in texts])  # noqa: E731

    assert labels(plots.local(lime(score, Words("good $film$")), top=1)) == ["good"]
    assert labels(plots.local(lime(score, Words("a $b$", tokenizer=str.split)), top=3))[-1] in ("a", r"\$b\$")
