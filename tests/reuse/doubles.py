"""Stand-ins that offer what reusers use of a learnware, a hit and a search result, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from learnware.reuse import JobSelectorReuser
from learnware.specification import RKME


class FakeLearnware:
    """A fitted model with a task and, if rows are given, a specification of them."""

    def __init__(self, model: Any, X: Any = None, *, name: str = "fake", n_points: int = 60) -> None:
        self.model = model
        self.task = "Classification" if hasattr(model, "classes_") else "Regression"
        statistical = None
        if X is not None:
            # Rows themselves as points: a worse embedding than a fitted one, and independent of its maker.
            points = np.asarray(X, dtype=float)[:n_points]
            statistical = RKME(points, np.full(len(points), 1.0 / len(points)))
        semantic = SimpleNamespace(name=name, task=self.task)
        self.specification = SimpleNamespace(semantic=semantic, statistical=statistical)
        self.n_calls = 0
        if self.task == "Classification":
            self.classes_ = model.classes_
            self.predict_proba = self._predict_proba

    def __deepcopy__(self, memo: dict[int, Any]) -> FakeLearnware:
        return self

    def predict(self, X: Any) -> Any:
        self.n_calls += 1
        return self.model.predict(X)

    def _predict_proba(self, X: Any) -> Any:
        self.n_calls += 1
        return self.model.predict_proba(X)


class Fixed:
    """A model that says the same of every row: a probability for each class, or a value."""

    def __init__(self, answer: Any, classes: Any = None) -> None:
        self.answer = np.asarray(answer, dtype=float)
        if classes is not None:
            self.classes_ = np.asarray(classes)

    def predict(self, X: Any) -> Any:
        if hasattr(self, "classes_"):
            return self.classes_[np.full(len(X), self.answer.argmax())]
        return np.broadcast_to(self.answer, (len(X), *self.answer.shape)).copy()

    def predict_proba(self, X: Any) -> Any:
        return np.broadcast_to(self.answer, (len(X), len(self.answer))).copy()


@dataclass
class FakeHit:
    """A hit that counts how often its learnware is asked for."""

    id: str
    of: Any
    distance: float | None = None
    loss: float | None = None
    n_fetched: int = 0

    @property
    def specification(self) -> Any:
        return self.of.specification

    @property
    def learnware(self) -> Any:
        self.n_fetched += 1
        return self.of

    def __deepcopy__(self, memo: dict[int, Any]) -> FakeHit:
        return self


@dataclass
class FakeMixture:
    hits: tuple[FakeHit, ...]
    weights: Any


@dataclass
class FakeResult:
    hits: tuple[FakeHit, ...]
    mixture: FakeMixture | None = None
    verdict: str = "match"


def fake_result(learnwares: list[Any], *, mixed: dict[int, float] | None = None) -> FakeResult:
    """Return a result with the learnwares as hits at growing distance, and a mixture of some of them."""
    hits = tuple(FakeHit(str(i), learnware, distance=0.1 * (i + 1)) for i, learnware in enumerate(learnwares))
    if mixed is None:
        return FakeResult(hits)
    mixture = FakeMixture(tuple(hits[i] for i in mixed), np.array(list(mixed.values())))
    return FakeResult(hits, mixture)


class AnyWidth:
    """A model for scikit-learn's own checks, which feed tables of all widths: it reads the mean of a row."""

    def __init__(self, slope: float, classes: Any = None) -> None:
        self.slope = slope
        if classes is not None:
            self.classes_ = np.asarray(classes)

    def predict(self, X: Any) -> Any:
        if hasattr(self, "classes_"):
            return self.classes_[self.predict_proba(X).argmax(axis=1)]
        return self.slope * np.nan_to_num(np.asarray(X, dtype=float)).mean(axis=1)

    def predict_proba(self, X: Any) -> Any:
        height = self.slope * np.nan_to_num(np.asarray(X, dtype=float)).mean(axis=1)
        probability = 1.0 / (1.0 + np.exp(-np.clip(height, -30, 30)))
        return np.column_stack([1.0 - probability, probability])


class AnyWidthJobSelector(JobSelectorReuser):
    """A job selector whose points are the means of rows, to match specifications of a single column."""

    def _points(self, X: Any) -> Any:
        return super()._points(np.nan_to_num(np.asarray(X, dtype=float)).mean(axis=1, keepdims=True))


def any_width(task: str, *, specified: bool = True) -> list[FakeLearnware]:
    """Return three learnwares that read tables of any width."""
    line = np.linspace(-3.0, 3.0, 60).reshape(-1, 1) if specified else None
    classes = [0, 1] if task == "Classification" else None
    return [FakeLearnware(AnyWidth(slope, classes), line) for slope in (1.0, 2.0, 3.0)]


def constants(*answers: Any, classes: Any = None) -> list[FakeLearnware]:
    """Return learnwares that always say the same; with classes, one list of them for all or one for each."""
    if classes is None:
        return [FakeLearnware(Fixed(answer)) for answer in answers]
    nested = isinstance(classes[0], list)
    sets = classes if nested else [classes] * len(answers)
    return [
        FakeLearnware(Fixed(a, own), name=f"fake {i}") for i, (a, own) in enumerate(zip(answers, sets, strict=True))
    ]


def domains(n_domains: int, n_features: int = 2, *, gap: float = 6.0, seed: int = 0) -> Any:
    """Return a function that draws rows of one of several Gaussian domains, all as far from the next."""
    generator = np.random.default_rng(seed)
    rotation = np.linalg.qr(generator.normal(size=(n_features, n_features)))[0]
    angles = 2 * np.pi * np.arange(n_domains) / n_domains
    corners = np.zeros((n_domains, n_features))
    if n_features >= n_domains:
        corners[:, :n_domains] = np.eye(n_domains) * gap / np.sqrt(2)
    else:
        corners[:, :2] = np.column_stack([np.cos(angles), np.sin(angles)]) * gap / np.sqrt(2)
    centres = corners @ rotation

    def draw(k: int, n_rows: int) -> Any:
        return centres[k] + generator.normal(size=(n_rows, n_features))

    return draw
