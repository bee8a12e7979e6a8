"""Reuse the classifiers of others on newsgroup posts, with real data.

Fifty owners each know three of five superclasses of 20 Newsgroups, ten users hold posts of two: see newsgroups.py for
the published protocol. Reported are accuracy without labels and errors with a few, averaged over users and seeds;
intervals are over users, paired, after averaging over seeds. A seed draws the owners' posts and the labelled ones.

What decides here is which groups a user has at all: together the owners know 18, a user has 5 to 9. Reusers of
classifiers estimate how often each occurs from the user's posts alone. The constants of that were chosen on market
draws 3 and 4 of this protocol, on digits and on Banking77, not on the draws 0, 1 and 2 reported.

    python examples/news.py --data PATH        # PATH/newsgroups20 holds train.jsonl.gz and test.jsonl.gz
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

import newsgroups
import numpy as np
import reporting
from newsgroups import Posts
from remembered import Remembered
from tqdm.auto import tqdm

from learnware import AveragingReuser, JobSelectorReuser, Learnware, Market, Reuser, SearchResult, Specification
from learnware.market import Hit
from learnware.reuse import ConsensusReuser, EnsembleSelectionReuser, StackingReuser

Errors = dict[str, float]

AGAINST = "average of all"
UNLABELLED = "auto, no labels"

#: Accuracy without labels, and errors by number of labels, as the authors of the protocol report them.
PUBLISHED = {
    "mean in market": 0.507,
    "best single": 0.859,
    "top-1": 0.846,
    "job selector": 0.845,
    "mixture, label vote": 0.862,
}
PUBLISHED_ERRORS = {
    100: {"own model": 0.4261, "ensemble pruning": 0.1454},
    200: {"own model": 0.3165, "ensemble pruning": 0.1420},
    500: {"own model": 0.2194, "ensemble pruning": 0.1392},
    1000: {"own model": 0.1688, "ensemble pruning": 0.1389},
    2000: {"own model": 0.1398, "ensemble pruning": 0.1388},
    4000: {"own model": 0.1200, "ensemble pruning": 0.1380},
}


@dataclass
class User:
    """The test posts of two superclasses, training posts of the same to be labelled, and what the market answers."""

    posts: Posts
    further: Posts
    result: SearchResult

    @cached_property
    def nearest(self) -> list[Hit]:
        """All learnwares found, the nearest first."""
        return sorted(self.result.hits, key=lambda hit: hit.distance)

    @cached_property
    def answers(self) -> np.ndarray:
        """Probabilities by the nearest learnwares: shape (n_learnwares, n_posts, n_groups)."""
        members = [hit.learnware for hit in self.nearest]
        self.groups = np.unique(np.concatenate([member.classes_ for member in members]))
        found = np.zeros((len(members), len(self.posts.texts), len(self.groups)))
        for answer, member in zip(found, members, strict=True):
            answer[:, np.searchsorted(self.groups, member.classes_)] = member.predict_proba(self.posts.texts)
        return found

    @cached_property
    def reused(self) -> dict[str, np.ndarray]:
        """Predictions for all posts by every reuser that needs no labels."""
        reusers = {
            "mixture, label vote": AveragingReuser(self.result, method="vote"),
            "mixture average": AveragingReuser(self.result),
            "job selector": JobSelectorReuser(self.result, random_state=0),
            "consensus": ConsensusReuser(self.result, random_state=0),
            "auto": Reuser.auto(self.result, random_state=0),
        }
        texts = self.posts.texts
        return {name: reuser.fit(texts).predict(texts) for name, reuser in reusers.items()}

    def accuracy(self, predicted: np.ndarray) -> float:
        """Return the share of posts predicted right, from groups or from probabilities of all."""
        labels = self.groups[predicted.argmax(axis=1)] if predicted.ndim == 2 else predicted
        return float(np.mean(labels == self.posts.groups))


def accuracies_without_labels(user: User) -> Errors:
    """Return the accuracy of every way to reuse that needs no labels, and of the yardsticks."""
    answers = user.answers
    single = [user.accuracy(answer) for answer in answers]
    # An owner that knows all of the user's groups says something of each of them; one that does not, nothing at all.
    knows = (answers.max(axis=1) > 0)[:, np.isin(user.groups, user.posts.groups)].all(axis=1)
    accuracies = {
        "mean in market": float(np.mean(single)),
        "best single (oracle)": max(single),
        "first hit": single[user.nearest.index(user.result.hits[0])],
        "top-1 by distance": single[0],
        "average of nearest 5": user.accuracy(answers[:5].mean(axis=0)),
        "average of nearest 10": user.accuracy(answers[:10].mean(axis=0)),
        "average of all": user.accuracy(answers.mean(axis=0)),
        "average of those who know all groups (oracle)": user.accuracy(answers[knows].mean(axis=0)),
    }
    return accuracies | {name: user.accuracy(predicted) for name, predicted in user.reused.items()}


def errors_with_labels(user: User, few: Posts, seed: int) -> Errors:
    """Return the errors on all of the user's posts of models that saw the labels of a few others."""
    models = {
        "own model": newsgroups.naive_bayes(),
        "ensemble selection": EnsembleSelectionReuser(user.result, random_state=seed),
        "stacking": StackingReuser(user.result, random_state=seed),
        "auto": Reuser.auto(user.result, random_state=seed),
    }
    errors = {UNLABELLED: 1.0 - user.accuracy(user.reused["auto"])}
    for name, model in models.items():
        further = {} if name == "own model" else {"unlabelled": user.posts.texts}
        predicted = model.fit(few.texts, few.groups, **further).predict(user.posts.texts)
        errors[name] = 1.0 - user.accuracy(predicted)
    return errors


def packed(train: Posts, seed: int, folder: Path | None) -> Iterator[Learnware]:
    """Yield the learnwares of a market, those packed before from the folder."""
    found = newsgroups.draws(train, seed)
    for number, (name, rows) in enumerate(tqdm(found, desc=f"packing, seed {seed}")):
        path = folder / f"news-{number:02}-seed-{seed}.zip" if folder else None
        if path and path.exists():
            yield Learnware.load(path, isolation="none", trust="data")
            continue
        learnware = newsgroups.pack(name, train.take(rows), seed)
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            learnware.save(path)
        yield learnware


def asked(learnware: Learnware, places: dict[str, int], path: Path | None) -> Remembered:
    """Ask a learnware about all posts, or read what it said before."""
    if path and path.exists():
        return Remembered(learnware, places, np.load(path))
    answers = learnware.predict_proba(list(places)).astype(np.float32)
    if path:
        np.save(path, answers)
    return Remembered(learnware, places, answers)


def market_of(train: Posts, test: Posts, seed: int, folder: Path | None) -> Market:
    """Open a market of fifty learnwares that hands out learnwares which remember what they said."""
    market = Market.open()
    ids = market.submit(packed(train, seed, folder))
    places = {text: row for row, text in enumerate(dict.fromkeys([*test.texts, *train.texts]))}
    fetch, numbers = market.fetch, {learnware_id: number for number, learnware_id in enumerate(ids)}

    def fetch_remembered(learnware_id: str) -> Remembered:
        # A hit asks for the revision it found, which stands behind the id.
        number = numbers[learnware_id.partition("@")[0]]
        path = folder / f"news-{number:02}-seed-{seed}.npy" if folder else None
        return asked(fetch(learnware_id), places, path)

    market.fetch = cache(fetch_remembered)
    return market


def visits(train: Posts, test: Posts, n_users: int | None, seed: int, folder: Path | None) -> Iterator[User]:
    """Yield the users of a market in the order of the pairs."""
    market = market_of(train, test, seed, folder)
    chosen = np.sort(np.random.default_rng(0).permutation(len(newsgroups.PAIRS))[:n_users])
    for number in tqdm(chosen, desc=f"users, seed {seed}"):
        pair = newsgroups.PAIRS[number]
        posts = test.take(test.of(pair))
        specification = Specification.from_data(posts.texts, data="text", task="classification", random_state=seed)
        order = np.random.default_rng([seed, number]).permutation(train.of(pair))
        yield User(posts, train.take(order), market.search(specification, limit=len(market)))


def run(train: Posts, test: Posts, options: argparse.Namespace) -> dict[str, Any]:
    """Run the protocol; return the numbers user by user, in one list for each seed."""
    unlabelled: list[list[Errors]] = []
    labelled: dict[int, list[list[Errors]]] = {n: [] for n in options.labels}
    verdicts: Counter[str] = Counter()
    for seed in options.seed:
        for runs in [unlabelled, *labelled.values()]:
            runs.append([])
        for user in visits(train, test, options.users, seed, options.cache):
            verdicts[user.result.verdict] += 1
            unlabelled[-1].append(accuracies_without_labels(user))
            for n in options.labels:
                few = user.further.take(np.arange(min(n, len(user.further.texts))))
                labelled[n][-1].append(errors_with_labels(user, few, seed))
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
    parser = reporting.arguments(__doc__, data_help="folder that holds newsgroups20/", labels="100,500,2000")
    options = parser.parse_args(argv)
    train, test = newsgroups.load(options.data / "newsgroups20")
    results = run(train, test, options)
    if options.figure and results["labels"]:
        reporting.draw_errors(options.figure, results, UNLABELLED)
    if options.json:
        print(json.dumps(results, indent=1))
        return
    print(f"\n{reporting.heading(results, options.seed)}\n")
    print(report(results, options.seed[0]))


if __name__ == "__main__":
    main()
