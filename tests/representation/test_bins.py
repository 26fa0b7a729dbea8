"""Where columns are cut."""

import numpy as np
import pytest
from pellucid.errors import InputError
from pellucid.representation.bins import checked_bins, checked_labels, edges_of, given_edges, quantile_edges


def test_quartiles_are_numpys():
    values = np.random.default_rng(0).normal(size=101)
    np.testing.assert_array_equal(edges_of(values, None, None, bins="quartile"), np.percentile(values, [25, 50, 75]))
    assert len(edges_of(values, None, None, bins="decile")) == 9
    assert len(edges_of(values, None, None, bins=7)) == 6
    assert len(edges_of(values, None, None, bins=1)) == 0


def test_weights_count_like_repeated_rows():
    rng = np.random.default_rng(1)
    values, counts = rng.permutation(40).astype(float), rng.integers(1, 5, size=40)
    repeated = np.sort(np.repeat(values, counts))
    expected = [repeated[int(np.ceil(share * len(repeated) - 1e-9)) - 1] for share in (0.25, 0.5, 0.75)]
    assert quantile_edges(values, counts / counts.sum(), count=4).tolist() == expected


def test_ties_give_fewer_bins_and_none_is_empty():
    assert quantile_edges(np.array([0.0] * 9 + [1.0]), None, count=4).tolist() == [0.0]
    assert quantile_edges(np.array([0.0] + [1.0] * 9), None, count=4).tolist() == []
    assert quantile_edges(np.full(5, 3.0), None, count=4).tolist() == []
    assert quantile_edges(np.array([2.0]), np.array([1.0]), count=10).tolist() == []


def test_entropy_bins_cut_where_the_classes_change():
    pytest.importorskip("sklearn")
    values = np.arange(60.0)
    labels = np.where(values < 20, "a", np.where(values < 45, "b", "a"))
    assert edges_of(values, None, labels, bins="entropy").tolist() == [19.5, 44.5]
    assert edges_of(values, None, np.zeros(60), bins="entropy").tolist() == [29.5]


@pytest.mark.parametrize("bins", ["quartiles", 0, 1001, 2.5, True, ["a"]])
def test_bins_that_are_none_are_refused(bins):
    with pytest.raises(InputError, match="bins must be 'quartile', 'decile', 'entropy'"):
        checked_bins(bins)


@pytest.mark.parametrize("edges", [[2, 1], [1, 1], [np.inf], [np.nan], [[1.0]], "ab", 3.0])
def test_edges_that_are_none_are_refused(edges):
    with pytest.raises(InputError, match=r"bins\['age'\] must be"):
        given_edges(edges, argument="bins['age']")


def test_labels_that_are_no_classes_are_refused():
    with pytest.raises(InputError, match="labels must be given"):
        checked_labels(None, rows=3)
    with pytest.raises(InputError, match=r"labels must have shape \(3,\)"):
        checked_labels([1, 2], rows=3)
    with pytest.raises(InputError, match="got fractions"):
        checked_labels([0.1, 1.0, 2.0], rows=3)
