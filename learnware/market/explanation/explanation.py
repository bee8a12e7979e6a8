"""What an explanation holds, and how it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware._once import once
from learnware._optional import import_optional
from learnware._validation import check_int
from learnware.market.explanation.display import as_html, draw
from learnware.market.explanation.features import Feature
from learnware.market.explanation.words import in_words, point_in_words
from learnware.specification import RKME
from learnware.specification.encoders import decode_points

#: A point is called uncovered when less of it is covered.
LEAST_COVERED = 0.5

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Member:
    """One learnware's part in covering the user's data.

    Attributes
    ----------
    name : str
    weight : float
        Its weight in the mixture; 1 for a single hit.
    covered : ndarray of shape (n_points,)
        How much of each of the user's points it covers, beside the others.
    """

    name: str
    weight: float
    covered: Array = field(repr=False)

    def __post_init__(self) -> None:
        self.covered.setflags(write=False)


@dataclass(frozen=True, eq=False)
class Uncovered:
    """One of the user's points that is not covered.

    Attributes
    ----------
    position : int
        Which of the points it is, from 0.
    weight : float
        Share of the user's data that it stands for.
    covered : float
        How much of that is covered, in [0, 1].
    values : mapping of str to value
        The point as a row of the user's table; empty for texts and images, whose points cannot be shown.
    """

    position: int
    weight: float
    covered: float
    values: Mapping[str, Any]

    def __str__(self) -> str:
        return point_in_words(self, list(self.values))


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why learnwares are near to a user's specification, or far from it.

    It is computed from the specifications alone, in the frame of these: the `distance` is that of `RKME.distance`,
    while a market measures all its hits in the frame of their island.

    Attributes
    ----------
    distance : float
        MMD between the user's specification and the learnware's, or the mixture's.
    noise : float
        MMD that sampling alone is expected to make; a distance below that has nothing to explain.
    features : tuple of Feature
        The columns, the largest share of the squared distance first; none for texts and images.
    joint : float
        Part of the squared distance that no single column has, only the way they go together. With the shares of the
        features it sums to one.
    members : tuple of Member
        Which learnware covers what; one, unless a mixture was explained.
    query : RKME
        The user's specification.
    unseen : tuple of str
        Columns of the user's table that the learnware does not take.
    """

    distance: float
    noise: float
    features: tuple[Feature, ...]
    joint: float
    members: tuple[Member, ...]
    query: RKME = field(repr=False)
    unseen: tuple[str, ...] = ()

    @once
    def covered(self) -> Array:
        """How much of each of the user's points is covered, in [0, 1]; see `learnware.market.explanation.coverage`."""
        whole = np.minimum(1.0, np.sum([member.covered for member in self.members], axis=0))
        whole.setflags(write=False)
        return np.asarray(whole)

    @property
    def coverage(self) -> float:
        """Share of the user's data that is covered."""
        return float(self.query.weights @ self.covered)

    def uncovered(self, n: int = 3) -> tuple[Uncovered, ...]:
        """Return the points that are not covered, those that lack most of the user's data first.

        Parameters
        ----------
        n : int, default=3
            At most so many.

        Returns
        -------
        tuple of Uncovered
            Points of which less than half is covered.
        """
        check_int(n, "n", "Explanation.uncovered")
        lacking = self.query.weights * (1.0 - self.covered)
        bare = np.flatnonzero((self.covered < LEAST_COVERED) & (lacking > 0.0))
        places = bare[np.argsort(-lacking[bare], kind="stable")[:n]]
        rows = self._rows(places)
        return tuple(
            Uncovered(int(place), float(self.query.weights[place]), float(self.covered[place]), row)
            for place, row in zip(places, rows, strict=True)
        )

    def _rows(self, places: npt.NDArray[np.intp]) -> list[dict[str, Any]]:
        space = self.query.space
        if not space.decodable or not len(places):
            return [{} for _ in places]
        names = space.names if space.named else [f"x{i}" for i in range(len(space.columns))]
        table = np.asarray(decode_points(self.query.points[places], space), dtype=object)
        return [dict(zip(names, row, strict=True)) for row in table]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as for JSON."""
        return {
            "distance": self.distance,
            "noise": self.noise,
            "coverage": self.coverage,
            "joint": self.joint,
            "features": [dict(vars(feature)) for feature in self.features],
            "members": [
                {"name": m.name, "weight": m.weight, "coverage": float(self.query.weights @ m.covered)}
                for m in self.members
            ],
            "unseen": list(self.unseen),
        }

    def to_frame(self) -> Any:
        """Return the features as a pandas DataFrame; for texts and images the points, with weight and coverage.

        Raises
        ------
        MissingDependency
            pandas is not installed.
        """
        pandas = import_optional("pandas", extra=None, purpose="Explanation.to_frame")
        if not self.features:
            return pandas.DataFrame({"weight": self.query.weights, "covered": self.covered})
        return pandas.DataFrame([vars(feature) for feature in self.features])

    def plot(self, ax: Any = None) -> Any:
        """Draw the share of each feature; for texts and images what each member covers.

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

    def __str__(self) -> str:
        return in_words(self)

    def __repr__(self) -> str:
        first = f", most in {self.features[0].name!r}" if self.features else ""
        return f"Explanation(coverage={self.coverage:.3g}, distance={self.distance:.3g}{first})"

    def _repr_html_(self) -> str:
        return as_html(self)
