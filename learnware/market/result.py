"""What a search answers: hits, a weighted mixture of them, and a verdict with its evidence."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from learnware._optional import import_optional
from learnware.errors import NoLearnwares

if TYPE_CHECKING:
    from learnware.bundle import Learnware
    from learnware.specification import SemanticSpecification, Specification

T = TypeVar("T")
Verdict = Literal["match", "weak", "nothing fits"]

_COLOURS = {"match": "#2e7d32", "weak": "#b26a00", "nothing fits": "#b3261e"}
_MEANINGS = {
    "match": "the best mixture cannot be told from your data, or hardly",
    "weak": "the best mixture covers part of your data; compare with a model of your own",
    "nothing fits": "no learnware was made for data like yours; trust its answers only after a check",
}


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
        return f"Hit({', '.join([repr(self.name), *numbers, f'id={self.id!r}'])})"

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

    def _weights(self) -> dict[str, float]:
        if self.mixture is None:
            return {}
        return {h.id: float(w) for h, w in zip(self.mixture.hits, self.mixture.weights, strict=True)}

    def _rows(self) -> list[dict[str, Any]]:
        weights = self._weights()
        shown = {hit.id: hit for hit in [*self.hits, *(self.mixture.hits if self.mixture else ())]}
        return [
            {
                "name": hit.name,
                "loss": hit.loss,
                "distance": hit.distance,
                "fit": hit.fit,
                "weight": weights.get(hit.id, 0.0 if self.mixture else None),
                "relevance": hit.relevance,
                "level": hit.level,
                "id": hit.id,
                "description": hit.semantic.description,
            }
            for hit in shown.values()
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as for JSON."""
        return {
            "verdict": self.verdict,
            "reason": self.reason,
            "evidence": None if self.evidence is None else _plain(self.evidence),
            "hits": self._rows(),
        }

    def to_frame(self) -> Any:
        """Return the hits, and members of the mixture beyond them, as a pandas DataFrame.

        Raises
        ------
        MissingDependency
            pandas is not installed.
        """
        pandas = import_optional("pandas", extra=None, purpose="SearchResult.to_frame")
        columns = ["name", "loss", "distance", "fit", "weight", "relevance", "level", "id", "description"]
        return pandas.DataFrame(self._rows(), columns=columns)

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
        pyplot = import_optional("matplotlib.pyplot", extra="plot", purpose="SearchResult.plot")
        rows = self._rows()[::-1]
        if ax is None:
            _, ax = pyplot.subplots(figsize=(7, 0.9 + 0.35 * max(1, len(rows))), layout="constrained")
        places = np.arange(len(rows))
        score, label = ("fit", "fit") if self.mixture else ("relevance", "relevance")
        ax.barh(places + 0.2, [row[score] or 0.0 for row in rows], height=0.4, color="#4878a8", label=label)
        if self.mixture:
            ax.barh(
                places - 0.2, [row["weight"] for row in rows], height=0.4, color="#e08a3c", label="share in mixture"
            )
        ax.set_yticks(places, [row["name"] or row["id"][:8] for row in rows])
        ax.set_xlim(0, 1)
        ax.set_title(f"Verdict: {self.verdict}")
        if rows:
            ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.08), ncols=2, frameon=False)
        return ax

    def __repr__(self) -> str:
        distances = [hit.distance for hit in self.hits if hit.distance is not None]
        nearest = f", nearest at {min(distances):.3g}" if distances else ""
        return f"SearchResult({self.verdict!r}, {len(self.hits)} hits{nearest})"

    def _repr_html_(self) -> str:
        if self.reason is not None:
            head = f"<b style='color:{_COLOURS[self.verdict]}'>{self.verdict}</b>"
            return f"<div>{head}: {html.escape(self.reason)}</div>"
        cells = "".join(_html_row(row) for row in self._rows())
        head = "".join(
            f"<th style='text-align:left'>{t}</th>" for t in ("", "name", "level", "loss", "distance", "fit", "weight")
        )
        head += "<th style='text-align:left'>relevance</th>" if any(h.relevance for h in self.hits) else ""
        return (
            f"<div><b style='color:{_COLOURS[self.verdict]}'>{self.verdict}</b>: {_MEANINGS[self.verdict]}"
            f"{self._html_evidence()}<table><tr>{head}</tr>{cells}</table></div>"
        )

    def _html_evidence(self) -> str:
        if self.evidence is None:
            return ""
        alone = np.isnan(self.evidence.spread)
        spread = "" if alone else f", and between learnwares {self.evidence.spread:.3g}"
        return (
            f"<br><small>the best mixture explains {self.evidence.fit:.0%}; its distance is "
            f"{self.evidence.distance:.3g}, that of sampling noise {self.evidence.noise:.3g}{spread}</small>"
        )


def _plain(evidence: Evidence) -> dict[str, float | None]:
    return {name: None if np.isnan(value) else value for name, value in evidence.__dict__.items()}


def _html_row(row: dict[str, Any]) -> str:
    title = html.escape(row["description"][:300], quote=True)
    cells = [
        f"<td><code>{html.escape(row['id'][:8])}</code></td>",
        f"<td style='text-align:left' title=\"{title}\">{html.escape(row['name'])}</td>",
        f"<td>{row['level'] or ''}</td>",
        f"<td>{'' if row['loss'] is None else format(row['loss'], '.2g')}</td>",
        f"<td>{'' if row['distance'] is None else format(row['distance'], '.3g')}</td>",
        f"<td>{_bar(row['fit'], '#4878a8')}</td>",
        f"<td>{_bar(row['weight'] or None, '#e08a3c')}</td>",
    ]
    if row["relevance"] is not None:
        cells.append(f"<td>{_bar(row['relevance'], '#6a994e')}</td>")
    return f"<tr>{''.join(cells)}</tr>"


def _bar(share: float | None, colour: str) -> str:
    if share is None:
        return ""
    width = round(60 * share)
    return f"<span style='display:inline-block;height:.7em;width:{width}px;background:{colour}'></span> {share:.0%}"
