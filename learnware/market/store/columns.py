"""A specification as the columns of a table row, and back, without text for the points."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from learnware.errors import InvalidSpecification
from learnware.specification import RKME, Fields, PointLabels, SemanticSpecification, Space, Specification
from learnware.specification.rounding import is_single

#: The columns that `to_columns` fills, in its order.
COLUMNS = "level, semantic, space, n_samples, squared_error, n_points, dtype, arrays, classes, score"

#: Where among them the space is.
SPACE = 2

_SINGLE, _DOUBLE = "<f4", "<f8"
_UNSAID = {field.name: field.default for field in fields(SemanticSpecification)}

_Value = TypeVar("_Value")
_Array = npt.NDArray[np.float64]


def to_columns(specification: Specification) -> tuple[Any, ...]:
    """Return the values of `COLUMNS`: text, numbers, and all arrays one after the other as bytes.

    The arrays are of single precision where that loses nothing in any of them, else of double.
    """
    rkme, words = specification.statistical, _words(specification.semantic)
    if rkme is None:
        return (specification.level, words, *[None] * 8)
    labels = rkme.labels
    parts = [rkme.points, rkme.weights, rkme.location, rkme.scale, *([] if labels is None else [labels.values])]
    arrays = np.concatenate([part.ravel() for part in parts])
    dtype = _SINGLE if is_single(arrays) else _DOUBLE
    return (
        specification.level,
        words,
        _json(rkme.space.to_dict()),
        rkme.n_samples,
        float(rkme.squared_error),
        len(rkme.weights),
        dtype,
        arrays.astype(dtype).tobytes(),
        None if labels is None or labels.classes is None else _json(labels.classes),
        None if labels is None or labels.score is None else float(labels.score),
    )


def from_columns(values: Sequence[Any], space: Space | None) -> Specification:
    """Return the specification that `to_columns` took apart, given its space.

    Nothing is checked again: it was when the specification was made, and the seal of the row says that these are the
    values that were written then.
    """
    level, words, _, n_samples, squared_error, n_points, dtype, content, classes, score = values
    if space is None:
        return Specification(_semantic(words), level=level)
    arrays = np.frombuffer(content, dtype).astype(np.float64, copy=False)
    arrays.setflags(write=False)
    points, weights, location, scale, outputs = _parts(arrays, n_points, space.n_features)
    statistical = _as_written(
        RKME,
        points=points.reshape(n_points, -1),
        weights=weights,
        space=space,
        location=location,
        scale=scale,
        n_samples=n_samples,
        squared_error=squared_error,
        labels=_labels(outputs.reshape(n_points, -1), classes, score) if len(outputs) else None,
    )
    return Specification(_semantic(words), statistical, level)


def _words(semantic: SemanticSpecification) -> str:
    said = semantic.said()
    for side in ("inputs", "outputs"):
        if side in said:
            said[side] = said[side].to_dict()
    return _json(said)


def _semantic(words: str) -> SemanticSpecification:
    said = json.loads(words)
    if "scenarios" in said:
        said["scenarios"] = tuple(said["scenarios"])
    for side in ("inputs", "outputs"):
        if side in said:
            said[side] = _fields(said[side])
    return _as_written(SemanticSpecification, **{**_UNSAID, **said})


def _fields(said: dict[str, Any]) -> Fields:
    described = {int(position): text for position, text in said["Description"].items()}
    return _as_written(Fields, dimension=said["Dimension"], descriptions=described)


def _parts(arrays: _Array, n_points: int, n_features: int) -> list[_Array]:
    """Return points, weights, location, scale and outputs, each flat; without labels the last is empty."""
    parts, start = [], 0
    for size in (n_points * n_features, n_points, n_features, n_features, None):
        end = len(arrays) if size is None else start + size
        parts.append(arrays[start:end])
        start = end
    return parts


def _labels(outputs: _Array, classes: str | None, score: float | None) -> PointLabels:
    return _as_written(PointLabels, values=outputs, classes=None if classes is None else _classes(classes), score=score)


@lru_cache(maxsize=256)
def _classes(content: str) -> tuple[str | int | float | bool, ...]:
    return tuple(json.loads(content))


def _as_written(kind: type[_Value], **values: Any) -> _Value:
    """Return a frozen value of these fields without the checks of its constructor."""
    made = object.__new__(kind)
    vars(made).update(values)
    return made


def _json(content: Any) -> str:
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidSpecification(
            f"A specification must hold text that UTF-8 can write. Got {text[error.start]!r}, half a character, in "
            f"{text[max(0, error.start - 40) : error.end + 40]!r}: leave it out, or decode the text again."
        ) from error
    return text
