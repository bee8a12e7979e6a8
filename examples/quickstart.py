"""From other people's models to predictions on your own rows, in one minute.

25 developers each train a model on a biased part of one of four data sets: some classes only, or rows that lean in
some direction. They submit their models to a market in a folder, not their data. Four users with other biases search
it by a specification built on their side, and reuse what comes back.

    python examples/quickstart.py
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import HuberRegressor, LogisticRegression, RidgeCV
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm.auto import tqdm

from learnware import AveragingReuser, JobSelectorReuser, Learnware, Market, Reuser, Specification

N_LABELS = 20


@dataclass(frozen=True)
class Job:
    """A data set, its developers (how many, with how many rows and classes each), and its user's rows and classes."""

    name: str
    load: Any
    task: str
    n_developers: int
    developer_rows: int
    user_rows: int
    developer_classes: int | None = None
    user_classes: int | None = None


JOBS = [
    Job("digits", load_digits, "classification", 8, 200, 300, developer_classes=5, user_classes=6),
    Job("breast cancer", load_breast_cancer, "classification", 6, 120, 160),
    Job("wine", load_wine, "classification", 5, 40, 60, developer_classes=2),
    Job("diabetes", load_diabetes, "regression", 6, 100, 150),
]


def model_for(task: str, i: int, seed: int) -> Any:
    """Return the model of the i-th developer: they do not all use the same."""
    if task == "classification":
        linear, forest, other = LogisticRegression(max_iter=1000), RandomForestClassifier, GaussianNB()
    else:
        linear, forest, other = RidgeCV(np.logspace(-2, 3)), RandomForestRegressor, HuberRegressor(max_iter=1000)
    models = (linear, forest(30, random_state=seed), other)
    return make_pipeline(StandardScaler(), models[i % 3])


def biased(X: np.ndarray, y: np.ndarray, n_rows: int, n_classes: int | None, rng: np.random.Generator) -> Any:
    """Draw rows that lean in a random direction and, if asked for, hold some classes only."""
    lean = StandardScaler().fit_transform(X) @ rng.normal(size=X.shape[1])
    weights = np.exp(lean / lean.std())
    if n_classes is not None:
        weights[~np.isin(y, rng.choice(np.unique(y), n_classes, replace=False))] = 0.0
    n_rows = min(n_rows, np.count_nonzero(weights) * 3 // 4)
    rows = rng.permutation(rng.choice(len(X), n_rows, replace=False, p=weights / weights.sum()))
    return X[rows], y[rows]


def develop(job: Job, X: np.ndarray, y: np.ndarray, seed: int) -> list[Learnware]:
    """Train and pack the learnwares of one data set; each holds a model and a specification, but no row."""
    rng = np.random.default_rng([seed, 1])
    packed = []
    for i in range(job.n_developers):
        X_own, y_own = biased(X, y, job.developer_rows, job.developer_classes, rng)
        model = model_for(job.task, i, seed).fit(X_own, y_own)
        name = f"{job.name}, developer {i + 1}"
        packed.append(Learnware.from_model(model, X_own, y_own, name=name, task=job.task, random_state=seed))
    return packed


def use(job: Job, market: Market, X: np.ndarray, y: np.ndarray, seed: int) -> dict[str, float]:
    """Play the user: search with a specification, reuse, and score every way on the rows without a label."""
    specification = Specification.from_data(X, task=job.task, random_state=seed)
    result = market.search(specification, limit=len(market))
    X_few, X_rest, y_few, y_rest = X[:N_LABELS], X[N_LABELS:], y[:N_LABELS], y[N_LABELS:]
    single = [AveragingReuser([hit]).fit(X).score(X_rest, y_rest) for hit in result.hits]
    own = model_for(job.task, 0, seed)
    ways = {
        "average": AveragingReuser(result).fit(X),
        "job selector": JobSelectorReuser(result, random_state=seed).fit(X),
        "auto": Reuser.auto(result, random_state=seed).fit(X),
        f"auto, {N_LABELS} labels": Reuser.auto(result, random_state=seed).fit(X_few, y_few, unlabelled=X_rest),
        f"self-trained, {N_LABELS} labels": own.fit(X_few, y_few),
    }
    return {
        "mean in market": float(np.mean(single)),
        "single best": max(single),
        "top-1": single[0],
        **{name: float(model.score(X_rest, y_rest)) for name, model in ways.items()},
        "oracle": float(cross_val_score(own, X, y, cv=5).mean()),
    }


def run(seed: int) -> dict[str, dict[str, float]]:
    """Fill a market, let four users search it, and return the score of every way for each."""
    rng = np.random.default_rng([seed, 0])
    learnwares: list[Learnware] = []
    users = {}
    for job in JOBS:
        X, y = job.load(return_X_y=True)
        X, X_user, y, y_user = train_test_split(X, y, test_size=0.4, random_state=seed)
        learnwares += develop(job, X, y, seed)
        users[job.name] = biased(X_user, y_user, job.user_rows, job.user_classes, rng)
    with TemporaryDirectory() as folder, Market.open(folder) as market:
        market.submit(learnwares, progress=False)
        return {job.name: use(job, market, *users[job.name], seed) for job in JOBS}


def main(argv: list[str] | None = None) -> None:
    """Read the options, run every seed, print the mean scores."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=3, help="average over so many repetitions")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args(argv)
    runs = [run(seed) for seed in tqdm(range(options.seeds), desc="markets")]
    ways = list(runs[0][JOBS[0].name])
    means = {w: {j.name: float(np.mean([r[j.name][w] for r in runs])) for j in JOBS} for w in ways}
    if options.json:
        print(json.dumps(means, indent=1))
        return
    print(f"\n| {'':24} | {' | '.join(f'{job.name:13}' for job in JOBS)} |\n|{'---|' * (len(JOBS) + 1)}")
    for way, scores in means.items():
        print(f"| {way:24} | {' | '.join(f'{scores[job.name]:13.3f}' for job in JOBS)} |")
    print(
        "\nAccuracy; for diabetes the coefficient of determination. Single best: chosen with all labels in hand.\n"
        "Oracle: the self-trained model with labels for all of the user's rows (5-fold cross-validation)."
    )


if __name__ == "__main__":
    main()
