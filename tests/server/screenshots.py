"""Take the pictures of the web page that the documentation shows.

Run ``python -m tests.server.screenshots docs/figures`` from the root of the repository. It starts a dock with a few
learnwares of scikit-learn's data sets, and needs Chromium and a font with Chinese characters.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import sync_playwright
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from learnware import Learnware, Market, Specification
from tests.server.browser import CHROMIUM
from tests.server.running import PASSWORD, RunningDock

WINE = """Predicts the **cultivar** of an Italian wine from its chemistry.

## Training

Thirteen measurements of 178 wines, a random forest of 100 trees.

| measure | value |
|---|---|
| accuracy, 5-fold | 0.98 |
"""


def learnwares() -> list[Learnware]:
    """Return a few learnwares of different kinds."""
    wine, cancer, diabetes = (load(as_frame=True) for load in (load_wine, load_breast_cancer, load_diabetes))
    forest = RandomForestClassifier(100, random_state=0).fit(wine.data, wine.target)
    linear = make_pipeline(StandardScaler(), LogisticRegression()).fit(cancer.data, cancer.target)
    ridge = Ridge().fit(diabetes.data, diabetes.target)
    made = [
        Learnware.from_model(
            forest,
            wine.data,
            wine.target,
            name="Wine cultivars from chemistry",
            description=WINE,
            task="classification",
            scenarios=["Agriculture", "Business"],
            license="MIT",
        ),
        Learnware.from_model(
            linear,
            cancer.data,
            cancer.target,
            name="Breast tumours: benign or malignant",
            description="From thirty measurements of cell nuclei. Not for diagnosis.",
            task="classification",
            scenarios=["Health"],
            license="BSD-3-Clause",
        ),
        Learnware.from_model(
            ridge,
            diabetes.data,
            diabetes.target,
            name="Progress of diabetes in a year",
            description="A linear model of ten measurements at the beginning.",
            task="regression",
            scenarios=["Health"],
            license="CC-BY-4.0",
        ),
    ]
    light = wine.data.alcohol <= 13
    for name, rows in (("Light wines", light), ("Strong wines", ~light)):
        model = RandomForestClassifier(50, random_state=0).fit(wine.data[rows], wine.target[rows])
        made.append(
            Learnware.from_model(
                model,
                wine.data[rows],
                wine.target[rows],
                name=name,
                n_points=20,
                description="Trained on a part of the wines only.",
                task="classification",
                scenarios=["Agriculture"],
                license="MIT",
            )
        )
    X, y = load_digits(return_X_y=True)
    for start in range(0, 10, 2):
        rows = np.isin(y, [start, start + 1])
        model = LogisticRegression(max_iter=300).fit(X[rows] / 16, y[rows])
        made.append(
            Learnware.from_model(
                model,
                X[rows] / 16,
                y[rows],
                name=f"Handwritten {start} and {start + 1}",
                description="8 x 8 pixels, scaled to 0..1.",
                task="classification",
                scenarios=["Computer"],
                license="Apache-2.0",
            )
        )
    return made


def take(folder: Path) -> None:
    """Start a dock, fill it, and take all pictures."""
    with tempfile.TemporaryDirectory() as scratch, RunningDock(Path(scratch) / "market") as running:
        with Market.open(running.url, token=running.token()) as market:
            market.submit(learnwares(), progress=False)
            (wine,) = (i for i in market if market.describe(i).semantic.name.startswith("Wine"))
        rows = load_wine(as_frame=True).data.sample(90, random_state=1)
        spec = Specification.from_data(rows, task="classification", random_state=0).save(Path(scratch) / "spec.json")
        with sync_playwright() as started:
            browser = started.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
            shown = browser.new_page(viewport={"width": 1120, "height": 900})
            _picture(shown, folder / "dock-browse.png", running.url)
            _picture(shown, folder / "dock-learnware.png", f"{running.url}/learnwares/{wine}", height=1500)
            shown.goto(f"{running.url}/search")
            shown.set_input_files("#specification", str(spec))
            shown.click("text=Find learnwares")
            shown.wait_for_url("**/search/*")
            searched = shown.url
            _picture(shown, folder / "dock-search.png", searched, height=1700)
            _log_in(shown, running.url, "ada")
            _picture(shown, folder / "dock-upload.png", f"{running.url}/upload")
            office = browser.new_page(viewport={"width": 1120, "height": 900})
            _log_in(office, running.url, "root")
            _picture(office, folder / "dock-admin.png", f"{running.url}/admin")
            dark = browser.new_page(viewport={"width": 1120, "height": 900}, color_scheme="dark")
            _picture(dark, folder / "dock-dark.png", searched)
            chinese = browser.new_page(viewport={"width": 1120, "height": 900}, locale="zh-CN")
            _picture(chinese, folder / "dock-zh.png", running.url)
            browser.close()


def _log_in(page: Any, url: str, name: str) -> None:
    page.goto(f"{url}/login")
    page.fill("#name", name)
    page.fill("#password", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url(f"{url}/")


def _picture(page: Any, path: Path, address: str, height: int = 900) -> None:
    page.set_viewport_size({"width": 1120, "height": height})
    page.goto(address)
    page.screenshot(path=str(path))


if __name__ == "__main__":
    take(Path(sys.argv[1]))
