"""Learnwares that were asked about all samples once, for workflows in which many users ask about the same ones."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any

import numpy as np

from learnware import Learnware


class Remembered:
    """A learnware that answers from what it said before.

    Parameters
    ----------
    learnware : Learnware
    places : mapping from the key of a sample to its row
        Where it stands in `answers`.
    answers : ndarray of shape (n_samples, n_classes)
        What it said.
    key : callable, default=str
        What tells a sample from others.
    """

    def __init__(
        self,
        learnware: Learnware,
        places: Mapping[Hashable, int],
        answers: np.ndarray,
        key: Callable[[Any], Hashable] = str,
    ) -> None:
        self.learnware, self.places, self.answers, self.key = learnware, places, answers, key

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.learnware, name)

    def __deepcopy__(self, memo: dict[int, Any]) -> Remembered:
        return self

    def predict_proba(self, X: Iterable[Any]) -> np.ndarray:
        """Return the probabilities of ``classes_``."""
        return self.answers[[self.places[self.key(sample)] for sample in X]].astype(np.float64)

    def predict(self, X: Iterable[Any]) -> np.ndarray:
        """Return the most probable classes."""
        return np.asarray(self.learnware.classes_)[self.predict_proba(X).argmax(axis=1)]
