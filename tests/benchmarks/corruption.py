"""How much does a market lose when 30 % of its learnwares were trained on shuffled labels?

Run ``python -m tests.benchmarks.corruption`` from the root of the repository; ``--data PATH`` adds Covertype and
Walmart from ``PATH/covertype_15k`` and ``PATH/walmart``. The constants of the search were chosen on
digits, wine, breast cancer and drawn tables with seeds 0 and 1; reported by default are seeds 2 to 4, and the tables of
``--data`` chose nothing.

Every table is cut into overlapping regions, each with several learnwares; users have rows of one region that no
learnware has seen. Printed are errors (share of wrong answers, or squared error over the variance), means over users,
in the clean market and in the same one with corrupted learnwares: of the first hit, of the nearest one, of the average
of the mixture, and of `Reuser.auto` without labels. Beside them the rank correlation of estimated loss, and of
distance, with the true error, and the errors of the best single learnware and of the average of all.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from tqdm import tqdm

from learnware import Learnware, Market, Reuser, Specification
from learnware.market import SearchResult
from learnware.reuse import AveragingReuser

N_LEARNWARES, SHARE_CORRUPTED, N_REGIONS, N_USERS = 30, 0.3, 5, 10
ROWS = ("first hit", "nearest", "mixture", "auto", "best single", "average of all")

Part = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Table:
    """Rows of the learnwares, of the users, and the model that developers train."""

    name: str
    learnwares: list[Part]
    users: list[Part]
    model: RandomForestClassifier | RandomForestRegressor


def by_class(rng: np.random.Generator) -> Table:
    """Return digits: learnwares know four classes, users have three of them."""
    X, y = load_digits(return_X_y=True)
    order = rng.permutation(len(X))
    theirs, mine = order[:1100], order[1100:]
    groups = [rng.choice(10, 4, replace=False) for _ in range(N_REGIONS)]
    parts = []
    for i in range(N_LEARNWARES):
        known = rng.choice(theirs[np.isin(y[theirs], groups[i % N_REGIONS])], 220, replace=False)
        parts.append((X[known], y[known]))
    users = []
    for i in range(N_USERS):
        held = mine[np.isin(y[mine], rng.choice(groups[i % N_REGIONS], 3, replace=False))]
        users.append((X[held], y[held]))
    return Table("digits", parts, users, RandomForestClassifier(25, random_state=0))


def by_tilt(name: str, X: np.ndarray, y: np.ndarray, n_rows: int, rng: np.random.Generator) -> Table:
    """Return a table whose regions prefer rows towards different sides."""
    framed = (X - X.mean(axis=0)) / np.maximum(X.std(axis=0), 1e-9)
    sides = rng.normal(size=(N_REGIONS, X.shape[1]))
    order = rng.permutation(len(X))
    theirs, mine = np.split(order, [2 * len(X) // 3])

    def draw(rows: np.ndarray, region: int, n: int) -> Part:
        height = framed[rows] @ sides[region]
        share = np.exp(height / height.std())
        chosen = rng.choice(rows, n, replace=False, p=share / share.sum())
        return X[chosen], y[chosen]

    parts = [draw(theirs, i % N_REGIONS, n_rows) for i in range(N_LEARNWARES)]
    users = [draw(mine, i % N_REGIONS, min(len(mine) // 2, 300)) for i in range(N_USERS)]
    return Table(name, parts, users, RandomForestClassifier(25, random_state=0))


def drawn(regression: bool, rng: np.random.Generator) -> Table:
    """Return regions with a rule of their own each; every third user has rows of two."""
    centres, rules = rng.normal(0.0, 2.0, (N_REGIONS, 6)), rng.normal(size=(N_REGIONS, 6))

    def draw(region: int, n: int) -> Part:
        X = rng.normal(centres[region], 1.0, (n, 6))
        height = (X - centres[region]) @ rules[region] + 0.5 * np.sin(X @ rules[0])
        return X, height if regression else (height > 0).astype(int)

    users = []
    for i in range(N_USERS):
        several = [draw(i % N_REGIONS, 250), *([draw((i + 1) % N_REGIONS, 100)] if i % 3 == 0 else [])]
        users.append((np.concatenate([X for X, _ in several]), np.concatenate([y for _, y in several])))
    model = (RandomForestRegressor if regression else RandomForestClassifier)(25, random_state=0)
    name = "drawn, regression" if regression else "drawn, classes"
    return Table(name, [draw(i % N_REGIONS, 250) for i in range(N_LEARNWARES)], users, model)


def walmart(folder: Path, rng: np.random.Generator) -> Table:
    """Return weekly sales by department (scikit-learn trees on calendar and lag); shops are learnwares and users."""
    sales = pd.read_csv(folder / "train.csv.gz", parse_dates=["Date"]).sort_values(["Store", "Dept", "Date"])
    y = np.log1p(sales["Weekly_Sales"].clip(lower=0.0))
    lags = [y.groupby([sales["Store"], sales["Dept"]]).shift(weeks) for weeks in (4, 13, 52)]
    week = sales["Date"].dt.isocalendar().week.astype(float)
    X = pd.concat([sales["Dept"], week, sales["IsHoliday"].astype(float), *lags], axis=1).to_numpy(float)
    known, late = np.isfinite(X).all(axis=1), (sales["Date"] >= "2012-01-01").to_numpy()
    shops = rng.permutation(sales["Store"].unique())[:N_LEARNWARES]

    def rows(shop: int, later: bool, n: int) -> Part:
        chosen = np.flatnonzero(known & (sales["Store"] == shop).to_numpy() & (late == later))
        chosen = rng.choice(chosen, min(n, len(chosen)), replace=False)
        return X[chosen], y.to_numpy()[chosen]

    users = [rows(shop, True, 600) for shop in shops[:N_USERS]]
    return Table(
        "Walmart", [rows(shop, False, 1500) for shop in shops], users, RandomForestRegressor(25, random_state=0)
    )


def tables(seed: int, data: Path | None) -> Iterator[Table]:
    rng = np.random.default_rng(seed)
    yield by_class(rng)
    yield by_tilt("wine", *load_wine(return_X_y=True), 60, rng)
    yield by_tilt("breast cancer", *load_breast_cancer(return_X_y=True), 120, rng)
    yield drawn(False, rng)
    yield drawn(True, rng)
    if data is not None:
        cover = pd.read_csv(data / "covertype_15k" / "covertype.csv.gz").to_numpy(float)
        yield by_tilt("Covertype", cover[:, :10], cover[:, -1].astype(int), 400, rng)
        yield walmart(data / "walmart", rng)


def market_of(table: Table, corrupted: np.ndarray, rng: np.random.Generator) -> tuple[Market, dict[str, Learnware]]:
    """Return a market, and its learnwares by id."""
    market, learnwares = Market.open(), []
    for i, (X, y) in enumerate(table.learnwares):
        target = rng.permutation(y) if corrupted[i] else y
        model = clone(table.model).fit(X, target)
        learnwares.append(Learnware.from_model(model, X, target, name=f"{table.name} {i}", random_state=0))
    return market, dict(zip(market.submit(learnwares, progress=False), learnwares, strict=True))


def error(answers: np.ndarray, y: np.ndarray) -> float:
    if np.issubdtype(y.dtype, np.floating):
        return float(np.mean((answers - y) ** 2) / y.var())
    return float(np.mean(answers != y))


def one_user(market: Market, learnwares: dict[str, Learnware], X: np.ndarray, y: np.ndarray) -> dict[str, float]:
    result: SearchResult = market.search(Specification.from_data(X, random_state=0), limit=len(learnwares))
    true = {i: error(learnware.predict(X), y) for i, learnware in learnwares.items()}
    errors = np.array([true[hit.id] for hit in result.hits])
    distances = np.array([hit.distance for hit in result.hits])
    losses = np.array([np.nan if hit.loss is None else hit.loss for hit in result.hits])
    known = ~np.isnan(losses)
    return {
        "first hit": errors[0],
        "nearest": errors[distances.argmin()],
        "mixture": error(AveragingReuser(result).fit(X).predict(X), y),
        "auto": error(Reuser.auto(result).fit(X).predict(X), y),
        "best single": errors.min(),
        "average of all": error(AveragingReuser(list(learnwares.values())).fit(X).predict(X), y),
        "rank by loss": spearmanr(losses[known], errors[known])[0],
        "rank by distance": spearmanr(distances[known], errors[known])[0],
    }


def measure(table: Table, seed: int) -> list[pd.DataFrame]:
    """Return rows for every user, of the clean and of the corrupted market."""
    rng = np.random.default_rng(seed)
    corrupted = np.zeros(N_LEARNWARES, dtype=bool)
    corrupted[rng.choice(N_LEARNWARES, round(SHARE_CORRUPTED * N_LEARNWARES), replace=False)] = True
    frames = []
    for which in (np.zeros_like(corrupted), corrupted):
        market, learnwares = market_of(table, which, rng)
        frames.append(pd.DataFrame([one_user(market, learnwares, X, y) for X, y in table.users]))
    return frames


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder that holds covertype_15k/ and walmart/")
    parser.add_argument("--seeds", default="2,3,4")
    parser.add_argument("--tables", default="", help="only those whose names begin so, with commas between")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    found: dict[str, list[list[pd.DataFrame]]] = {}
    for seed in tqdm([int(seed) for seed in options.seeds.split(",")]):
        for table in tables(seed, options.data):
            if table.name.lower().startswith(tuple(options.tables.lower().split(","))):
                found.setdefault(table.name, []).append(measure(table, seed))
    print("| table | " + " | ".join([*ROWS, "rank by loss", "rank by distance"]) + " |")
    print("|---" * (len(ROWS) + 3) + "|")
    for name, runs in found.items():
        clean, corrupted = (pd.concat([run[i] for run in runs]).mean() for i in (0, 1))
        cells = [f"{clean[row]:.3f} -> {corrupted[row]:.3f}" for row in ROWS]
        ranks = [f"{clean[row]:.2f} -> {corrupted[row]:.2f}" for row in ("rank by loss", "rank by distance")]
        print("| " + " | ".join([name, *cells, *ranks]) + " |")


if __name__ == "__main__":
    main()
