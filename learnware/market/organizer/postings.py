"""Where a word of a question stands in the learnwares, and what it is worth there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

#: What a word is worth by where it stands.
NAME_WORTH, TAG_WORTH, DESCRIPTION_WORTH = 0.85, 0.65, 0.6

#: Places of a word; from the last on, the words of descriptions: there once, twice, three times or more.
IN_NAME, IN_TAG, IN_DESCRIPTION = 0, 1, 2
PLACES = 5

_SATURATION, _LENGTH_SHARE = 0.5, 0.75

Ints = npt.NDArray[np.int64]
Places = npt.NDArray[np.int8]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Totals:
    """Counts over all learnwares: how many there are, how many have a description, and words in these."""

    learnwares: int
    described: int
    words: int

    def rarity(self, n_holders: int) -> float:
        r"""Return :math:`\ln(1 + (N - n + 0.5) / (n + 0.5))` of a word that n learnwares hold."""
        return math.log(1.0 + (self.learnwares - n_holders + 0.5) / (n_holders + 0.5))

    def relative(self, lengths: Ints) -> Floats:
        """Return lengths of descriptions in units of their mean."""
        return lengths / max(1.0, self.words / max(1, self.described))


@dataclass(frozen=True)
class Postings:
    """Where the words stand that one word of a question may mean.

    Attributes
    ----------
    numbers : ndarray of int of shape (n_postings,)
        The learnware.
    places : ndarray of int8 of shape (n_postings,)
        The place there: `IN_NAME`, `IN_TAG`, or from `IN_DESCRIPTION` on.
    likeness : ndarray of shape (n_postings,)
        How much the word that stands there is like the one asked for; 1 only for that word itself.
    """

    numbers: Ints
    places: Places
    likeness: Floats

    @classmethod
    def at(cls, place: int, numbers: Ints, likeness: float) -> Postings:
        """Return the postings of one word in one place."""
        return cls(numbers, np.full(len(numbers), place, np.int8), np.full(len(numbers), likeness))

    @classmethod
    def join(cls, parts: Sequence[Postings]) -> Postings:
        """Return the postings of several words as one."""
        if not parts:
            return cls(np.empty(0, np.int64), np.empty(0, np.int8), np.empty(0))
        return cls(
            np.concatenate([part.numbers for part in parts]),
            np.concatenate([part.places for part in parts]),
            np.concatenate([part.likeness for part in parts]),
        )

    def __len__(self) -> int:
        return len(self.numbers)

    def n_holders(self) -> int:
        """Count the learnwares that hold the word itself."""
        return len(distinct(self.numbers[self.likeness == 1.0]))

    def holders(self, first_place: int, last_place: int) -> Ints:
        """Return the learnwares that hold the word itself in one of these places, each once."""
        there = (self.likeness == 1.0) & (self.places >= first_place) & (self.places <= last_place)
        return distinct(self.numbers[there])

    def worth(self, numbers: Ints, lengths: Floats) -> Floats:
        """Return what the best of the words is worth in each learnware, 0 where none stands.

        Parameters
        ----------
        numbers : ndarray of int of shape (n_learnwares,)
            Ascending; all that hold one of the words are among them.
        lengths : ndarray of shape (n_learnwares,)
            Lengths of their descriptions in units of their mean.

        Returns
        -------
        ndarray of shape (n_learnwares,)
            Worth in [0, 0.85].
        """
        positions = np.searchsorted(numbers, self.numbers)
        counts = np.maximum(self.places - IN_DESCRIPTION + 1, 1)
        room = _SATURATION * (1.0 - _LENGTH_SHARE + _LENGTH_SHARE * lengths[positions])
        there = DESCRIPTION_WORTH * counts / (counts + room)
        there[self.places == IN_NAME] = NAME_WORTH
        there[self.places == IN_TAG] = TAG_WORTH
        best = np.zeros(len(numbers))
        np.maximum.at(best, positions, self.likeness * there)
        return best


def distinct(numbers: Ints) -> Ints:
    """Return the different numbers, ascending; quicker than numpy where they come in order, as postings do."""
    ordered = np.sort(numbers, kind="stable")
    return ordered[np.diff(ordered, prepend=ordered[:1] - 1) > 0]


def unpack(joined: str | None) -> Ints:
    """Return the numbers of a text that has commas between them, or None where there are none."""
    return np.fromstring(joined or "", np.int64, sep=",")
