"""Rows in cohorts: by given labels, or by the values of a part."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.results.checks import described, find
from pellucid.results.text import clean, number

if TYPE_CHECKING:
    from pellucid.results.attribution import Attribution

MISSING = "missing"


def cohorts(
    attribution: Attribution, by: Iterable[Hashable] | str, *, bins: int
) -> tuple[tuple[Hashable, ...], NDArray[np.int64]]:
    """The cohorts, and the position (n,) of each row's own among them; see `Attribution.by`."""
    if isinstance(by, str):
        return _of_part(attribution, find("by", by, attribution.parts), bins)
    labels = _checked(by, len(attribution))
    groups = tuple(dict.fromkeys(labels))
    position = {label: i for i, label in enumerate(groups)}
    return groups, np.array([position[label] for label in labels], dtype=np.int64)


def _checked(labels: Iterable[Hashable], n: int) -> list[Hashable]:
    if isinstance(labels, bytes) or not isinstance(labels, Iterable):
        raise InputError(
            f"by must hold one label for each of the {n} rows, or be the name of a part, got {described(labels)}"
        )
    if isinstance(labels, np.ndarray):
        labels = labels.tolist()
    found = [MISSING if isinstance(label, float) and math.isnan(label) else label for label in labels]
    if len(found) != n:
        raise InputError(f"by must hold one label for each of the {n} rows, got {len(found)}")
    for label in found:
        try:
            hash(label)
        except TypeError:
            raise InputError(
                f"labels must be hashable, got {described(label)}; pass one label per row, not a table"
            ) from None
    return found


def _of_part(attribution: Attribution, part: int, bins: int) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    if isinstance(bins, (bool, np.bool_)) or not isinstance(bins, (int, np.integer)) or bins < 1:
        raise InputError(f"bins must be a whole number of at least 1, got {bins!r}")
    codes = None if attribution.data is None else attribution.data[:, part]
    words = None if attribution.display is None else [clean(str(text)) for text in attribution.display[:, part]]
    if codes is None and words is None:
        raise InputError(
            f"by={attribution.parts[part][:80]!r} needs the values of that part, and this attribution holds neither "
            "data nor display; give one label per row"
        )
    if codes is None or not np.isfinite(codes).any():
        groups = sorted(set(words or [MISSING]))
        return tuple(groups), np.array([groups.index(word) for word in words or [MISSING] * len(attribution)])
    known = np.isfinite(codes)
    # Words stand for categories, which no bin may mix; they keep the order of their codes.
    limit = int(bins) if words is None or all(map(_is_number, np.array(words)[known])) else len(codes)
    bin_of = np.full(len(codes), -1, dtype=np.int64)
    bin_of[known] = _quantile_bins(codes[known], limit)
    names = _names(codes, bin_of, words)
    if not known.all():
        bin_of[~known] = len(names)
        names.append(MISSING)
    return tuple(names), bin_of


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _quantile_bins(values: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """Each value alone where there are at most `bins`, else bins of about equal size; equal values stay together."""
    distinct, place = np.unique(values, return_inverse=True)
    if len(distinct) <= bins:
        return place.astype(np.int64)
    edges = np.quantile(values, np.arange(1, bins) / bins, method="inverted_cdf")
    _, place = np.unique(np.searchsorted(edges, values, side="left"), return_inverse=True)
    return place.astype(np.int64)


def _names(codes: NDArray[np.float64], bin_of: NDArray[np.int64], words: list[str] | None) -> list[str]:
    """The smallest and the largest value of each bin; with more digits where four do not tell them apart."""
    texts = [number(float(code)) for code in codes] if words is None else words
    for written in (texts, [number(float(code), digits=15) for code in codes]):
        names = [_range_name(codes, written, bin_of == one) for one in range(bin_of.max() + 1)]
        if len(set(names)) == len(names):
            break
    return names


def _range_name(codes: NDArray[np.float64], texts: list[str], rows: NDArray[np.bool_]) -> str:
    inside = np.flatnonzero(rows)
    low, high = inside[codes[inside].argmin()], inside[codes[inside].argmax()]
    return texts[low] if codes[low] == codes[high] else f"{texts[low]} to {texts[high]}"
