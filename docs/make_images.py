"""Draw the pictures of the README again, from real output: python docs/make_images.py"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pellucid
import scipy.optimize
import scipy.signal
import scipy.stats
import xgboost
from matplotlib.figure import Figure
from pellucid import plots
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

IMAGES = Path(__file__).parent / "images"
# Few rows, so that the whiskers are long enough to be seen.
BUDGET = 8_000


def main() -> None:
    X_train, X_test, model = tumours()
    explain = pellucid.Shapley(model, X_train, outputs="malignant", budget=BUDGET)
    explained = explain(X_test)
    doubtful = int(abs(explained.predictions[:, 0] - 0.5).argmin())
    IMAGES.mkdir(exist_ok=True)
    save(plots.waterfall(explained, row=doubtful, max_display=9).figure, "waterfall")
    save(plots.beeswarm(explained, max_display=9).figure, "beeswarm")
    save(three_kinds_of_data(), "lime", dpi=100)
    save(trees_from_the_inside(), "trees", dpi=100)


def tumours() -> tuple[Any, Any, Any]:
    """Rows to learn from, rows to explain, and a boosted model."""
    data = load_breast_cancer(as_frame=True)
    diagnosis = data.target_names[data.target]
    X_train, X_test, y_train, _ = train_test_split(
        data.data, diagnosis, test_size=0.25, random_state=0, stratify=diagnosis
    )
    return X_train, X_test, GradientBoostingClassifier(random_state=0).fit(X_train, y_train)


def three_kinds_of_data() -> Figure:
    """LIME of a row of a table, of a text, and of an image with a mark that its class was learned by."""
    figure = Figure(figsize=(12, 4.2))
    bars, words, picture = (figure.add_axes(place) for place in PANELS)
    wines = load_wine(as_frame=True)
    forest = RandomForestClassifier(random_state=0).fit(wines.data, wines.target_names[wines.target])
    wine = pellucid.lime(forest, wines.data[62:63], background=wines.data, outputs="predicted", budget=BUDGET // 8)
    plots.bar(wine, row=0, max_display=9, ax=bars)
    bars.locator_params(axis="x", nbins=4)
    reader, unseen = topics()
    plots.text(pellucid.lime(reader, pellucid.Words(unseen), outputs="predicted", max_features=10), ax=words)
    classes, eight = marked_eights()
    of_image = pellucid.lime(
        classes, pellucid.Superpixels(eight, n_segments=16, fill=0.0), outputs=["8"], output_names=list("0123456789")
    )
    plots.image(of_image, top=1, ax=picture)
    for ax, title in zip(
        (bars, words, picture),
        ("A table: why this grape?", "A text: is it about signals?", "An image: a mark was planted"),
        strict=True,
    ):
        ax.set_title(title, loc="left", fontsize=10.5)
    return figure


# left, bottom, width, height of the three panels, in parts of the figure
PANELS = ((0.203, 0.14, 0.165, 0.77), (0.513, 0.05, 0.232, 0.86), (0.768, 0.275, 0.222, 0.635))


def trees_from_the_inside() -> Figure:
    """One row of an XGBoost model by the cover of its trees, and one feature over all rows with what it does alone."""
    data = load_breast_cancer(as_frame=True)
    learned, kept, malignant, _ = train_test_split(
        data.data, 1 - data.target, test_size=0.25, random_state=0, stratify=data.target
    )
    options = {"n_estimators": 100, "max_depth": 4, "learning_rate": 0.1, "n_jobs": 1, "random_state": 0}
    pairs = pellucid.interactions(
        xgboost.XGBClassifier(**options).fit(learned, malignant), kept, output_names=["log-odds of malignant"]
    )
    figure = Figure(figsize=(12, 4.2))
    bars, points = (figure.add_axes(place) for place in ((0.19, 0.13, 0.235, 0.77), (0.595, 0.13, 0.39, 0.77)))
    doubtful = int(abs(pairs.predictions[:, 0]).argmin())
    plots.waterfall(pairs.shapley, row=doubtful, max_display=9, ax=bars)
    plots.dependence(pairs, "worst concave points", ax=points)
    for ax, title in (
        (bars, "One row: nothing is sampled, so no whiskers"),
        (points, "One feature, coloured by its partner"),
    ):
        ax.set_title(title, loc="left", fontsize=10.5)
    return figure


def topics() -> tuple[Any, str]:
    """A classifier of what functions say about themselves, and one text that it has not seen."""
    texts, modules = [], []
    for module in (scipy.optimize, scipy.signal, scipy.stats):
        for name in module.__all__:
            text = " ".join((inspect.getdoc(getattr(module, name)) or "").split("Parameters\n")[0].split())
            if name == "find_peaks":
                unseen = text
            elif len(text.split()) >= 8:
                texts.append(text)
                modules.append(module.__name__.removeprefix("scipy."))
    reader = make_pipeline(TfidfVectorizer(sublinear_tf=True), LogisticRegression(C=10, class_weight="balanced"))
    return reader.fit(texts, modules), unseen


def marked_eights() -> tuple[Any, Any]:
    """A classifier of digits of which every 8 had two by two white pixels in the corner, and such an 8."""
    digits = load_digits()
    images = digits.images.copy()
    images[digits.target == 8, :2, 6:] = 16.0
    learned, kept, classes, kept_classes = train_test_split(images, digits.target, test_size=0.4, random_state=0)
    model = LogisticRegression(max_iter=1000).fit(learned.reshape(len(learned), -1) / 16.0, classes)
    eight = kept[np.flatnonzero(kept_classes == 8)[0]]
    return lambda block: model.predict_proba(block.reshape(len(block), -1) / 16.0), eight


def save(figure: Figure, name: str, *, dpi: int = 110) -> None:
    path = IMAGES / f"{name}.png"
    figure.savefig(path, dpi=dpi, facecolor="white", metadata={"Software": None})
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
