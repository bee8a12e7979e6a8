"""Reuse the sales forecasts of other shops, with real data.

45 shops each train one gradient boosting model on their weeks before 2012 and submit it. Each shop then plays the
user: its own learnware is taken out of the market, and its sales of 2012 are predicted by those of the other 44,
without labels and with a few. The specification of a user is made from the same rows that are predicted, as in any
reuse of a whole table. Errors are RMSE of log(1 + sales), averaged over users.

2012 differs from the years before for all shops alike: markdowns begin in November 2011, and fuel is dearer. So the
market warns that no learnware's data look like the user's, and the nearest ones are no better than others; what they
predict is still worth reusing, if they are let check each other.

    python examples/sales.py --data PATH        # PATH/walmart holds train, features and stores, as .csv.gz

The data are those of the Kaggle competition "Walmart Recruiting - Store Sales Forecasting".
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import walmart
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm.auto import tqdm

from learnware import (
    RKME,
    AveragingReuser,
    FeatureAugmentReuser,
    JobSelectorReuser,
    Learnware,
    Market,
    Reuser,
    SearchResult,
    Specification,
)
from learnware.kernels import GaussianKernel, minimize_on_simplex
from learnware.reuse import ConsensusReuser

Errors = dict[str, float]


def boosting(seed: int) -> HistGradientBoostingRegressor:
    """Return the model that every shop trains."""
    return HistGradientBoostingRegressor(max_iter=120, learning_rate=0.1, early_stopping=False, random_state=seed)


def pack(sales: walmart.Sales, shop: int, seed: int, folder: Path | None) -> Learnware:
    """Train the model of one shop and pack it as a learnware, or load the one packed before."""
    path = folder / f"shop-{shop:02}-seed-{seed}.zip" if folder else None
    if path and path.exists():
        return Learnware.load(path)
    X, y = sales.rows(shop, late=False)
    learnware = Learnware.from_model(
        boosting(seed).fit(X, y),
        X,
        y,
        name=f"Weekly sales of shop {shop}",
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
    """One shop in 2012: its rows, and what the market without its own learnware answers."""

    X: np.ndarray
    y: np.ndarray
    specification: Specification
    result: SearchResult

    @cached_property
    def answers(self) -> np.ndarray:
        """Predictions of all learnwares found, the nearest first: shape (n_learnwares, n_rows)."""
        return np.stack([hit.learnware.predict(self.X) for hit in self.result.hits])

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
    errors = {
        "mean in market": float(np.mean(single)),
        "best single (oracle)": min(single),
        "top-1 by distance": single[0],
        "published rules": user.error(answers[published_rules(user)].mean(axis=0)),
        "average of nearest 5": user.error(answers[:5].mean(axis=0)),
        "average of nearest 10": user.error(answers[:10].mean(axis=0)),
        "average of all": user.error(answers.mean(axis=0)),
        "median of all": user.error(np.median(answers, axis=0)),
    }
    return errors | {name: user.error(predicted) for name, predicted in user.reused.items()}


def errors_with_labels(user: User, n_labels: int, order: np.ndarray, rest: np.ndarray, seed: int) -> Errors:
    """Return the errors on the rows `rest` of models that saw the first `n_labels` labels in `order`."""
    few = order[:n_labels]
    ridge = make_pipeline(SimpleImputer(), StandardScaler(), RidgeCV(np.logspace(-3, 3, 13)))
    models = {
        "own model alone": boosting(seed),
        "ridge on raw columns alone": ridge,
        "feature augment": FeatureAugmentReuser(user.result),
        "auto": Reuser.auto(user.result, random_state=seed),
    }
    errors = {"auto, no labels": user.error(user.reused["auto"][rest], rest)}
    for name, model in models.items():
        errors[name] = user.error(model.fit(user.X[few], user.y[few]).predict(user.X[rest]), rest)
    return errors


def published_rules(user: User) -> list[int]:
    """Choose as the published package does: positions among the hits.

    A Gaussian kernel with gamma = 0.1 on standardised columns; of the 25 nearest that one is added which brings the
    best mixture nearest to the user, until five are chosen or the squared distance falls by less than 5 %.
    """
    embeddings = [hit.specification.statistical for hit in user.result.hits]
    mean, spread = _moments(embeddings)
    kernel = GaussianKernel((0.1,))
    parts = [((e.points - mean) / spread, e.weights) for e in [*embeddings, user.specification.statistical]]
    gram = np.array([[a @ kernel(P, Q) @ b for Q, b in parts] for P, a in parts])
    products, own = gram[:-1, -1], gram[-1, -1]
    near = np.argsort(gram.diagonal()[:-1] - 2.0 * products)[:25].tolist()
    chosen: list[int] = []
    last = np.inf
    while len(chosen) < min(5, len(near)):
        trials = {i: _squared_distance(gram, products, own, [*chosen, i]) for i in near if i not in chosen}
        best = min(trials, key=lambda i: trials[i])
        if trials[best] > 0.95 * last:
            break
        chosen, last = [*chosen, best], trials[best]
    return chosen


def _moments(embeddings: list[RKME]) -> tuple[np.ndarray, np.ndarray]:
    means = np.array([e.weights @ e.points for e in embeddings])
    squares = np.array([e.weights @ e.points**2 for e in embeddings])
    mean = means.mean(axis=0)
    return mean, np.sqrt(np.maximum(squares.mean(axis=0) - mean**2, 1e-12))


def _squared_distance(gram: np.ndarray, products: np.ndarray, own: float, chosen: list[int]) -> float:
    K, c = gram[np.ix_(chosen, chosen)], products[chosen]
    weights = minimize_on_simplex(K, c)
    return float(weights @ K @ weights - 2.0 * weights @ c + own)


def interval(differences: np.ndarray, seed: int) -> tuple[float, float]:
    """Return the 95 % interval of the mean over users, by bootstrap."""
    rng = np.random.default_rng(seed)
    means = rng.choice(differences, size=(5000, len(differences))).mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def summarise(errors: list[Errors], against: str, seed: int) -> list[dict[str, float | str]]:
    """Return one row for each way: mean error, and its paired difference to the way `against`."""
    base = np.array([e[against] for e in errors])
    rows: list[dict[str, float | str]] = []
    for name in errors[0]:
        values = np.array([e[name] for e in errors])
        low, high = interval(values - base, seed)
        rows.append(
            {
                "way": name,
                "rmse": values.mean(),
                "difference": (values - base).mean(),
                "low": low,
                "high": high,
            }
        )
    return rows


def table(title: str, against: str, rows: list[dict[str, float | str]]) -> str:
    """Return a markdown table."""
    lines = [f"| {title} | RMSE | difference to {against} (95 % interval) |", "|---|---|---|"]
    for row in rows:
        difference = f"{row['difference']:+.4f} ({row['low']:+.4f} .. {row['high']:+.4f})"
        lines.append(f"| {row['way']} | {row['rmse']:.4f} | {'' if row['way'] == against else difference} |")
    return "\n".join(lines)


def search_without(market: Market, learnware_id: str, X: np.ndarray, seed: int) -> tuple[Specification, SearchResult]:
    """Search with the specification of X after taking a learnware out of the market."""
    market.remove(learnware_id)
    specification = Specification.from_data(X, task="regression", random_state=seed)
    return specification, market.search(specification, limit=len(market))


def run(options: argparse.Namespace) -> dict[str, object]:
    """Run the protocol; return the summaries."""
    sales = walmart.load(options.data / "walmart")
    shops = np.unique(sales.shop)[: options.shops].tolist()
    learnwares = {s: pack(sales, s, options.seed, options.cache) for s in tqdm(shops, desc="packing")}
    market = Market.open()
    # A learnware never changes, and every user is offered nearly the same ones.
    market.fetch = cache(market.fetch)
    ids = dict(zip(shops, market.submit(learnwares.values()), strict=True))
    rng = np.random.default_rng(options.seed)
    users = np.sort(rng.permutation(shops)[: options.users]).tolist()
    label_free: list[Errors] = []
    labelled: dict[int, list[Errors]] = {n: [] for n in options.labels}
    verdicts: Counter[str] = Counter()
    for shop in tqdm(users, desc="users"):
        X, y = sales.rows(shop, late=True)
        user = User(X, y, *search_without(market, ids[shop], X, options.seed))
        verdicts[user.result.verdict] += 1
        label_free.append(errors_without_labels(user))
        order = rng.permutation(len(y))
        rest = order[max(options.labels, default=0) :]
        for n in options.labels:
            labelled[n].append(errors_with_labels(user, n, order, rest, options.seed))
        ids[shop] = market.submit(learnwares[shop])
    return {
        "users": users,
        "verdicts": dict(verdicts),
        "no labels": summarise(label_free, "average of all", options.seed),
        "labels": {n: summarise(e, "auto, no labels", options.seed) for n, e in labelled.items()},
        "per user": {"no labels": label_free, "labels": labelled},
    }


def main(argv: list[str] | None = None) -> None:
    """Read the options, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder that holds the folder walmart/")
    parser.add_argument("--users", type=int, help="so many shops, drawn at random, play the user (default: all)")
    parser.add_argument("--shops", type=int, help="only the first so many shops (default: all)")
    parser.add_argument("--labels", type=_counts, default=[100, 500], help="numbers of labels, as 100,500; '' for none")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cache", type=Path, help="folder in which to keep the learnwares between runs")
    parser.add_argument("--json", action="store_true", help="print everything as JSON instead of tables")
    options = parser.parse_args(argv)
    results = run(options)
    if options.json:
        print(json.dumps(results, indent=1))
        return
    verdicts = ", ".join(f"{word} for {count}" for word, count in results["verdicts"].items())
    print(f"\n{len(results['users'])} users, seed {options.seed}; verdicts of the market: {verdicts}.\n")
    print(table("no labels", "average of all", results["no labels"]))
    for n, rows in results["labels"].items():
        print("\n" + table(f"{n} labels", "auto, no labels", rows))


def _counts(text: str) -> list[int]:
    return [int(part) for part in text.split(",") if part]


if __name__ == "__main__":
    main()
