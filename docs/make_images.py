"""Draw the pictures of the README again, from real output: python docs/make_images.py"""

from __future__ import annotations

from pathlib import Path

import pellucid
from pellucid import plots
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.model_selection import train_test_split

IMAGES = Path(__file__).parent / "images"
# Few rows, so that the whiskers are long enough to be seen.
BUDGET = 8_000


def main() -> None:
    data = load_breast_cancer(as_frame=True)
    diagnosis = data.target_names[data.target]
    X_train, X_test, y_train, _ = train_test_split(
        data.data, diagnosis, test_size=0.25, random_state=0, stratify=diagnosis
    )
    model = GradientBoostingClassifier(random_state=0).fit(X_train, y_train)
    explain = pellucid.Shapley(model, X_train, outputs="malignant", budget=BUDGET)
    explained = explain(X_test)
    doubtful = int(abs(explained.predictions[:, 0] - 0.5).argmin())
    pictures = {
        "waterfall": plots.waterfall(explained, row=doubtful, max_display=9),
        "beeswarm": plots.beeswarm(explained, max_display=9),
    }
    IMAGES.mkdir(exist_ok=True)
    for name, ax in pictures.items():
        path = IMAGES / f"{name}.png"
        ax.figure.savefig(path, dpi=110, facecolor="white", metadata={"Software": None})
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
