"""What learnwares answer at the points of each other, and what that says of their agreement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware.limits import LIMITS
from learnware.market.store import Cell
from learnware.specification import RKME, PointLabels

#: Of a specification, the so many heaviest points are asked about.
N_PROBES = 32

#: More classes than these are not asked about, since answers are kept for every one.
MOST_CLASSES = 256

#: No answer counts as worse than this; for values, 1 is the error of always saying the mean.
MOST_LOSS = 4.0

#: A market takes no larger number, as a coordinate or as an answer: a float would not tell whole numbers apart.
LARGEST = 10.0 ** LIMITS["market-coordinate-exponent"]

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


def probes_of(rkme: RKME) -> tuple[Rows, Floats]:
    """Return the points that others are asked about, as positions, and their shares, which sum to one."""
    rows = np.argsort(-rkme.weights, kind="stable")[:N_PROBES]
    return rows, rkme.weights[rows] / rkme.weights[rows].sum()


def askable(rkme: RKME) -> bool:
    """Tell whether models can be asked about these points: they can be turned back, and have labels to compare with."""
    labels = rkme.labels
    return (
        labels is not None and rkme.space.decodable and (labels.classes is None or len(labels.classes) <= MOST_CLASSES)
    )


def usable(answers: npt.NDArray[Any]) -> bool:
    """Tell whether answers are numbers to reckon with: a single one that is not finite would spoil all losses."""
    return bool(np.abs(answers).max() <= LARGEST)


def comparable(one: PointLabels | None, other: PointLabels | None) -> bool:
    """Tell whether answers of one kind can be compared with those of another: both classes, or as many values."""
    if one is None or other is None:
        return False
    if one.classes is None or other.classes is None:
        return one.classes is other.classes and one.values.shape[1] == other.values.shape[1]
    return True


class Answers:
    """What models answered at the points of others, by the sha256 of both bundles.

    At its own points a classifier tells probabilities, at those of others a class; both in the order of the classes
    in its specification. Models of values tell these. The rows are those that `probes_of` names.

    Parameters
    ----------
    cells : iterable of Cell, optional
    """

    def __init__(self, cells: Iterable[Cell] = ()) -> None:
        self._content = {(cell.answerer, cell.asked): cell.content for cell in cells}

    def outputs(self, digest: str | None, labels: PointLabels, rows: Rows) -> Floats:
        """Return what a model says at its own points: as it answered them, or else by its specification."""
        content = self._content.get((digest or "", digest or ""))
        dtype = np.dtype(np.float32 if labels.classes is None else np.float16)
        shape = len(rows), labels.values.shape[1]
        if content is not None and len(content) == dtype.itemsize * shape[0] * shape[1]:
            answers = np.frombuffer(content, dtype).reshape(shape).astype(np.float64)
            if usable(answers):
                return answers
        return np.asarray(labels.values[rows])

    def at(self, answerer: str | None, asked: str | None, labels: PointLabels, n_rows: int) -> npt.NDArray[Any] | None:
        """Return what a model answered at points of another: positions of classes, or values; None if not known."""
        content = self._content.get((answerer or "", asked or ""))
        if content is None:
            return None
        if labels.classes is not None:
            chosen = np.frombuffer(content, np.uint16) if len(content) == 2 * n_rows else None
            return None if chosen is None or chosen.max() >= len(labels.classes) else chosen
        if len(content) != 4 * n_rows * labels.values.shape[1]:
            return None
        values = np.frombuffer(content, np.float32).reshape(n_rows, -1)
        return values if usable(values) else None


def own_cell(digest: str, outputs: Floats, labels: PointLabels) -> Cell:
    """Return the cell for what a model says at its own points."""
    return Cell(digest, digest, outputs.astype(np.float32 if labels.classes is None else np.float16).tobytes())


def cell(answerer: str, asked: str, outputs: Floats, labels: PointLabels) -> Cell:
    """Return the cell for what a model says at points of another."""
    if labels.classes is None:
        return Cell(answerer, asked, outputs.astype(np.float32).tobytes())
    return Cell(answerer, asked, outputs.argmax(axis=1).astype(np.uint16).tobytes())


@dataclass(frozen=True)
class Truth:
    """What counts as true at points of one or several specifications.

    Attributes
    ----------
    values : ndarray of shape (n_points, n_classes + 1) or (n_points, n_outputs)
        Probabilities, and 0 for a class that nobody here knows; or values.
    classes : tuple or None
        What the columns but the last stand for; None for values.
    variance : ndarray of shape (n_points, n_outputs), default=1.0
        Of the values of each specification, at its points.
    """

    values: Floats
    classes: tuple[object, ...] | None = None
    variance: Floats | float = 1.0

    @classmethod
    def of(cls, parts: Sequence[tuple[PointLabels, Floats, Floats]]) -> Truth:
        """Join labels, outputs at points, and shares of these points, all of one kind (`comparable`)."""
        if parts[0][0].classes is None:
            variances = [np.broadcast_to(_variance(values, shares), values.shape) for _, values, shares in parts]
            return cls(np.concatenate([values for _, values, _ in parts]), None, np.concatenate(variances))
        classes = tuple(dict.fromkeys(label for labels, _, _ in parts for label in labels.classes or ()))
        joined = np.zeros((sum(len(values) for _, values, _ in parts), len(classes) + 1))
        start = 0
        for labels, values, _ in parts:
            joined[start : start + len(values), places(labels.classes or (), classes)] = values
            start += len(values)
        return cls(joined, classes)

    def losses(self, answers: npt.NDArray[Any], labels: PointLabels) -> Floats:
        r"""Return the loss of answers at each point, between 0 and `MOST_LOSS`.

        Classes: the probability that the class said is wrong, :math:`1 - p(\hat c \mid z)`; a class that is not known
        here is. Values: the squared error over the variance of the true ones, mean over outputs.

        Parameters
        ----------
        answers : ndarray of shape (n_points,) or (n_points, n_outputs)
            Positions in the classes of `labels`, or values.
        labels : PointLabels
            Of the model that answered.
        """
        if labels.classes is None or self.classes is None:
            squared: Floats = (answers - self.values) ** 2 / self.variance
            return np.asarray(np.minimum(squared.mean(axis=1), MOST_LOSS))
        said = places(labels.classes, self.classes)[answers]
        return np.asarray(1.0 - self.values[np.arange(len(self.values)), said])


def _variance(values: Floats, shares: Floats) -> Floats:
    away = values - shares @ values
    return np.asarray(np.maximum(shares @ away**2, 1e-9 * (shares @ values**2) + 1e-200))


@lru_cache(maxsize=4096)
def places(classes: tuple[object, ...], among: tuple[object, ...]) -> Rows:
    """Return where each class stands among others, and behind the last for one that is not there."""
    where = {label: i for i, label in enumerate(among)}
    return np.array([where.get(label, len(among)) for label in classes], dtype=np.intp)


def best_constant(truth: Floats, labels: PointLabels, shares: Floats) -> float:
    """Return the loss of always giving the same answer."""
    return 1.0 if labels.classes is None else float(1.0 - (shares @ truth).max())
