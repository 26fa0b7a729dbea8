"""Numbers and names as people read them."""

from __future__ import annotations

import math

import pytest
from pellucid.results.text import clean, column, elide, fit, number, resolved, width, with_errors


@pytest.mark.parametrize(
    ("x", "written"),
    [
        (0.0, "0"),
        (-0.5, "-0.5"),
        (0.123456, "0.1235"),
        (99999.6, "100000"),
        (1e7, "1e+07"),
        (1e-5, "1e-05"),
        (math.inf, "inf"),
        (math.nan, "unknown"),
        (2019.0, "2019"),
        (100.0, "100"),
    ],
)
def test_number(x, written):
    assert number(x) == written


def test_column_has_one_number_of_decimals():
    assert column([12.3456, -0.00001, 3]) == ["+12.35", "+0.00", "+3.00"]
    assert column([0.0, 0.0]) == ["+0.000", "+0.000"]
    assert column([], error=1.0) == []
    assert column([1e-9, 2e-9])[0] == "+1.00e-09"


def test_errors_keep_two_digits():
    assert with_errors([0.5, 0.25], [0.0123, 0.0005]) == ["+0.500 ± 0.012", "+0.250 ± 0.001"]
    assert with_errors([0.5], [1e-9]) == ["+0.50000 ± 1.0e-09"]
    assert with_errors([0.5], [0.0]) == ["+0.5000 ± 0.0000"]
    assert with_errors([1e-9], [1e-10]) == ["+1.00e-09 ± 1.0e-10"]


@pytest.mark.parametrize(
    ("raw", "safe"),
    [
        ("a\tb", "a b"),
        ("\u202eabc", "\\u202eabc"),
        ("\u200d", "\u200d"),
        ("naïve 价格", "naïve 价格"),
        ("\x00", "\\u0000"),
        ("\U000e0001", "\\U000e0001"),
    ],
)
def test_clean(raw, safe):
    assert clean(raw) == safe


def test_elide_keeps_both_ends():
    assert elide("abcdefghij", limit=10) == "abcdefghij"
    short = elide("abcdefghijk", limit=10)
    assert len(short) <= 10
    assert short.startswith("abc")
    assert short.endswith("ijk"[1:])
    assert width(fit("W" * 50, em=10)) <= 10


@pytest.mark.parametrize(
    ("x", "step", "written"),
    [
        (10000.5, 0.01, "10000.5"),
        (0.98765, 0.5, "0.9877"),
        (1e20, 1e-9, "1e+20"),
        (0.0, 0.1, "0"),
        (math.nan, 0.1, "unknown"),
        (3.0, math.nan, "3"),
    ],
)
def test_resolved_shows_what_a_step_changes(x, step, written):
    assert resolved(x, step).replace(".00000000000000", "") == written
