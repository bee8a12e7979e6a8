"""20 Newsgroups as a market of partial experts: who learned from which posts, and which posts are whose.

The published protocol: the groups of five superclasses (comp, rec, sci, talk, misc; 18 groups). Each of the ten triples
of superclasses gives five learnwares, every one trained on half of the triple's training posts, drawn anew: 50 in all,
tf-idf and naive Bayes. Each of the ten pairs of superclasses is a user, whose posts are all test posts of the pair. A
user's labels are of training posts of its pair; the learnwares have seen about half of those.
"""

from __future__ import annotations

import gzip
import itertools
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline, make_pipeline

from learnware import Learnware

KINDS = ("comp", "rec", "sci", "talk", "misc")
N_DRAWS = 5
PAIRS = tuple(itertools.combinations(KINDS, 2))
TRIPLES = tuple(itertools.combinations(KINDS, 3))


@dataclass(frozen=True)
class Posts:
    """Whole posts and their groups, such as "rec.autos"."""

    texts: list[str]
    groups: np.ndarray

    @cached_property
    def kinds(self) -> np.ndarray:
        """The superclass of each post."""
        return np.array([group.partition(".")[0] for group in self.groups])

    def of(self, kinds: tuple[str, ...]) -> np.ndarray:
        """Return the rows of some superclasses."""
        return np.flatnonzero(np.isin(self.kinds, kinds))

    def take(self, rows: np.ndarray) -> Posts:
        """Return some posts."""
        return Posts([self.texts[i] for i in rows], self.groups[rows])


def load(folder: Path) -> tuple[Posts, Posts]:
    """Read training and test posts of the five superclasses from `train.jsonl.gz` and `test.jsonl.gz`."""
    return _read(folder / "train.jsonl.gz"), _read(folder / "test.jsonl.gz")


def _read(path: Path) -> Posts:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        posts = [json.loads(line) for line in file]
    posts = [post for post in posts if post["label"].partition(".")[0] in KINDS]
    return Posts([post["text"] for post in posts], np.array([post["label"] for post in posts]))


def naive_bayes() -> Pipeline:
    """Return the model that every owner trains, and the user too."""
    return make_pipeline(TfidfVectorizer(), MultinomialNB(alpha=0.1))


def draws(train: Posts, seed: int) -> list[tuple[str, np.ndarray]]:
    """Return the name and the training rows of each learnware."""
    rng = np.random.default_rng(seed)
    found = []
    for triple in TRIPLES:
        rows = train.of(triple)
        for draw in range(N_DRAWS):
            found.append((f"{', '.join(triple)}; draw {draw}", np.sort(rng.permutation(rows)[: len(rows) // 2])))
    return found


def pack(name: str, posts: Posts, seed: int) -> Learnware:
    """Train a model on posts and pack it as a learnware."""
    model = naive_bayes().fit(posts.texts, posts.groups)
    return Learnware.from_model(
        model,
        posts.texts,
        posts.groups,
        data="text",
        name=name,
        task="classification",
        scenarios=["Education"],
        random_state=seed,
    )
