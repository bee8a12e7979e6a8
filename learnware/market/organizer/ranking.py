"""What a question in words found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Ranking:
    """Learnwares that clearly answer a question, by their numbers.

    Attributes
    ----------
    numbers : ndarray of int of shape (n_found,)
        Ascending.
    relevance : ndarray of shape (n_found,)
        Relevance of each in (0, 1].

    Examples
    --------
    >>> ranking = Ranking(np.array([2, 5, 7]), np.array([0.4, 0.9, 0.9]))
    >>> ranking.best_first().tolist()
    [5, 7, 2]
    """

    numbers: npt.NDArray[np.int64]
    relevance: npt.NDArray[np.float64]

    @classmethod
    def empty(cls) -> Ranking:
        """Return the ranking of a question that nothing answers."""
        return cls(np.empty(0, np.int64), np.empty(0))

    def __len__(self) -> int:
        return len(self.numbers)

    def __bool__(self) -> bool:
        return len(self.numbers) > 0

    def best_first(self) -> npt.NDArray[np.int64]:
        """Return the numbers, the most relevant first; of equals the lower number."""
        return self.numbers[np.argsort(-self.relevance, kind="stable")]
