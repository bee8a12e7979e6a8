"""The task of each learnware of a synthetic market: which domains it has data of, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from learnware.testing.synthetic_plan import Plan, Purpose

Places = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Truth:
    """What is true of one learnware of a synthetic market.

    Parameters
    ----------
    domains : tuple of int
        The domains that its data are a mixture of, the heaviest first.
    weights : tuple of float
        Their shares.
    concept : int
        The rule that labelled its data: 0, the common one, or 1.
    corrupted : bool
        Whether its labels were shuffled.
    copy_of : int or None
        The earlier learnware that it is a near copy of. That one is no copy itself.
    """

    domains: tuple[int, ...]
    weights: tuple[float, ...]
    concept: int
    corrupted: bool
    copy_of: int | None


@dataclass(frozen=True, eq=False)
class Tasks:
    """The truth of several learnwares as arrays, one row each.

    Parameters
    ----------
    numbers, origins : tuple of int
        The learnwares, and those whose data they have: themselves, or what they are copies of.
    domains, weights : ndarray of shape (n, components)
    concepts, corrupted : ndarray of shape (n,)
    """

    numbers: tuple[int, ...]
    origins: tuple[int, ...]
    domains: Places
    weights: npt.NDArray[np.float64]
    concepts: Places
    corrupted: npt.NDArray[np.bool_]

    @classmethod
    def draw(cls, plan: Plan, numbers: Sequence[int]) -> Tasks:
        """Draw the tasks of these learnwares; each depends on its number alone."""
        origins = tuple(_origin(plan, number) for number in numbers)
        n = plan.components
        uniform = np.stack([plan.generator(Purpose.TASK, origin).random(2 + 3 * n) for origin in origins])
        sizes = np.array([plan.domains_known_at(origin) for origin in origins])
        domains = _distinct(uniform[:, 2 : 2 + n], sizes)
        # Sums of two exponentials are the gammas of a Dirichlet distribution that seldom has very small shares.
        heights = -np.log1p(-uniform[:, 2 + n : 2 + 2 * n]) - np.log1p(-uniform[:, 2 + 2 * n :])
        order = np.argsort(-heights, axis=1, kind="stable")
        heights = np.take_along_axis(heights, order, axis=1)
        return cls(
            numbers=tuple(numbers),
            origins=origins,
            domains=np.take_along_axis(domains, order, axis=1),
            weights=heights / heights.sum(axis=1, keepdims=True),
            concepts=(uniform[:, 0] < plan.shifted).astype(np.intp),
            corrupted=uniform[:, 1] < plan.corrupted,
        )

    def truth(self, row: int) -> Truth:
        """Return the truth of one row."""
        return Truth(
            domains=tuple(self.domains[row].tolist()),
            weights=tuple(self.weights[row].tolist()),
            concept=int(self.concepts[row]),
            corrupted=bool(self.corrupted[row]),
            copy_of=None if self.origins[row] == self.numbers[row] else self.origins[row],
        )


def _origin(plan: Plan, number: int) -> int:
    """Return the learnware whose data this one has, through copies of copies."""
    while plan.duplicates > 0 and number > 0:
        is_copy, which = plan.generator(Purpose.COPY, number).random(2)
        if is_copy >= plan.duplicates:
            break
        number = int(which * number)
    return number


def _distinct(uniform: npt.NDArray[np.float64], sizes: Places) -> Places:
    """Turn each row of numbers in [0, 1) into as many different places below its size."""
    chosen = np.empty(uniform.shape, dtype=np.intp)
    for k in range(uniform.shape[1]):
        place = (uniform[:, k] * (sizes - k)).astype(np.intp)
        for taken in np.sort(chosen[:, :k], axis=1).T:
            place += place >= taken
        chosen[:, k] = place
    return chosen
