"""Checks of the points that stand for a learnware's data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from learnware.limits import LIMITS
from learnware.market.checker.base import Finding
from learnware.market.organizer.capability import LARGEST
from learnware.specification import RKME

if TYPE_CHECKING:
    from learnware.bundle import Learnware

# Comparing two specifications takes time and memory that grow with these.
_POINTS, _NUMBERS = LIMITS["market-points"], LIMITS["point-numbers"]
#: Squared MMD between points and data; two distributions that have nothing in common are 2 apart.
WORST_SQUARED_ERROR = 1.5
#: A published point that stands for fewer rows gives single rows away.
MIN_ROWS_PER_POINT = 3

_REBUILD = "Build it again with Specification.from_data."


def check_statistical(learnware: Learnware) -> Iterator[Finding]:
    """Yield what is wrong with the statistical specification, and where it disagrees with the words.

    That its numbers are finite and its weights a distribution is certain: no `RKME` can be made otherwise.
    """
    rkme = learnware.specification.statistical
    if rkme is None:
        if learnware.specification.semantic.data == "Table":
            yield Finding("error", "points-missing", f"It has no statistical specification. {_REBUILD}")
        return
    if len(rkme.points) > _POINTS or rkme.points.size > _NUMBERS:
        yield _too_many_numbers(rkme)
    else:
        yield from _magnitude(rkme)
    yield from _error(rkme)
    yield from _privacy(rkme)
    yield from _dimensions(learnware, rkme)


def _too_many_numbers(rkme: RKME) -> Finding:
    n_points, n_features = rkme.points.shape
    return Finding(
        "error",
        "points-too-many-numbers",
        f"It has {n_points} points of {n_features} coordinates; at most {_POINTS} points and {_NUMBERS:,} "
        f"numbers are allowed. Use at most {min(_POINTS, _NUMBERS // n_features)} points, or fewer columns.",
    )


def _error(rkme: RKME) -> Iterator[Finding]:
    if rkme.squared_error > WORST_SQUARED_ERROR:
        yield Finding(
            "error",
            "error-too-large",
            f"Its points do not stand for its data: their squared distance is {rkme.squared_error:.3g}; at most "
            f"{WORST_SQUARED_ERROR} is allowed. Use more points, or more data.",
        )


def _magnitude(rkme: RKME) -> Iterator[Finding]:
    largest = max(float(np.abs(part).max()) for part in (rkme.points, rkme.location, rkme.scale))
    answer = 0.0 if rkme.labels is None else float(np.abs(rkme.labels.values).max())
    if answer > LARGEST:
        yield Finding(
            "error",
            "labels-too-large",
            f"Its answers at points reach {answer:.3g}; at most {LARGEST:.0e} is allowed. Give the target another "
            "unit.",
        )
    if largest > LARGEST:
        yield Finding(
            "error",
            "points-too-large",
            f"Its points reach {largest:.3g}; at most {LARGEST:.0e} is allowed. Give the column another unit.",
        )
        return
    distance = rkme.distance(rkme)
    if not distance < 1e-4:
        yield Finding("error", "distance-invalid", f"Its distance to itself is {distance:.3g}, not 0. {_REBUILD}")


def _privacy(rkme: RKME) -> Iterator[Finding]:
    n_points = len(rkme.points)
    if rkme.n_samples is None:
        yield Finding(
            "warning",
            "rows-unknown",
            "It does not say how many rows its points stand for, so nobody can tell whether they hide them. "
            + _REBUILD,
        )
    elif n_points * MIN_ROWS_PER_POINT > rkme.n_samples:
        yield Finding(
            "error",
            "points-too-many",
            f"{n_points} points for {rkme.n_samples} rows may show single rows. Use at most "
            f"{rkme.n_samples // MIN_ROWS_PER_POINT} points, or more data.",
        )


def _dimensions(learnware: Learnware, rkme: RKME) -> Iterator[Finding]:
    semantic, classes = learnware.specification.semantic, learnware.classes_
    n_columns, n_outputs = len(rkme.space.columns), learnware.n_outputs if classes is None else len(classes)
    for side, said, true in (("inputs", semantic.inputs, n_columns), ("outputs", semantic.outputs, n_outputs)):
        # What an encoder makes of texts and images are no inputs of the model.
        if side == "inputs" and not rkme.space.decodable:
            continue
        if said is not None and said.dimension != true:
            yield Finding(
                "error",
                f"{side}-differ",
                f"It is said to have {said.dimension} {side}, but has {true}. Mend the {side} of its semantic "
                "specification.",
            )
