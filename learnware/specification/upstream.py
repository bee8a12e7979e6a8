"""Read the ``stat.json`` of a Beimingwu table specification."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from learnware.errors import InvalidSpecification
from learnware.specification.fields import read_numbers, read_points
from learnware.specification.rkme import RKME

_TABLE = ("RKMETableSpecification", "RKMEStatSpecification")


def is_upstream(content: Any) -> bool:
    """Tell whether JSON content has the form of a Beimingwu specification."""
    return isinstance(content, Mapping) and "z" in content and "beta" in content


def rkme_from_upstream(content: Mapping[str, Any]) -> RKME:
    """Turn a Beimingwu table specification into an RKME.

    Its kernel width is left aside: distances are measured in a frame of the market. How many rows it stands for is
    not told by such a file.

    Raises
    ------
    InvalidSpecification
        It is of another kind than table, or its weights are no distribution.
    """
    kind = content.get("type", _TABLE[0])
    if kind not in _TABLE:
        raise InvalidSpecification(
            f"Only table specifications ({_TABLE[0]}) can be read. Got {kind!r:.100}.", code="spec-format"
        )
    points, weights = read_points(content["z"]), read_numbers(content["beta"], "weights")
    # Its solver stops short of the simplex: weights a little below zero, a sum a little off one.
    if not np.isfinite(weights).all() or weights.size == 0 or weights.min() < -1e-3 or abs(weights.sum() - 1) > 1e-2:
        raise InvalidSpecification(
            "The field 'beta' must hold weights of at least 0 that sum to 1.", code="spec-weights"
        )
    weights = np.maximum(weights, 0.0)
    return RKME(points, weights / weights.sum())
