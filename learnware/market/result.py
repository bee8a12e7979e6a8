"""What a search answers: hits, a weighted mixture of them, and a verdict with its evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from learnware.errors import NoLearnwares
from learnware.market.display import as_frame, as_html, draw, plain, rows_of
from learnware.market.explanation import Explanation, explain_hits

if TYPE_CHECKING:
    from learnware.bundle import Learnware
    from learnware.specification import RKME, SemanticSpecification, Specification

T = TypeVar("T")
Verdict = Literal["match", "weak", "nothing fits"]


@dataclass(frozen=True, eq=False)
class Hit:
    """One learnware found.

    Attributes
    ----------
    id : str
        Its id in the market.
    semantic : SemanticSpecification
        What it is for, in words.
    distance : float or None
        MMD to the user's specification in the island's frame; None for a search by words alone.
    fit : float or None
        Share of the user's mean embedding that this learnware's explains, in [0, 1].
    relevance : float or None
        How well the words match, in (0, 1]; None when no words were searched.
    fetch, describe : callable or None
        Bring the learnware, and its specification, of ``"id"`` or ``"id@digest"``.
    digest : str or None
        sha256 of the revision that was found; `learnware` is that one, whatever has been updated since.
    loss : float or None
        Estimated loss on the user's task: the share of wrong answers, or the squared error over the variance of the
        right ones; plus 0.03 (1 - `fit`). None where that is not known: nobody but the learnware knows the region, it
        says nothing of its answers, others are nearer, or models cannot be asked, as about texts and images (or more
        than 256 classes), and the user gave no labels.
    level : str or None
        What running its model can do: T0 data, T1 data with unsafe memory, T2 code.
    query : RKME or None
        What was searched for; None for a search by words alone. It stays in this process, unless the hit is pickled.
    covers : tuple of str
        Ids of near-duplicates that came later, for which this one stands.
    covered_by : str or None
        For a near-duplicate, which is listed only if asked for: the id of the earlier learnware that stands for it.
    """

    id: str
    semantic: SemanticSpecification
    distance: float | None = None
    fit: float | None = None
    relevance: float | None = None
    fetch: Callable[[str], Learnware] | None = field(default=None, repr=False)
    digest: str | None = None
    loss: float | None = None
    level: str | None = None
    describe: Callable[[str], Specification] | None = field(default=None, repr=False)
    query: RKME | None = field(default=None, repr=False)
    covers: tuple[str, ...] = ()
    covered_by: str | None = None

    @property
    def name(self) -> str:
        """The name that the developer gave."""
        return self.semantic.name

    @property
    def specification(self) -> Specification:
        """What it is for, in words and points; a remote market is asked for it on first use."""
        return self._brought("_specification", self.describe)

    @property
    def learnware(self) -> Learnware:
        """The learnware itself, fetched on first use."""
        return self._brought("_learnware", self.fetch)

    def explain(self) -> Explanation:
        """Tell by which columns it differs from your data, and which part of them it covers.

        The two specifications say it all: a remote market is asked for the learnware's, once, and told nothing.

        Raises
        ------
        IncomparableSpaces
            It was found by words alone, or has no points.
        NoLearnwares
            It is not tied to a market.
        """
        return explain_hits([(self, 1.0)])

    def _brought(self, name: str, bring: Callable[[str], T] | None) -> T:
        if name not in self.__dict__:
            if bring is None:
                raise NoLearnwares(f"The hit {self.id!r} is not tied to a market. Fetch the learnware by its id.")
            self.__dict__[name] = bring(self.id if self.digest is None else f"{self.id}@{self.digest}")
        known: T = self.__dict__[name]
        return known

    def __repr__(self) -> str:
        told = (("loss", self.loss), ("distance", self.distance), ("fit", self.fit))
        numbers = [f"{n}={v:.3g}" for n, v in told if v is not None]
        alike = [f"covers={len(self.covers)}"] if self.covers else []
        alike += [f"covered_by={self.covered_by!r}"] if self.covered_by is not None else []
        return f"Hit({', '.join([repr(self.name), *numbers, *alike, f'id={self.id!r}'])})"

    def __getstate__(self) -> dict[str, Any]:
        # A market cannot travel to another process; its learnware can.
        brought: dict[str, Any] = {} if self.fetch is None else {"_learnware": self.learnware}
        if self.describe is not None:
            brought["_specification"] = self.specification
        return {**self.__dict__, "fetch": None, "describe": None, **brought}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def __copy__(self) -> Hit:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Hit:
        return self


@dataclass(frozen=True, eq=False)
class Mixture:
    """Learnwares whose weighted distributions together come closest to the user's.

    Attributes
    ----------
    hits : tuple of Hit
        Its members, the heaviest first.
    weights : ndarray of shape (n_members,)
        Positive, summing to one.
    distance : float
        MMD between the mixture and the user's specification.
    fit : float
        Share of the user's mean embedding that the mixture explains, in [0, 1].
    """

    hits: tuple[Hit, ...]
    weights: npt.NDArray[np.float64]
    distance: float
    fit: float

    def __post_init__(self) -> None:
        self.weights.setflags(write=False)

    def __len__(self) -> int:
        return len(self.hits)

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    def explain(self) -> Explanation:
        """Tell by which columns it differs from your data, and which member covers which part of them.

        Raises
        ------
        IncomparableSpaces
            A member has no points.
        NoLearnwares
            A member is not tied to a market.
        """
        return explain_hits(list(zip(self.hits, self.weights.tolist(), strict=True)))

    def __repr__(self) -> str:
        parts = [f"{weight:.2f} {hit.name!r}" for hit, weight in zip(self.hits, self.weights, strict=True)]
        return f"Mixture({' + '.join(parts)}, distance={self.distance:.3g}, fit={self.fit:.3g})"

    def __deepcopy__(self, memo: dict[int, Any]) -> Mixture:
        return self


@dataclass(frozen=True)
class Evidence:
    """The numbers behind a verdict.

    Attributes
    ----------
    distance : float
        MMD between the user's specification and the best mixture.
    fit : float
        Share of the user's mean embedding that it explains, freed of sampling noise.
    noise : float
        MMD that sampling alone would exceed in one case of twenty.
    spread : float
        Median MMD between learnwares of the island; NaN when there is just one.
    """

    distance: float
    fit: float
    noise: float
    spread: float


@dataclass(frozen=True, eq=False)
class SearchResult:
    """The answer of a market to a search.

    Attributes
    ----------
    hits : tuple of Hit
        Those of the least estimated loss first; where that is not known, the nearest. For a search by words alone, the
        most relevant first. Where learnwares of different columns were found, those of the better verdict, then of more
        columns, come first: their distances do not compare.
    mixture : Mixture or None
        None when nothing can be compared with the user's specification.
    verdict : {"match", "weak", "nothing fits"}
        The evidence in a word.
    evidence : Evidence or None
        The numbers behind the verdict; None for a search by words alone.
    reason : str or None
        Where there are no hits: why, and what to change.

    Notes
    -----
    A search by words alone has the verdict "match" if something matches them, else "nothing fits".
    """

    hits: tuple[Hit, ...]
    mixture: Mixture | None
    verdict: Verdict
    evidence: Evidence | None = None
    reason: str | None = None

    def __len__(self) -> int:
        return len(self.hits)

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    def __getitem__(self, position: int) -> Hit:
        return self.hits[position]

    def __deepcopy__(self, memo: dict[int, Any]) -> SearchResult:
        return self

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as for JSON."""
        return {
            "verdict": self.verdict,
            "reason": self.reason,
            "evidence": None if self.evidence is None else plain(self.evidence),
            "hits": rows_of(self),
        }

    def to_frame(self) -> Any:
        """Return the hits, and members of the mixture beyond them, as a pandas DataFrame.

        Raises
        ------
        MissingDependency
            pandas is not installed.
        """
        return as_frame(self)

    def plot(self, ax: Any = None) -> Any:
        """Draw the fit of every hit, and the share it has in the mixture.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; default: a new figure.

        Returns
        -------
        matplotlib Axes

        Raises
        ------
        MissingDependency
            matplotlib is not installed.
        """
        return draw(self, ax)

    def __repr__(self) -> str:
        distances = [hit.distance for hit in self.hits if hit.distance is not None]
        nearest = f", nearest at {min(distances):.3g}" if distances else ""
        return f"SearchResult({self.verdict!r}, {len(self.hits)} hits{nearest})"

    def _repr_html_(self) -> str:
        return as_html(self)
