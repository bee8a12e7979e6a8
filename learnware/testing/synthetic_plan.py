"""What a synthetic market is drawn by: its parameters, and a stream of random numbers for each purpose."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from learnware._once import once
from learnware.specification import Fields, Space
from learnware.specification.space import unnamed_space

_LEARNWARES_A_DOMAIN = 5
_MOST_DOMAINS = 2000
_DOMAINS_A_COMPONENT = 4


class Purpose(IntEnum):
    """What random numbers are for; each purpose has streams of its own, so none of them moves another."""

    CENTRES = 0
    SCALES = 1
    CONCEPTS = 2
    TASK = 3
    POINTS = 4
    COPY = 5
    PERTURBATION = 6
    SHUFFLE = 7
    ROWS = 8
    WORDS = 9


@dataclass(frozen=True)
class Plan:
    """The parameters of a synthetic market; see `synthetic_market`.

    Parameters
    ----------
    key : tuple of two ints
        Names the streams of random numbers: equal plans draw equal markets.
    """

    n_learnwares: int
    n_features: int
    n_points: int
    n_domains: int | None
    components: int
    task: str
    n_classes: int
    corrupted: float
    shifted: float
    duplicates: float
    n_samples: int
    labels: bool
    separation: float
    key: tuple[int, int]

    def generator(self, purpose: Purpose, number: int = 0) -> np.random.Generator:
        """Return the stream of one purpose and one learnware, from its beginning."""
        # The upper half of the counter tells the streams apart: each has 2^128 numbers, whatever came before.
        counter = np.array([0, 0, number, purpose], dtype=np.uint64)
        return np.random.Generator(np.random.Philox(key=np.array(self.key, dtype=np.uint64), counter=counter))

    def domains_known_at(self, number: int) -> int:
        """Return how many domains there are when learnware `number` comes.

        Where the plan does not say, domains come with the learnwares, so that a market is the beginning of each
        larger one.
        """
        if self.n_domains is not None:
            return self.n_domains
        return max(_DOMAINS_A_COMPONENT * self.components, min(_MOST_DOMAINS, (number + 1) // _LEARNWARES_A_DOMAIN))

    @property
    def unknown_domain(self) -> int:
        """The domain that no learnware of the market has data of."""
        return self.domains_known_at(self.n_learnwares - 1)

    @property
    def classes(self) -> tuple[int, ...] | None:
        """The labels, or None for regression."""
        return tuple(range(self.n_classes)) if self.task == "classification" else None

    @once
    def space(self) -> Space:
        """The space of all points."""
        return unnamed_space(self.n_features)

    @once
    def described(self) -> tuple[Fields, Fields]:
        """What the words of every learnware say of inputs and outputs."""
        return Fields(self.n_features), Fields(1) if self.classes is None else Fields.named(self.classes)
