"""Small learnwares and specifications to try things with."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from learnware.bundle import Learnware
from learnware.specification import RKME, SemanticSpecification, Specification


@lru_cache(maxsize=64)
def make_learnware(name: str = "Above or below", center: float = 0.0) -> Learnware:
    """Return a small learnware: a classifier of 200 points around (center, center).

    Parameters
    ----------
    name : str, default="Above or below"
        Its name.
    center : float, default=0.0
        Where its data lies.
    """
    from sklearn.linear_model import LogisticRegression

    X = points_around(center)
    y = np.where(X[:, 0] > X[:, 1], "above", "below")
    return Learnware.from_model(
        LogisticRegression().fit(X, y), X, y, name=name, task="classification", n_points=10, random_state=0
    )


def points_around(center: float) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return 200 points around (center, center)."""
    return np.random.default_rng(0).normal(center, 1.0, (200, 2))


def specification_of(name: str, *, points: bool = True) -> Specification:
    """Return a specification of a name, with three points unless they are not wanted."""
    # A third has no short decimal form, so that a store that rounds is found out.
    rkme = RKME(np.arange(6.0).reshape(3, 2) / 3, np.full(3, 1 / 3), n_samples=30) if points else None
    return Specification(SemanticSpecification(name=name, task="regression", scenarios=("Business",)), rkme)
