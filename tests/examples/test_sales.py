from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from learnware import RKME

Load = Callable[[str], ModuleType]

LABEL_FREE = [
    "mean in market",
    "best single (oracle)",
    "top-1 by distance",
    "published rules",
    "average of nearest 5",
    "average of nearest 10",
    "average of all",
    "median of all",
    "mixture average",
    "job selector",
    "consensus",
    "auto",
]


LABELLED = [
    "auto, no labels",
    "own model",
    "ridge on raw features",
    "feature augment",
    "ensemble selection",
    "stacking",
    "auto",
]


def test_lags_are_those_of_the_same_shop_and_department(example: Load, small_sales: Path) -> None:
    sales = example("walmart").load(small_sales / "walmart")
    assert sales.X.shape == (6 * 3 * 143, len(example("walmart").COLUMNS))
    y = sales.y.reshape(6, 3, 143)
    lagged = sales.X.reshape(6, 3, 143, -1)[..., -4:]
    for column, lag in enumerate((4, 5, 52, 53)):
        np.testing.assert_array_equal(lagged[:, :, lag:, column], y[:, :, :-lag])
        assert np.isnan(lagged[:, :, :lag, column]).all()


def test_columns_know_no_sales_of_the_last_four_weeks(example: Load, small_sales: Path) -> None:
    walmart = example("walmart")
    before = walmart.load(small_sales / "walmart")
    path = small_sales / "walmart" / "train.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    changed_on = "2012-06-01"
    rows = [[*row[:3], "1.0" if row[2] >= changed_on else row[3], row[4]] for row in rows]
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    after = walmart.load(small_sales / "walmart")
    soon = np.array([row[2] < "2012-06-29" for row in rows])
    assert not np.array_equal(before.y[soon], after.y[soon])
    np.testing.assert_array_equal(before.X[soon], after.X[soon])
    assert not np.array_equal(before.X[~soon], after.X[~soon], equal_nan=True)


@pytest.fixture
def quick_sales(example: Load, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the workflow with small models."""
    sales = example("sales")
    boosting = sales.boosting
    monkeypatch.setattr(sales, "boosting", lambda seed: boosting(seed).set_params(max_iter=10))
    return sales


def test_own_learnware_is_in_the_market_or_left_out(
    example: Load, quick_sales: ModuleType, small_sales: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: dict[float, list[set[str]]] = {}

    def spy(user: object) -> dict[str, float]:
        names = {hit.name for hit in user.result.hits}  # type: ignore[attr-defined]
        found.setdefault(float(user.y.sum()), []).append(names)  # type: ignore[attr-defined]
        return {"average of all": 0.0, "auto": 0.0}

    monkeypatch.setattr(quick_sales, "errors_without_labels", spy)
    quick_sales.main(["--data", str(small_sales), "--dataset", "walmart", "--labels", "", "--seed", "0"])
    rows = example("walmart").load(small_sales / "walmart")
    everyone = {f"Sales of shop {shop}" for shop in range(1, 7)}
    for shop in range(1, 7):
        among, without = found[float(rows.rows(shop, late=True)[1].sum())]
        assert among == everyone
        assert without == everyone - {f"Sales of shop {shop}"}


def test_tables_figure_and_kept_learnwares(
    quick_sales: ModuleType, small_sales: Path, small_stores: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept, figure = small_sales / "kept", small_sales / "curves.png"
    arguments = ["--data", str(small_sales), "--users", "1", "--stores", "3", "--seed", "0", "--cache", str(kept)]
    quick_sales.main([*arguments, "--labels", "20,5000", "--figure", str(figure)])
    first = capsys.readouterr().out
    for market in ("own shop's model in the market", "own shop's model left out"):
        assert first.count(f"| no labels, {market} | RMSE |") == 2
    assert first.count("| 20 labels, own shop's model left out, 1 users | RMSE |") == 2
    assert "5000 labels" not in first
    rows = first[first.index("| 20 labels") :].partition("\n\n")[0].splitlines()[2:]
    assert [row.split(" | ")[0].strip("| ") for row in rows] == LABELLED
    assert "average of the mixture (published) | 0.5420 |" in first
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert len(list(kept.glob("walmart-*.zip"))) == 6
    assert len(list(kept.glob("rossmann-*.zip"))) == 3
    quick_sales.main([*arguments, "--dataset", "walmart", "--labels", ""])
    again = capsys.readouterr().out
    assert again.strip() == first[: first.index("| 20 labels")].strip()


def test_labels_leave_rows_to_be_tested_on(example: Load) -> None:
    assert example("sales").labels_that_fit([20, 200, 300], [300, 330, 90]) == [20, 200]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "low", "high"), [("walmart", 0.3, 1.0), ("rossmann", 0.05, 0.6)])
def test_real_data(
    example: Load, data_path: Path, capsys: pytest.CaptureFixture[str], name: str, low: float, high: float
) -> None:
    if not (data_path / name / "train.csv.gz").is_file():
        pytest.skip(f"needs the data set {data_path / name}")
    few = ["--dataset", name, "--shops", "4", "--stores", "4", "--users", "1", "--labels", "", "--seed", "0"]
    example("sales").main(["--data", str(data_path), *few, "--json"])
    for [[rmse]] in json.loads(capsys.readouterr().out)[name]["no labels"].values():
        assert list(rmse) == LABEL_FREE
        assert rmse["best single (oracle)"] <= rmse["mean in market"]
        assert low < rmse["auto"] < min(high, rmse["mean in market"])


def test_published_rules_pick_the_planted_pair(example: Load) -> None:
    rng = np.random.default_rng(0)
    places = 6.0 * (np.arange(8)[:, None] >> np.arange(3) & 1)
    embeddings = [RKME.from_data(rng.normal(loc=p, size=(400, 3)), 30, random_state=0) for p in places]
    halves = np.vstack([rng.normal(loc=places[i], size=(200, 3)) for i in (2, 3)])
    user = RKME.from_data(halves, 60, random_state=0)
    assert set(example("published_rules").choose(embeddings, user)) == {2, 3}
