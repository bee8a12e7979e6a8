"""What is known at the points of a specification: what a model answers there, or a user's labels."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware.errors import InvalidSpecification, TooFewRows
from learnware.kernels import squared_distances
from learnware.limits import LIMITS
from learnware.specification.fields import read_points, require_fields

Array = npt.NDArray[np.float64]
Label = str | int | float | bool

_DIGITS = 6
_ROWS_AT_ONCE = 8192


@dataclass(frozen=True, eq=False)
class PointLabels:
    """Outputs at the points of an `RKME`.

    The outputs of a point are the mean over at least `min_rows` rows near it, so they are nobody's own label.

    Parameters
    ----------
    values : array of shape (n_points, n_outputs)
        Probabilities of `classes`, summing to one, or values in raw units.
    classes : tuple of str, int, float or bool, optional
        What the columns stand for; None for values.
    score : float, optional
        How well the model does on rows that it was not fitted on, as its developer says: accuracy, or coefficient
        of determination. At most 1.

    Raises
    ------
    InvalidSpecification
        They are not finite numbers, or no probabilities.

    Examples
    --------
    >>> from learnware.specification import PointLabels
    >>> PointLabels([[0.9, 0.1], [0.2, 0.8]], ("no", "yes"), score=0.87)
    PointLabels(2 points, classes ('no', 'yes'), score=0.87)
    """

    values: Array
    classes: tuple[Label, ...] | None = None
    score: float | None = None

    def __post_init__(self) -> None:
        try:
            values = np.array(self.values, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InvalidSpecification(
                f"The outputs at points must be an array of numbers, one row a point: {error}.", code="spec-labels"
            ) from error
        n_classes = 0 if self.classes is None else len(self.classes)
        if n_classes > LIMITS["columns"] or values.size > LIMITS["point-numbers"]:
            raise InvalidSpecification(
                f"The outputs at points must be at most {LIMITS['point-numbers']:,} numbers, of at most "
                f"{LIMITS['columns']:,} classes. Got {values.size:,} numbers of {n_classes:,} classes. Take fewer "
                "points or join rare classes; if the classes are numbers, say task='regression'.",
                code="spec-too-many",
            )
        if values.ndim != 2 or values.size == 0 or not np.isfinite(values).all():
            raise InvalidSpecification(
                f"The outputs at points must be an array of finite numbers, one row a point. Got shape {values.shape}.",
                code="spec-labels",
            )
        if self.classes is not None:
            object.__setattr__(self, "classes", _as_classes(self.classes))
            _check_probabilities(values, self.classes)
        score = self.score
        number = isinstance(score, numbers.Real) and not isinstance(score, bool)
        if score is not None and (not number or not math.isfinite(score) or score > 1.0):
            raise InvalidSpecification(
                f"The score of a model must be a number of at most 1: accuracy, or coefficient of determination. "
                f"Got {score!r:.60}.",
                code="spec-labels",
            )
        object.__setattr__(self, "score", None if score is None else float(score))
        values.setflags(write=False)
        object.__setattr__(self, "values", values)

    def __repr__(self) -> str:
        told = f", classes {self.classes!r:.200}" if self.classes is not None else f", {self.values.shape[1]} value(s)"
        return (
            f"PointLabels({len(self.values)} points{told}{f', score={self.score}' if self.score is not None else ''})"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the form of the file."""
        classes = None if self.classes is None else list(self.classes)
        return {"values": self.values.tolist(), "classes": classes, "score": self.score}

    @classmethod
    def from_dict(cls, content: Any, n_points: int) -> PointLabels:
        """Read the form of the file; `InvalidSpecification` when it is another."""
        require_fields(content, ("values", "classes", "score"), "The labels of an RKME")
        values, classes, score = read_points(content["values"]), content["classes"], content["score"]
        if len(values) != n_points:
            raise InvalidSpecification(
                f"The labels of an RKME must have one row for each of its {n_points} points. Got {len(values)}.",
                code="spec-labels",
            )
        if classes is not None and (
            not isinstance(classes, list) or not all(type(label) in (str, int, float, bool) for label in classes)
        ):
            raise InvalidSpecification("The classes of labels must be a list of text or numbers.", code="spec-labels")
        if score is not None and type(score) not in (int, float):
            raise InvalidSpecification(f"The score must be a number or null. Got {score!r:.60}.", code="spec-labels")
        return cls(values, None if classes is None else tuple(classes), None if score is None else float(score))


def labels_at(
    points: Array,
    rows: Array,
    outputs: Array,
    *,
    classes: tuple[Label, ...] | None,
    score: float | None,
    min_rows: int,
) -> PointLabels:
    """Return the mean output of the rows around each point.

    Every row counts for its nearest point. A point to which fewer than `min_rows` come takes so many nearest rows.

    Parameters
    ----------
    points, rows : ndarray of shape (n_points, n_features), (n_samples, n_features)
        In one frame.
    outputs : ndarray of shape (n_samples, n_outputs)
        NaN for rows whose output is not known.
    classes, score : optional
        See `PointLabels`.
    min_rows : int
        Rows behind every output.

    Raises
    ------
    TooFewRows
        Fewer rows than `min_rows` have an output.
    """
    known = ~np.isnan(outputs).any(axis=1)
    if known.sum() < min_rows:
        raise TooFewRows(
            f"y must have labels for at least {min_rows} rows, so that no published point tells one. Got "
            f"{int(known.sum())}. Search without y, or label more rows."
        )
    rows, outputs = rows[known], outputs[known]
    nearest = _nearest(points, rows)
    counts = np.bincount(nearest, minlength=len(points))
    values = np.zeros((len(points), outputs.shape[1]))
    np.add.at(values, nearest, outputs)
    values /= np.maximum(counts, 1)[:, None]
    for j in np.flatnonzero(counts < min_rows):
        distances = squared_distances(points[j : j + 1], rows)[0]
        values[j] = outputs[np.argpartition(distances, min_rows - 1)[:min_rows]].mean(axis=0)
    return PointLabels(_rounded(values, probabilities=classes is not None), classes, score)


def _nearest(points: Array, rows: Array) -> npt.NDArray[np.intp]:
    parts = [rows[start : start + _ROWS_AT_ONCE] for start in range(0, len(rows), _ROWS_AT_ONCE)]
    return np.concatenate([squared_distances(part, points).argmin(axis=1) for part in parts])


def _rounded(values: Array, *, probabilities: bool) -> Array:
    if probabilities:
        return np.round(values, _DIGITS)
    # Columns may be of other units, and what is small in one is all that there is in another.
    rounded = np.column_stack([_rounded_column(column) for column in values.T])
    # Single outputs keep the sign of a zero, since published specifications have it.
    return rounded if values.shape[1] == 1 else rounded + 0.0


def _rounded_column(values: Array) -> Array:
    spread = float(np.abs(values).max())
    return np.round(values, int(np.clip(np.ceil(_DIGITS - np.log10(spread)), -300, 300))) if spread > 0 else values


def _as_classes(classes: Any) -> tuple[Label, ...]:
    """Return labels as plain Python values, which files can hold."""
    plain = tuple(label.item() if isinstance(label, np.generic) else label for label in classes)
    odd = next((label for label in plain if not _is_label(label)), None)
    if odd is not None or None in plain:
        raise InvalidSpecification(
            f"The classes of labels must be text, finite numbers or truth values. Got {odd!r:.60}.", code="spec-labels"
        )
    return plain


def _is_label(value: Any) -> bool:
    return isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))


def _check_probabilities(values: Array, classes: tuple[Label, ...]) -> None:
    if len(classes) != values.shape[1] or len(set(classes)) != len(classes):
        raise InvalidSpecification(
            f"The outputs at points must have one column for each of {len(classes)} classes. Got {values.shape[1]}.",
            code="spec-labels",
        )
    if values.min() < 0 or np.abs(values.sum(axis=1) - 1.0).max() > 1e-3 + len(classes) * 10.0**-_DIGITS:
        raise InvalidSpecification(
            "The probabilities at points must not be negative and must sum to 1 at each.", code="spec-labels"
        )
