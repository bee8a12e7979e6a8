"""Reuse the image classifiers of others, none of which knows all of a user's classes, with real data.

Fifty owners each train a small net on four classes of CIFAR-10, a hundred users hold images of six: see cifar.py for
the published protocol, scaled to fewer images. Reported are accuracy without labels and errors with a few, averaged
over users and seeds; intervals are over users, paired, after averaging over seeds. A seed draws the owners' images,
trains the nets, and draws the users and the labelled images.

A learnware claims the four classes it knows, so reusers join what it says *given* that an image is of these, and
estimate from the user's images alone which classes there are. Methods were chosen on other data sets, and on users
drawn from training images that no owner saw (``--held``) in market 0; users of test images are for reporting.

    python examples/images.py --data PATH --cache FOLDER       # PATH/cifar10_20k holds train.npz and test.npz

Training 150 nets takes an hour or two on one processor core: with ``--cache`` they are trained once.
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

import cifar
import numpy as np
import reporting
from cifar import Images, OwnNet
from remembered import Remembered
from tqdm.auto import tqdm

from learnware import AveragingReuser, JobSelectorReuser, Learnware, Market, Reuser, SearchResult, Specification
from learnware.market import Hit
from learnware.reuse import ConsensusReuser, EnsembleSelectionReuser, StackingReuser

Errors = dict[str, float]

AGAINST = "best single (oracle)"
UNLABELLED = "auto, no labels"

#: Accuracy without labels, and errors by number of labels, as the authors of the protocol report them: with 12,500
#: images a learnware and 3,000 a user.
PUBLISHED = {"mean in market": 0.345, "best single": 0.696, "top-1": 0.594, "job selector": 0.594, "mixture": 0.690}
PUBLISHED_ERRORS = {
    100: {"own model": 0.5009, "ensemble pruning": 0.3377},
    200: {"own model": 0.4402, "ensemble pruning": 0.3353},
    500: {"own model": 0.3885, "ensemble pruning": 0.3338},
    1000: {"own model": 0.3590, "ensemble pruning": 0.3332},
}


@dataclass
class User:
    """Images of six classes, the names of their classes, and what the market answers."""

    X: np.ndarray
    y: np.ndarray
    result: SearchResult

    @cached_property
    def nearest(self) -> list[Hit]:
        """All learnwares found, the nearest first."""
        return sorted(self.result.hits, key=lambda hit: hit.distance)

    @cached_property
    def answers(self) -> np.ndarray:
        """Probabilities by the nearest learnwares: shape (n_learnwares, n_images, n_classes)."""
        members = [hit.learnware for hit in self.nearest]
        self.classes = np.unique(np.concatenate([member.classes_ for member in members]))
        found = np.zeros((len(members), len(self.X), len(self.classes)))
        for answer, member in zip(found, members, strict=True):
            answer[:, np.searchsorted(self.classes, member.classes_)] = member.predict_proba(self.X)
        return found

    @cached_property
    def reused(self) -> dict[str, np.ndarray]:
        """Predictions for all images by every reuser that needs no labels."""
        reusers = {
            "mixture average": AveragingReuser(self.result),
            "job selector": JobSelectorReuser(self.result, random_state=0),
            "consensus": ConsensusReuser(self.result, random_state=0),
            "auto": Reuser.auto(self.result, random_state=0),
        }
        return {name: reuser.fit(self.X).predict(self.X) for name, reuser in reusers.items()}

    def accuracy(self, predicted: np.ndarray) -> float:
        """Return the share of images predicted right, from names or from probabilities of all classes."""
        labels = self.classes[predicted.argmax(axis=1)] if predicted.ndim == 2 else predicted
        return float(np.mean(labels == self.y))


def accuracies_without_labels(user: User) -> Errors:
    """Return the accuracy of every way to reuse that needs no labels, and of the yardsticks."""
    answers = user.answers
    single = [user.accuracy(answer) for answer in answers]
    accuracies = {
        "mean in market": float(np.mean(single)),
        "best single (oracle)": max(single),
        "first hit": single[user.nearest.index(user.result.hits[0])],
        "top-1 by distance": single[0],
        "average of nearest 5": user.accuracy(answers[:5].mean(axis=0)),
        "average of nearest 10": user.accuracy(answers[:10].mean(axis=0)),
        "average of all": user.accuracy(answers.mean(axis=0)),
    }
    return accuracies | {name: user.accuracy(predicted) for name, predicted in user.reused.items()}


def errors_with_labels(user: User, order: np.ndarray, n_labels: int, rest: np.ndarray, seed: int) -> Errors:
    """Return the errors on the rows `rest` of models that saw the first `n_labels` labels in `order`."""
    few, others = order[:n_labels], user.X[order[n_labels:]]
    models = {
        "own model": OwnNet(seed),
        "ensemble selection": EnsembleSelectionReuser(user.result, random_state=seed),
        "stacking": StackingReuser(user.result, random_state=seed),
        "auto": Reuser.auto(user.result, random_state=seed),
    }
    errors = {UNLABELLED: float(np.mean(user.reused["auto"][rest] != user.y[rest]))}
    for name, model in models.items():
        further = {} if name == "own model" else {"unlabelled": others}
        predicted = model.fit(user.X[few], user.y[few], **further).predict(user.X[rest])
        errors[name] = float(np.mean(predicted != user.y[rest]))
    return errors


def packed(images: Images, names: np.ndarray, seed: int, folder: Path | None) -> Iterator[Learnware]:
    """Yield the learnwares of a market, those packed before from the folder."""
    trained = cifar.trained(images, seed, folder)
    for number, (classes, rows, net) in enumerate(tqdm(trained, desc=f"training and packing, seed {seed}")):
        path = folder / f"seed-{seed}" / f"learnware-{number:02}.zip" if folder else None
        if path and path.exists():
            yield Learnware.load(path, isolation="none", trust="data")
            continue
        learnware = cifar.pack(net, images, classes, rows, names, seed)
        if path:
            learnware.save(path)
        yield learnware


def asked(learnware: Learnware, images: Images, path: Path | None) -> np.ndarray:
    """Return what a learnware says of all images, or read what it said before."""
    if path and path.exists():
        return np.load(path)
    answers = learnware.predict_proba(images.X).astype(np.float32)
    if path:
        np.save(path, answers)
    return answers


def market_of(data: cifar.Cifar, held: bool, seed: int, folder: Path | None) -> Market:
    """Open a market of fifty learnwares that hands out learnwares which remember what they said of users' images."""
    images = data.choose if held else data.report
    names, places = np.array(data.names), {image.tobytes(): row for row, image in enumerate(images.X)}
    learnwares = list(packed(data.learn, names, seed, folder))
    market = Market.open()
    ids = market.submit(learnwares)

    def fetch(learnware_id: str) -> Remembered:
        number = ids.index(learnware_id.partition("@")[0])
        kind = "held" if held else "test"
        path = folder / f"seed-{seed}" / f"said-of-{kind}-{number:02}.npy" if folder else None
        answers = asked(learnwares[number], images, path)
        return Remembered(learnwares[number], places, answers, key=np.ndarray.tobytes)

    market.fetch = cache(fetch)
    return market


def visits(data: cifar.Cifar, held: bool, n_users: int, seed: int, folder: Path | None) -> Iterator[User]:
    """Yield the users of a market."""
    market = market_of(data, held, seed, folder)
    images, names = data.choose if held else data.report, np.array(data.names)
    for rows in tqdm(cifar.user_draws(images, n_users, seed), total=n_users, desc=f"users, seed {seed}"):
        specification = Specification.from_data(images.X[rows], data="image", task="classification", random_state=seed)
        result = market.search(specification, limit=len(market))
        yield User(images.X[rows], names[images.y[rows]], result)


def run(data: cifar.Cifar, options: argparse.Namespace) -> dict[str, Any]:
    """Run the protocol; return the numbers user by user, in one list for each seed."""
    unlabelled: list[list[Errors]] = []
    labelled: dict[int, list[list[Errors]]] = {n: [] for n in options.labels}
    verdicts: Counter[str] = Counter()
    for seed in options.seed:
        for runs in [unlabelled, *labelled.values()]:
            runs.append([])
        for number, user in enumerate(visits(data, options.held, options.users or 100, seed, options.cache)):
            verdicts[user.result.verdict] += 1
            unlabelled[-1].append(accuracies_without_labels(user))
            order = np.random.default_rng([seed, number]).permutation(len(user.y))
            rest = order[max(options.labels, default=0) :]
            for n in options.labels if number < options.labelled else []:
                labelled[n][-1].append(errors_with_labels(user, order, n, rest, seed))
    return {"verdicts": dict(verdicts), "no labels": unlabelled, "labels": labelled}


def report(results: dict[str, Any], seed: int) -> str:
    """Return the tables."""
    return reporting.accuracy_tables(
        results,
        against=AGAINST,
        unlabelled=UNLABELLED,
        known=PUBLISHED,
        known_errors=PUBLISHED_ERRORS,
        seed=seed,
    )


def main(argv: list[str] | None = None) -> None:
    """Read the options, run, print."""
    parser = reporting.arguments(__doc__, data_help="folder that holds cifar10_20k/", labels="100,200,500,1000")
    parser.add_argument("--labelled", type=int, default=30, help="so many users get labels (default: %(default)s)")
    parser.add_argument("--held", action="store_true", help="users of held-out training images, to choose methods on")
    options = parser.parse_args(argv)
    results = run(cifar.load(options.data / "cifar10_20k"), options)
    if options.figure and results["labels"]:
        reporting.draw_errors(options.figure, results, UNLABELLED)
    if options.json:
        print(json.dumps(results, indent=1))
        return
    print(f"\n{reporting.heading(results, options.seed)}\n")
    print(report(results, options.seed[0]))


if __name__ == "__main__":
    main()
