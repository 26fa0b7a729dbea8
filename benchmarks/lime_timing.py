"""Time outside the model and memory of ours and of the lime package, on a table, a text and an image."""

from __future__ import annotations

import functools
import resource
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from time import perf_counter
from typing import Any

import numpy as np
from lime_contenders import VARIANTS, lime_explainer, our_explainer, quietly, subject_of, two_columns
from lime_tasks import LimeTask, binned_task, docstrings, gaussian_task, grid
from pellucid.estimation.mask_design import MaskDesign
from pellucid.estimation.size_law import SizeLaw
from reporting import Stopwatch, Timed, median
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tasks import Array

Record = dict[str, Any]
TABLE_ROWS, TEXT_ROWS, IMAGE_ROWS = 5000, 5000, 1000
BATCH_BYTES = (2**22, 2**24)


def outside(model: Timed, explain: Callable[[int], Any], times: int) -> tuple[list[float], float]:
    """Seconds outside the model of each call after a first one, and the median inside."""
    found, inside = [], []
    for number in range(times + 1):
        with Stopwatch(model) as watch, quietly():
            explain(number)
        found.append(watch.outside)
        inside.append(watch.inside)
    return found[1:], median(inside[1:])


def milliseconds(seconds: float) -> str:
    return f"{1e3 * seconds:.3g}"


def tables(quick: bool, with_ours: bool) -> Record:
    """Breast cancer, 5000 samples, 5 and 10 features, an instance for each call."""
    X, y = load_breast_cancer(return_X_y=True)
    classifier = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[:450], y[:450])
    rest = X[450:]

    def predict(rows: Array) -> Array:
        return np.asarray(classifier.predict_proba(rows)[:, 1])

    rows = []
    for make, title in ((binned_task, "quartile bins"), (gaussian_task, "no bins")):
        task = make(title, "logistic", predict, X[:450], rest[0])
        explain = lime_explainer(task, 0)
        for features in (5, 10):
            model = Timed(two_columns(predict))
            found, inside = outside(
                model,
                lambda number, model=model, explain=explain, features=features: explain(
                    model, row=rest[number], num_features=features, num_samples=TABLE_ROWS
                ),
                1 if quick else 7,
            )
            lime = median(found)
            rows.append(
                [title, features, "lime", milliseconds(lime), milliseconds(min(found)), milliseconds(inside), ""]
            )
            if with_ours:
                model = Timed(predict)
                prepared = our_explainer(task, model, TABLE_ROWS, 0, max_features=features)
                found, inside = outside(
                    model,
                    lambda number, prepared=prepared: prepared(rest[number : number + 1]),
                    3 if quick else 60,
                )
                times = (milliseconds(each) for each in (median(found), min(found), inside))
                rows.append([title, features, "pellucid", *times, f"{lime / median(found):.0f}"])
    return {
        "title": f"**Table**, breast cancer, d = 30, {TABLE_ROWS:,} samples, one row of data for each call.",
        "columns": ["law", "features", "method", "outside, ms", "least, ms", "in the model, ms", "lime / ours"],
        "rows": rows,
    }


def text_of(different: int) -> str:
    texts = docstrings()[0]
    counts = np.array([len(set(text.split())) for text in texts])
    return texts[int(np.argmin(np.abs(counts - different)))]


def letters(texts: Any) -> Array:
    """A model that takes next to no time: how many letters a text has, from 0 to 1."""
    return np.array([min(len(text) / 10_000.0, 1.0) for text in texts])


def texts(quick: bool, with_ours: bool) -> Record:
    """200 different words, 10 features, 5000 samples; ours with and without surrogate columns, and its steps."""
    text = text_of(200)
    p = len(set(text.split()))
    task = LimeTask("text", "letters", "text", letters, text, p)
    explain, model = lime_explainer(task, 0), Timed(two_columns(letters))
    found, inside = outside(model, lambda _: explain(model, num_features=10, num_samples=TEXT_ROWS), 1 if quick else 5)
    lime = median(found)
    rows = [["lime, all outside", milliseconds(lime), milliseconds(min(found)), milliseconds(inside), ""]]
    if with_ours:
        for label, options in VARIANTS.items():
            ours = Timed(letters)
            prepared = our_explainer(task, ours, TEXT_ROWS, 0, max_features=10, **options)
            found, inside = outside(ours, lambda _, prepared=prepared: prepared(subject_of(task)), 2 if quick else 15)
            times = (milliseconds(each) for each in (median(found), min(found), inside))
            rows.append([f"{label}, all outside", *times, f"{lime / median(found):.0f}"])
        parts = text_steps(task, 2 if quick else 15)
        rows += [[f"of it {name}", milliseconds(seconds), "", "", ""] for name, seconds in parts.items()]
        until = parts["masks"] + parts["UTF-8 buffer"]
        rows.append(["until strings are made: masks and buffer", milliseconds(until), "", "", f"{lime / until:.0f}"])
    return {
        "title": f"**Text**, {p} different words, 10 features, {TEXT_ROWS:,} samples, a model that counts letters.",
        "columns": ["method", "outside, ms", "least, ms", "in the model, ms", "lime / ours"],
        "rows": rows,
    }


def text_steps(task: LimeTask, times: int) -> dict[str, float]:
    """Seconds for the masks, for the texts as one buffer, and for Python strings made from it."""
    words, law = subject_of(task), SizeLaw.exponential(task.parts, base="uniform_size")
    found: dict[str, list[float]] = {"masks": [], "UTF-8 buffer": [], "strings": []}
    for _ in range(times):
        marks = [perf_counter()]
        design = MaskDesign(law, seed=0, budget=TEXT_ROWS)
        while design.next(np.zeros((design.rows, 1))) is not None:
            pass
        masks = design.masks
        marks.append(perf_counter())
        block = words.compose(masks, np.zeros(len(masks), dtype=np.int64))
        marks.append(perf_counter())
        block.strings()
        marks.append(perf_counter())
        for into, seconds in zip(found.values(), np.diff(marks), strict=True):
            into.append(float(seconds))
    return {name: median(each) for name, each in found.items()}


def brightness(images: Any) -> Array:
    """A model that takes next to no time: 16 pixels of each image."""
    return np.asarray(np.asarray(images)[:, ::64, ::64, 0].mean(axis=(1, 2)) / 255.0)


@functools.cache
def image_task() -> LimeTask:
    ramp = np.arange(256 * 256 * 3, dtype=np.uint32).reshape(256, 256, 3)
    picture = (ramp * 2654435761 >> 24).astype(np.uint8)
    labels = grid(256, 256, 5, 10)
    return LimeTask("image", "brightness", "image", brightness, picture, 50, labels=labels, fill="mean")


def copy_seconds(times: int) -> float:
    """Median time to copy all images of one explanation, into memory that was touched before."""
    batch = np.zeros((IMAGE_ROWS, *image_task().instance.shape), dtype=np.uint8)
    batch[:] = image_task().instance
    target = batch.copy()
    found = []
    for _ in range(times):
        start = perf_counter()
        np.copyto(target, batch)
        found.append(perf_counter() - start)
    return median(found)


def compose_seconds(times: int) -> float:
    """Median time to make all images of one explanation, batch by batch in the same memory."""
    task, rows = image_task(), BATCH_BYTES[0] // image_task().instance.nbytes
    superpixels, masks = subject_of(task), np.random.default_rng(0).integers(0, 2, (IMAGE_ROWS, 50), dtype=np.uint8)
    batch = np.zeros((rows, *task.instance.shape), dtype=np.uint8)
    found = []
    for _ in range(times):
        start = perf_counter()
        for first in range(0, IMAGE_ROWS, rows):
            part = masks[first : first + rows]
            superpixels.compose(part, np.zeros(len(part), dtype=np.int64), out=batch)
        found.append(perf_counter() - start)
    return median(found)


def images(quick: bool, with_ours: bool) -> Record:
    """256 x 256 x 3 uint8, 50 superpixels, 1000 samples, in units of a memory copy of all 1000 images."""
    task, copy = image_task(), copy_seconds(3 if quick else 15)
    explain, model = lime_explainer(task, 0), Timed(two_columns(brightness))
    samples = 100 if quick else IMAGE_ROWS
    found, inside = outside(
        model, lambda _: explain(model, num_samples=samples, num_features=50, labels=(1,), top_labels=None), 1
    )
    lime = median(found) * IMAGE_ROWS / samples
    rows = [["memory copy", milliseconds(copy), "1", "", "", ""]]
    peaks = dict.fromkeys(["lime", *BATCH_BYTES], "")
    if not quick:
        peaks["lime"] = f"{peak_megabytes('lime', 0):.0f}"
    rows.append(["lime", milliseconds(lime), f"{lime / copy:.3g}", milliseconds(inside), "", peaks["lime"]])
    if with_ours:
        for label, options in VARIANTS.items():
            for batch_bytes in BATCH_BYTES:
                ours = Timed(brightness)
                prepared = our_explainer(task, ours, IMAGE_ROWS, 0, batch_bytes=batch_bytes, **options)
                found, inside = outside(
                    ours, lambda _, prepared=prepared: prepared(subject_of(task)), 2 if quick else 9
                )
                name, whole = f"{label}, batch_bytes {batch_bytes / 2**20:.0f} MiB", median(found)
                numbers = (milliseconds(whole), f"{whole / copy:.3g}", milliseconds(inside), f"{lime / whole:.0f}")
                peak = "" if options else f"{peak_megabytes('ours', batch_bytes):.1f}"
                rows.append([name, *numbers, peak])
        alone = compose_seconds(3 if quick else 15)
        rows.append(["of it the images", milliseconds(alone), f"{alone / copy:.3g}", "", f"{lime / alone:.0f}", ""])
    return {
        "title": f"**Image**, 256 x 256 x 3 uint8, 50 superpixels, {IMAGE_ROWS:,} samples, a model that reads 16 "
        "pixels. Peak memory is what the largest resident size of a new process grows by in its second explanation, "
        "the first being of 60 samples.",
        "columns": ["method", "outside, ms", "of a copy", "in the model, ms", "lime / ours", "peak, MiB"],
        "rows": rows,
    }


def peak_megabytes(who: str, batch_bytes: int) -> float:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_growth, who, batch_bytes).result()


def _growth(who: str, batch_bytes: int) -> float:
    task = image_task()

    def explain(samples: int) -> None:
        if who == "lime":
            with quietly():
                lime_explainer(task, 0)(
                    two_columns(brightness), num_samples=samples, num_features=50, labels=(1,), top_labels=None
                )
        else:
            our_explainer(task, brightness, samples, 0, batch_bytes=batch_bytes)(subject_of(task))

    unit = 1 if sys.platform == "darwin" else 1024
    explain(60)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    explain(IMAGE_ROWS)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit / 2**20


TIMINGS: dict[str, Callable[[bool, bool], Record]] = {"table": tables, "words": texts, "superpixels": images}
