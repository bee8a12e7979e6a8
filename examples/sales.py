"""Reuse the sales forecasts of other shops, with real data.

Each shop trains one gradient boosting model on its earlier sales and submits it. Then it plays the user: its later
sales are predicted by what the market offers, with its own learnware among it and without, from no labels and from
a few. The specification of a user is made from the same rows that are predicted, as in any reuse of a whole table.
Errors are RMSE of log(1 + sales), averaged over users; intervals are over users, paired, after averaging over seeds.

Walmart: 45 shops, weekly sales, 2012 against before. Then markdowns begin, and fuel is dearer, for all shops alike,
so no learnware's data look like the user's: the nearest ones are no better than others, and yet worth reusing.
Rossmann: 60 of 1,115 stores, daily sales, from July 2014 on against before.

    python examples/sales.py --data PATH        # PATH holds walmart/ (train, features, stores) and rossmann/

The data are those of two Kaggle competitions, "Walmart Recruiting - Store Sales Forecasting" and "Rossmann Store
Sales", as .csv.gz. The models do not depend on the seed: it changes specifications and which rows are labelled.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import published_rules
import reporting
import rossmann
import walmart
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm.auto import tqdm

from learnware import (
    AveragingReuser,
    FeatureAugmentReuser,
    JobSelectorReuser,
    Learnware,
    Market,
    Reuser,
    SearchResult,
    Specification,
)
from learnware.market import Hit
from learnware.reuse import ConsensusReuser, EnsembleSelectionReuser, StackingReuser

Errors = dict[str, float]

AGAINST = "average of all"
UNLABELLED = "auto, no labels"
OWN, OTHERS = "own shop's model in the market", "own shop's model left out"

#: Walmart with the same rules and split, but LightGBM models and other columns, as a survey of the field measured it.
PUBLISHED = {
    ("walmart", OWN): {"average of the mixture": 0.542, "best single": 0.531},
    ("walmart", OTHERS): {"average of the mixture": 0.559, "best single": 0.540},
    ("walmart", 100): {"own model": 0.772, "ridge on columns and answers": 0.565},
    ("walmart", 500): {"own model": 0.632, "ridge on columns and answers": 0.537},
}


def boosting(seed: int) -> HistGradientBoostingRegressor:
    """Return the model that every shop trains."""
    return HistGradientBoostingRegressor(max_iter=120, learning_rate=0.1, early_stopping=False, random_state=seed)


def pack(sales: walmart.Sales, shop: int, seed: int, path: Path | None) -> Learnware:
    """Train the model of one shop and pack it as a learnware, or load the one packed before."""
    if path and path.exists():
        return Learnware.load(path, isolation="none", trust="data")
    X, y = sales.rows(shop, late=False)
    learnware = Learnware.from_model(
        boosting(seed).fit(X, y),
        X,
        y,
        name=f"Sales of shop {shop}",
        task="regression",
        scenarios=["Business"],
        random_state=seed,
    )
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        learnware.save(path)
    return learnware


@dataclass
class User:
    """One shop later on: its rows, and what the market answers."""

    X: np.ndarray
    y: np.ndarray
    specification: Specification
    result: SearchResult

    @cached_property
    def nearest(self) -> list[Hit]:
        """All learnwares found, the nearest first."""
        return sorted(self.result.hits, key=lambda hit: hit.distance)

    @cached_property
    def answers(self) -> np.ndarray:
        """Predictions of the nearest learnwares: shape (n_learnwares, n_rows)."""
        return np.stack([hit.learnware.predict(self.X) for hit in self.nearest])

    @cached_property
    def reused(self) -> dict[str, np.ndarray]:
        """Predictions for all rows by every reuser that needs no labels."""
        reusers = {
            "mixture average": AveragingReuser(self.result),
            "job selector": JobSelectorReuser(self.result, random_state=0),
            "consensus": ConsensusReuser(self.result, random_state=0),
            "auto": Reuser.auto(self.result, random_state=0),
        }
        return {name: reuser.fit(self.X).predict(self.X) for name, reuser in reusers.items()}

    def error(self, predicted: np.ndarray, rows: np.ndarray | slice = slice(None)) -> float:
        """Return the RMSE on some rows."""
        return float(np.sqrt(np.mean((predicted - self.y[rows]) ** 2)))


def errors_without_labels(user: User) -> Errors:
    """Return the error of every way to reuse that needs no labels, and of the yardsticks."""
    answers = user.answers
    single = [user.error(answer) for answer in answers]
    embeddings = [hit.specification.statistical for hit in user.nearest]
    chosen = published_rules.choose(embeddings, user.specification.statistical)
    errors = {
        "mean in market": float(np.mean(single)),
        "best single (oracle)": min(single),
        "first hit": single[user.nearest.index(user.result.hits[0])],
        "top-1 by distance": single[0],
        "published rules": user.error(answers[chosen].mean(axis=0)),
        "average of nearest 5": user.error(answers[:5].mean(axis=0)),
        "average of nearest 10": user.error(answers[:10].mean(axis=0)),
        "average of all": user.error(answers.mean(axis=0)),
        "median of all": user.error(np.median(answers, axis=0)),
    }
    return errors | {name: user.error(predicted) for name, predicted in user.reused.items()}


def errors_with_labels(user: User, few: np.ndarray, rest: np.ndarray, seed: int) -> Errors:
    """Return the errors on the rows `rest` of models that saw the labels of the rows `few`."""
    ridge = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler(), RidgeCV(np.logspace(-3, 3, 13)))
    models = {
        "own model": boosting(seed),
        "ridge on raw features": ridge,
        "feature augment": FeatureAugmentReuser(user.result),
        "ensemble selection": EnsembleSelectionReuser(user.result, random_state=seed),
        "stacking": StackingReuser(user.result, random_state=seed),
        "auto": Reuser.auto(user.result, random_state=seed),
    }
    errors = {UNLABELLED: user.error(user.reused["auto"][rest], rest)}
    for name, model in models.items():
        further = {"unlabelled": user.X[rest]} if isinstance(model, Reuser) else {}
        predicted = model.fit(user.X[few], user.y[few], **further).predict(user.X[rest])
        errors[name] = user.error(predicted, rest)
    return errors


def labels_that_fit(labels: list[int], n_rows: list[int]) -> list[int]:
    """Return the numbers of labels that leave a typical user a third of the rows to be tested on."""
    return [n for n in labels if n <= 2 * np.median(n_rows) / 3]


def visits(sales: walmart.Sales, users: list[int], seed: int, kept: Path | None) -> Iterator[tuple[int, str, User]]:
    """Open a market of all shops; yield each user twice: its own learnware is in the market, then it is left out."""
    shops = np.unique(sales.shop).tolist()
    paths = {shop: kept.with_name(f"{kept.name}-{shop:04}-seed-{seed}.zip") if kept else None for shop in shops}
    learnwares = {shop: pack(sales, shop, seed, paths[shop]) for shop in tqdm(shops, desc=f"packing, seed {seed}")}
    market = Market.open()
    # A learnware never changes, and every user is offered nearly the same ones.
    market.fetch = cache(market.fetch)
    ids = dict(zip(shops, market.submit(learnwares.values()), strict=True))
    for shop in tqdm(users, desc=f"users, seed {seed}"):
        X, y = sales.rows(shop, late=True)
        specification = Specification.from_data(X, task="regression", random_state=seed)
        yield shop, OWN, User(X, y, specification, market.search(specification, limit=len(market)))
        market.remove(ids[shop])
        yield shop, OTHERS, User(X, y, specification, market.search(specification, limit=len(market)))
        ids[shop] = market.submit(learnwares[shop])


def run(name: str, sales: walmart.Sales, options: argparse.Namespace) -> dict[str, Any]:
    """Run the protocol on one data set; return the errors user by user, in one list for each seed."""
    shops = np.unique(sales.shop)
    users = np.sort(np.random.default_rng(options.seed[0]).permutation(shops)[: options.users]).tolist()
    n_rows = {shop: len(sales.rows(shop, late=True)[1]) for shop in users}
    labels = labels_that_fit(options.labels, list(n_rows.values()))
    needed = max(labels, default=0)
    unlabelled: dict[str, list[list[Errors]]] = {OWN: [], OTHERS: []}
    labelled: dict[int, list[list[Errors]]] = {n: [] for n in labels}
    verdicts: Counter[str] = Counter()
    for seed in options.seed:
        for runs in [*unlabelled.values(), *labelled.values()]:
            runs.append([])
        kept = options.cache / name if options.cache else None
        for shop, offered, user in visits(sales, users, seed, kept):
            unlabelled[offered][-1].append(errors_without_labels(user))
            if offered == OWN:
                continue
            verdicts[user.result.verdict] += 1
            order = np.random.default_rng([seed, shop]).permutation(n_rows[shop])
            # A few shops have too few rows to be tested on; each number of labels is told of the same users.
            for n in labels if n_rows[shop] >= 1.25 * needed else []:
                labelled[n][-1].append(errors_with_labels(user, order[:n], order[needed:], seed))
    return {"users": users, "verdicts": dict(verdicts), "no labels": unlabelled, "labels": labelled}


def report(name: str, results: dict[str, Any], seed: int) -> str:
    """Return the tables of one data set."""
    verdicts = ", ".join(f"{word} {count} times" for word, count in results["verdicts"].items())
    parts = [f"## {name.capitalize()}: {len(results['users'])} users. The market, own model left out, says {verdicts}."]
    for market, runs in results["no labels"].items():
        rows = reporting.summarise(reporting.over_seeds(runs), AGAINST, seed)
        rows += reporting.published(PUBLISHED.get((name, market), {}))
        parts.append(reporting.table(f"no labels, {market}", AGAINST, rows, measure="RMSE"))
    for n, runs in results["labels"].items():
        rows = reporting.summarise(reporting.over_seeds(runs), UNLABELLED, seed)
        rows += reporting.published(PUBLISHED.get((name, n), {}))
        title = f"{n} labels, {OTHERS}, {len(runs[0])} users"
        parts.append(reporting.table(title, UNLABELLED, rows, measure="RMSE"))
    return "\n\n".join(parts)


def panel(results: dict[str, Any]) -> tuple[reporting.Curves, reporting.Levels]:
    """Return the curves over the number of labels and the level without: one mean over users for each seed."""
    means = {n: [reporting.summarise(run, UNLABELLED, 0) for run in runs] for n, runs in results["labels"].items()}
    curves: dict[str, dict[int, list[float]]] = {}
    for n, seeds in means.items():
        for rows in seeds:
            for row in rows:
                curves.setdefault(row["way"], {}).setdefault(n, []).append(row["mean"])
    level = curves.pop(UNLABELLED, {})
    return curves, {UNLABELLED: next(iter(level.values()))} if level else {}


def main(argv: list[str] | None = None) -> None:
    """Read the options, run, print."""
    parser = reporting.arguments(
        __doc__, data_help="folder that holds walmart/ and rossmann/", labels="20,50,100,200,500,1000"
    )
    parser.add_argument("--dataset", choices=["walmart", "rossmann", "both"], default="both")
    parser.add_argument("--shops", type=int, help="only the first so many shops of Walmart (default: all)")
    parser.add_argument("--stores", type=int, default=60, help="so many stores of Rossmann (default: %(default)s)")
    options = parser.parse_args(argv)
    results = {}
    for name in ["walmart", "rossmann"] if options.dataset == "both" else [options.dataset]:
        folder = options.data / name
        sales = walmart.load(folder, options.shops) if name == "walmart" else rossmann.load(folder, options.stores)
        results[name] = run(name, sales, options)
    if options.figure:
        panels = {name.capitalize(): panel(result) for name, result in results.items() if result["labels"]}
        reporting.plot_panels(options.figure, panels, ylabel="RMSE of log(1 + sales)")
    if options.json:
        print(json.dumps(results, indent=1))
        return
    print(f"\nSeeds {', '.join(map(str, options.seed))}.")
    for name, result in results.items():
        print("\n" + report(name, result, options.seed[0]))


if __name__ == "__main__":
    main()
