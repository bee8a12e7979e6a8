from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

Load = Callable[[str], ModuleType]


def test_quickstart_prints_every_way_for_every_user(example: Load, capsys: pytest.CaptureFixture[str]) -> None:
    example("quickstart").main(["--seeds", "1", "--json"])
    scores = json.loads(capsys.readouterr().out)
    assert list(scores) == [
        "mean in market",
        "single best",
        "top-1",
        "average",
        "job selector",
        "auto",
        "auto, 20 labels",
        "self-trained, 20 labels",
        "oracle",
    ]
    for of_users in scores.values():
        assert set(of_users) == {"digits", "breast cancer", "wine", "diabetes"}
        assert all(-0.5 < score <= 1.0 for score in of_users.values())
    for user, best in scores["single best"].items():
        assert scores["mean in market"][user] <= best
        assert scores["top-1"][user] <= best
    # What the tutorial claims: together the learnwares know what none of them knows alone.
    assert scores["average"]["digits"] > scores["single best"]["digits"]


def test_market_of_quickstart_holds_at_least_20_learnwares(example: Load) -> None:
    assert sum(job.n_developers for job in example("quickstart").JOBS) >= 20


def test_biased_rows_lean_and_hold_the_classes_asked_for(example: Load) -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(600, 3)), np.arange(600) % 4
    X_own, y_own = example("quickstart").biased(X, y, 150, 2, rng)
    assert X_own.shape == (150, 3)
    assert len(np.unique(y_own)) == 2
    assert len(np.unique(X_own, axis=0)) == 150
    assert np.linalg.norm(X_own.mean(axis=0)) > 0.3


@pytest.mark.filterwarnings("default")
def test_notebook_runs(root: Path, tmp_path: Path) -> None:
    jupytext = pytest.importorskip("jupytext", reason="needs jupytext")
    nbclient = pytest.importorskip("nbclient", reason="needs nbclient")
    pytest.importorskip("ipykernel", reason="needs ipykernel")
    notebook = jupytext.read(root / "examples" / "quickstart_notebook.py")
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    pages = [output["data"]["text/html"] for output in outputs if "text/html" in output.get("data", {})]
    assert len(pages) >= 3, "learnware, market, search result and leaderboard show as rich tables"
    assert any("clinic" in page and "fit" in page for page in pages)
    assert any("image/png" in output.get("data", {}) for output in outputs), "the plot is shown"
    # Where ipywidgets is absent, tqdm says so; that is no fault of the notebook.
    said = [output["text"] for output in outputs if output.get("name") == "stderr"]
    assert all("TqdmWarning" in text for text in said), said
