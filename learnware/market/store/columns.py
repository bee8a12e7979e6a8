"""A specification as the columns of a table row, and back, without text for the points."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware.specification import RKME, PointLabels, SemanticSpecification, Specification
from learnware.specification.semantic import readable
from learnware.specification.space import Space

#: The columns that `to_columns` fills, in its order.
COLUMNS = (
    "level, semantic, space_key, space, n_samples, squared_error, points, weights, location, scale, "
    "outputs, classes, score"
)

_FLOAT = "<f8"


def to_columns(specification: Specification) -> tuple[Any, ...]:
    """Return the values of `COLUMNS`: text, numbers, and arrays as little-endian float64 bytes."""
    semantic = json.dumps(specification.semantic.to_dict(), ensure_ascii=False, separators=(",", ":"))
    rkme = specification.statistical
    if rkme is None:
        return (specification.level, semantic, *[None] * 11)
    space = json.dumps(rkme.space.to_dict(), ensure_ascii=False, separators=(",", ":"))
    arrays = (rkme.points, rkme.weights, rkme.location, rkme.scale)
    return (
        specification.level,
        semantic,
        rkme.space.key,
        space,
        rkme.n_samples,
        float(rkme.squared_error),
        *(np.ascontiguousarray(array, dtype=_FLOAT).tobytes() for array in arrays),
        *_label_columns(rkme.labels),
    )


def from_columns(values: Sequence[Any]) -> Specification:
    """Return the specification that `to_columns` took apart."""
    level, semantic, _, space, n_samples, squared_error, points, weights, location, scale, *labels = values
    words = SemanticSpecification.from_dict(_readable(json.loads(semantic)))
    if space is None:
        return Specification(words, level=level)
    masses = _array(weights)
    statistical = RKME(
        _array(points).reshape(len(masses), -1),
        masses,
        _space(space),
        _array(location),
        _array(scale),
        n_samples,
        squared_error,
        _labels(*labels, n_points=len(masses)),
    )
    return Specification(words, statistical, level)


def _label_columns(labels: PointLabels | None) -> tuple[bytes | None, str | None, float | None]:
    if labels is None:
        return None, None, None
    classes = None if labels.classes is None else json.dumps(labels.classes, ensure_ascii=False, separators=(",", ":"))
    outputs = np.ascontiguousarray(labels.values, dtype=_FLOAT).tobytes()
    return outputs, classes, None if labels.score is None else float(labels.score)


def _labels(outputs: bytes | None, classes: str | None, score: float | None, *, n_points: int) -> PointLabels | None:
    if outputs is None:
        return None
    known = None if classes is None else tuple(json.loads(classes))
    return PointLabels(_array(outputs).reshape(n_points, -1), known, score)


def _readable(words: dict[str, Any]) -> dict[str, Any]:
    # Earlier versions took titles with control characters; such a learnware must not keep others from being found.
    for key, name in (("Name", "name"), ("Description", "description")):
        if key in words:
            words[key]["Values"] = readable(words[key]["Values"], name)
    return words


def _array(content: bytes) -> npt.NDArray[np.float64]:
    return np.frombuffer(content, dtype=_FLOAT)


@lru_cache(maxsize=256)
def _space(text: str) -> Space:
    return Space.from_dict(json.loads(text))
