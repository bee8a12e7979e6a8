"""Asking the model of a new learnware about the points of others, and their models about its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt

from learnware.errors import LearnwareError
from learnware.market.organizer.capability import askable, cell, comparable, own_cell, places, probes_of, usable
from learnware.market.store import Cell
from learnware.specification import RKME, PointLabels
from learnware.specification.encoders import decode_points

if TYPE_CHECKING:
    from learnware.bundle import Learnware

#: A new model is asked about the points of so many others, and the models of so many about its own.
N_ASKED_ABOUT, N_ASKED = 32, 8

#: What does not fit into this time is not asked.
ASKING_SECONDS = 0.5

Floats = npt.NDArray[np.float64]
#: The sha256 of a bundle, and the points in it.
Known = tuple[str, RKME]


def ask_around(
    learnware: Learnware,
    new: Known,
    others: Sequence[Known],
    model_of: Callable[[str], Learnware | None],
    seconds: float = ASKING_SECONDS,
) -> list[Cell]:
    """Return what a new model answers at the points of others, and what their models answer at its points.

    Parameters
    ----------
    learnware : Learnware
        The new one.
    new : tuple of str and RKME
        The sha256 of its bundle, and its points with labels.
    others : sequence of tuples of str and RKME
        Those it is compared with, the most similar first, in the same space as `new`.
    model_of : callable
        Returns the learnware of a bundle, or None for one that is not to be asked.
    seconds : float, default=0.5
        When so much time has passed, nobody else is asked.

    Returns
    -------
    list of Cell
        Empty where the new model cannot be asked. A model that fails leaves out its own answers only.
    """
    end = time.monotonic() + seconds
    digest, rkme = new
    if not askable(rkme):
        return []
    labels, rows = _labels(rkme), probes_of(rkme)[0]
    alike = [(d, r) for d, r in others if d != digest and askable(r) and comparable(labels, r.labels)]
    start = time.monotonic()
    own = _answers(learnware, rkme, [rows], labels)
    if own is None or not usable(own[0]):
        return []
    # The next call is as much longer as it has more points.
    fitting = int((end - time.monotonic()) / max(time.monotonic() - start, 1e-6))
    cells = [own_cell(digest, own[0], labels)]
    cells += _about_others(learnware, new, alike[: max(0, min(fitting, N_ASKED_ABOUT))])
    for known, other in alike[:N_ASKED]:
        if time.monotonic() > end:
            break
        cells += _by_other(known, other, new, rows, model_of)
    return cells


def _about_others(learnware: Learnware, new: Known, others: Sequence[Known]) -> list[Cell]:
    if not others:
        return []
    # An island has its columns in the order of its first member.
    aligned = [other.aligned_to(new[1].space) for _, other in others]
    labels, points = _labels(new[1]), [other.points[probes_of(other)[0]] for other in aligned]
    joined = RKME(np.concatenate(points), np.full(sum(map(len, points)), 1.0 / sum(map(len, points))), new[1].space)
    ends = np.cumsum([len(part) for part in points])
    rows = [np.arange(end - len(part), end) for end, part in zip(ends, points, strict=True)]
    answers = _answers(learnware, joined, rows, labels)
    if answers is None:
        return []
    pairs = zip(others, answers, strict=True)
    return [cell(new[0], asked, said, labels) for (asked, _), said in pairs if usable(said)]


def _by_other(
    digest: str, other: RKME, new: Known, rows: npt.NDArray[np.intp], model_of: Callable[[str], Learnware | None]
) -> list[Cell]:
    labels = _labels(other)
    try:
        model = model_of(digest)
    except LearnwareError:
        # Its file is gone or damaged, which is for those to hear who ask for it.
        return []
    answers = None if model is None else _answers(model, _arranged(new[1], model.columns), [rows], labels)
    return [] if answers is None or not usable(answers[0]) else [cell(digest, new[0], answers[0], labels)]


def _arranged(rkme: RKME, names: tuple[str, ...]) -> RKME:
    """Return points with their columns in the order of a model: without pandas it gets them by position."""
    columns = {column.name: column for column in rkme.space.columns}
    if not rkme.space.named or set(names) != set(columns):
        return rkme
    return rkme.aligned_to(replace(rkme.space, columns=tuple(columns[name] for name in names)))


def _labels(rkme: RKME) -> PointLabels:
    # Only what is askable gets here.
    return cast("PointLabels", rkme.labels)


def _answers(
    learnware: Learnware, rkme: RKME, parts: Sequence[npt.NDArray[np.intp]], labels: PointLabels
) -> list[Floats] | None:
    """Return the outputs of a model at parts of some points, asked in one call; None where it fails."""
    samples = decode_points(rkme.points[np.concatenate(parts)], rkme.space)
    try:
        outputs = _outputs(learnware, samples, labels)
    except LearnwareError:
        # A model need not be able to answer for points of others: it is judged without.
        return None
    return None if outputs is None else np.split(outputs, np.cumsum([len(part) for part in parts])[:-1])


def _outputs(learnware: Learnware, samples: object, labels: PointLabels) -> Floats | None:
    if labels.classes is None:
        values = np.asarray(learnware.predict(samples), dtype=np.float64)
        values = values.reshape(len(values), -1)
        return values if values.shape[1] == labels.values.shape[1] else None
    known = learnware.classes_
    where = places(tuple(known.tolist() if known is not None else ()), labels.classes)
    if len(where) == 0 or where.max() >= len(labels.classes):
        return None
    if hasattr(learnware, "predict_proba"):
        told = learnware.predict_proba(samples)
    else:
        told = (np.asarray(learnware.predict(samples))[:, None] == known).astype(np.float64)
    outputs = np.zeros((len(told), len(labels.classes)))
    outputs[:, where] = told
    return outputs
