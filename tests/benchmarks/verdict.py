"""Is the verdict right? Users inside a market, partly inside, shifted, rescaled, and of other data altogether.

Run ``python -m tests.benchmarks.verdict [--data FOLDER]``. The thresholds were chosen on the tables that come with
scikit-learn; the tables in FOLDER were only looked at afterwards. It prints a Markdown table of fits and verdicts.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_digits, load_wine

from learnware.market.organizer import Index
from learnware.market.searcher import search
from learnware.specification import Specification

#: Name, the column that parts the learnwares, and the columns that are no inputs.
HELD_OUT = {
    "california_housing": ("ocean_proximity", ["median_house_value"]),
    "bike_sharing": ("season", ["cnt", "dteday", "instant", "casual", "registered"]),
    "uci_adult": ("education", ["education-num", "education_num", "income"]),
    "beijing_air": ("station", ["PM2.5", "No", "year"]),
    "covertype_15k": ("Wilderness_Area", ["Cover_Type"]),
}
MOST_ROWS = 4000


def market(groups: dict[Any, pd.DataFrame]) -> Index:
    index = Index()
    for name, X in groups.items():
        index.add(str(name), Specification.from_data(X, random_state=0))
    return index


def capped(X: pd.DataFrame) -> pd.DataFrame:
    return X.sample(min(len(X), MOST_ROWS), random_state=0)


def users(X: pd.DataFrame, group: pd.Series) -> Iterator[tuple[str, Index, pd.DataFrame]]:
    """Yield situations: a name, the market, the user's rows. Half of the rows are developers', half are users'."""
    rng = np.random.default_rng(0)
    theirs = rng.random(len(X)) < 0.5
    counts = group[theirs].value_counts()
    names = sorted(counts.index[counts >= 15], key=str)
    groups = {name: capped(X[theirs & (group == name)]) for name in names}
    whole, mine = market(groups), {name: capped(X[~theirs & (group == name)]) for name in names}
    everyone = capped(X[~theirs & group.isin(names)])
    yield "own group inside", whole, mine[names[0]]
    yield "all groups", whole, everyone
    yield "all groups, 30 rows", whole, everyone.head(30)
    without = market({name: rows for name, rows in groups.items() if name != names[0]})
    yield "half of the rows of a group left out", without, pd.concat([mine[names[0]], mine[names[1]]])
    yield "a group left out", without, mine[names[0]]
    numbers = X.select_dtypes("number").columns
    for share in (0.25, 0.5, 1.0, 2.0):
        moved = everyone.copy()
        moved[numbers] = moved[numbers] + share * X[numbers].std()
        yield f"shifted by {share} deviations", whole, moved
    scaled = everyone.copy()
    scaled[numbers] = scaled[numbers] * 3.0
    yield "numbers in other units (x 3)", whole, scaled
    yield "columns shuffled apart", whole, everyone.apply(lambda c: pd.Series(rng.permutation(c.to_numpy())))
    noise = pd.DataFrame({n: rng.normal(size=300) if n in numbers else everyone[n].iloc[:300].to_numpy() for n in X})
    yield "Gaussian noise", whole, noise


def tables(folder: Path | None) -> Iterator[tuple[str, pd.DataFrame, pd.Series]]:
    for name, load in (("digits", load_digits), ("wine", load_wine), ("breast cancer", load_breast_cancer)):
        X, y = load(return_X_y=True, as_frame=True)
        yield name, X, y
    for name, (group, others) in HELD_OUT.items() if folder else ():
        frame = pd.read_csv(min((folder / name).glob("*.csv.gz")))
        yield f"{name} (held out)", frame.drop(columns=[group, *others], errors="ignore"), frame[group]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    found: dict[str, dict[str, str]] = {}
    for name, X, group in tables(parser.parse_args().data):
        for situation, index, rows in users(X, group):
            result = search(index, Specification.from_data(rows, random_state=0))
            word = {"match": "match", "weak": "weak", "nothing fits": "none"}[result.verdict]
            found.setdefault(situation, {})[name] = f"{result.mixture.fit:.2f} {word}" if result.mixture else word
    print(_markdown(found))


def _markdown(found: dict[str, dict[str, str]]) -> str:
    names = list(next(iter(found.values())))
    lines = ["| user | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    lines += [f"| {situation} | " + " | ".join(row[n] for n in names) + " |" for situation, row in found.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
