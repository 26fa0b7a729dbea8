"""What the heat map draws, asked of its artists."""

from __future__ import annotations

import numpy as np
import pytest

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")

from matplotlib.colors import to_rgb  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from pellucid import plots  # noqa: E402
from pellucid.errors import InputError  # noqa: E402
from pellucid.plots import _style  # noqa: E402
from pellucid.results import Attribution, Interactions, Report  # noqa: E402


def made(matrix, std_err=None, names=None):
    """Interactions of as many rows as there are matrices (n, p, p)."""
    matrix = np.asarray(matrix, dtype=float)
    n, p, _ = matrix.shape
    nothing = np.zeros((n, 1))
    return Interactions(
        values=matrix[..., None],
        std_err=None if std_err is None else np.broadcast_to(std_err, matrix.shape)[..., None],
        shapley_std_err=None if std_err is None else np.zeros((n, p, 1)),
        base_values=nothing,
        predictions=nothing,
        parts=tuple(names or (f"part {i}" for i in range(p))),
        outputs=("price",),
        report=Report(method="Shapley interactions by regression"),
    )


SMALL = np.array([[9.0, 2.0, -1.0], [2.0, 0.5, 0.0], [-1.0, 0.0, 0.25]])


def cells(ax):
    return np.asarray(ax.images[0].get_array())[..., :3]


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_colours_have_zero_in_the_middle_and_the_diagonal_has_none():
    drawn = cells(plots.interactions(made([SMALL])))

    np.testing.assert_allclose(drawn[0, 1], to_rgb(_style.RAISES), atol=0.01)
    np.testing.assert_allclose(drawn[1, 2], 1.0, atol=0.01)
    half = (np.array(to_rgb(_style.LOWERS)) + 1.0) / 2
    np.testing.assert_allclose(drawn[0, 2], half, atol=0.01)
    assert len({tuple(colour) for colour in drawn[range(3), range(3)]}) == 1
    np.testing.assert_allclose(drawn, drawn.transpose(1, 0, 2))


def test_the_first_part_is_at_the_top_left():
    ax = plots.interactions(made([SMALL]))

    assert [label.get_text() for label in ax.get_yticklabels()] == ["part 0", "part 1", "part 2"]
    assert ax.get_ylim() == (3.0, 0.0)
    assert texts(ax)[0] == "9.000"
    assert ax.texts[1].get_position() == (1.5, 0.5)
    assert texts(ax)[1:3] == ["2.000", "−1.000"]


def test_what_may_be_zero_is_pale_and_said_so():
    sure = plots.interactions(made([SMALL], std_err=0.01))
    unsure = plots.interactions(made([SMALL], std_err=0.9))
    unknown = plots.interactions(made([SMALL], std_err=np.nan))

    assert cells(unsure)[0, 1].tolist() == cells(sure)[0, 1].tolist()  # 2 > 1.96 * 0.9
    assert (cells(unsure)[0, 2] >= cells(sure)[0, 2]).all()
    assert cells(unsure)[0, 2].sum() > cells(sure)[0, 2].sum() + 0.2
    assert (cells(unknown)[0, 1] > cells(sure)[0, 1] - 1e-9).all()
    assert unsure.figure.axes[1].get_ylabel().endswith("(pale: may be zero)")


def test_an_exact_zero_is_no_doubt():
    for row in 0, None:
        ax = plots.interactions(made([np.diag([3.0, 0.0, 1.0])]), row=row)
        assert "may be zero" not in ax.figure.axes[1].get_ylabel()


def test_the_largest_parts_are_shown_in_their_order():
    matrix = np.zeros((20, 20))
    matrix[3, 15] = matrix[15, 3] = 5.0
    matrix[15, 7] = matrix[7, 15] = -4.0
    matrix[1, 1] = 100.0

    ax = plots.interactions(made([matrix]), max_display=3)

    assert [label.get_text() for label in ax.get_yticklabels()] == ["part 3", "part 7", "part 15"]
    assert ax.get_title(loc="left") == "Row 0: price, 3 of 20 features"


def test_the_mean_over_rows_is_one_of_sizes():
    ax = plots.interactions(made([SMALL, -SMALL]), row=None)

    assert texts(ax)[1:3] == ["2.000", "1.000"]
    assert ax.get_title(loc="left") == "price: mean over 2 rows"
    assert ax.figure.axes[1].get_ylim()[0] == 0.0


def test_numbers_are_printed_where_they_fit():
    assert len(texts(plots.interactions(made([np.ones((12, 12))])))) == 144
    assert texts(plots.interactions(made([np.ones((30, 30))]), max_display=30)) == []
    narrow = Figure(figsize=(2, 2)).add_subplot()
    assert texts(plots.interactions(made([np.ones((9, 9))]), ax=narrow)) == []


@pytest.mark.parametrize("parts", [1, 2, 30])
def test_every_size_can_be_rendered(parts, tmp_path):
    names = [
        f"a name ${i}$ that is much longer than any column of a heat map could ever hold {i}" for i in range(parts)
    ]
    found = made(np.random.default_rng(0).normal(size=(1, 1, 1)) * np.ones((1, parts, parts)), names=names)

    ax = plots.interactions(found, max_display=parts)
    ax.figure.savefig(tmp_path / "a.png")

    assert all(len(label.get_text()) < 40 for label in ax.get_xticklabels())


def test_the_axes_of_the_caller_are_used():
    ax = Figure().add_subplot()

    assert plots.interactions(made([SMALL]), ax=ax) is ax


def test_what_does_not_fit_is_refused():
    with pytest.raises(InputError, match="result must be Interactions, got Attribution"):
        plots.interactions(Attribution.from_array([[1.0]]))
    with pytest.raises(InputError, match="at least one row"):
        plots.interactions(made([SMALL])[:0])
    with pytest.raises(InputError, match="max_display"):
        plots.interactions(made([SMALL]), max_display=0)
    with pytest.raises(InputError, match="row"):
        plots.interactions(made([SMALL]), row=3)
    with pytest.raises(InputError, match="output"):
        plots.interactions(made([SMALL]), output="nothing")
