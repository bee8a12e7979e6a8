"""What files hold: mappings of exactly the fields that are known, and lists of numbers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware.errors import InvalidSpecification
from learnware.limits import LIMITS

Array = npt.NDArray[np.float64]


def require_fields(content: Any, names: Collection[str], what: str, *, optional: Collection[str] = ()) -> None:
    """Check that `content` is a mapping with all of `names` and, besides these, only some of `optional`.

    Raises
    ------
    InvalidSpecification
        It is no mapping or lacks a field (code ``"spec-field"``), or has another one (``"spec-unknown-field"``).
    """
    expected = ", ".join(sorted(names))
    if not isinstance(content, Mapping):
        raise InvalidSpecification(f"{what} must be a mapping with {expected}. Got {type(content).__name__}.")
    unknown = sorted(str(name)[:60] for name in set(content) - set(names) - set(optional))
    if unknown:
        raise InvalidSpecification(
            f"{what} must have no fields but {expected}. Unknown field(s): {', '.join(unknown[:5])}. Leave them out.",
            code="spec-unknown-field",
        )
    absent = sorted(set(names) - set(content))
    if absent:
        raise InvalidSpecification(f"{what} must have the fields {expected}. Absent: {', '.join(absent)}. Add them.")


def read_points(points: Any) -> Array:
    """Return the points of a file, a list of lists of numbers; `InvalidSpecification` if they are none."""
    if not isinstance(points, list) or not all(isinstance(point, list) for point in points):
        raise InvalidSpecification("The points of an RKME must be a list of lists of numbers.", code="spec-shape")
    if len(points) > LIMITS["points"] or sum(map(len, points)) > LIMITS["point-numbers"]:
        raise InvalidSpecification(
            f"An RKME must have at most {LIMITS['points']:,} points and {LIMITS['point-numbers']:,} numbers in them. "
            f"Got {len(points):,} points. Build it again with fewer.",
            code="spec-too-many",
        )
    if len({len(point) for point in points}) != 1:
        raise InvalidSpecification("The points of an RKME must all have as many coordinates.", code="spec-shape")
    return np.array([read_numbers(point, "points") for point in points])


def read_numbers(values: Any, name: str) -> Array:
    """Return one list of numbers of a file as an array; `InvalidSpecification` if it is none, or too large."""
    # A set of types is a quick look at a million values; text and truth values would pass for numbers.
    if not isinstance(values, list) or not set(map(type, values)) <= {int, float}:
        raise InvalidSpecification(f"The {name} of an RKME must be numbers.", code="spec-shape")
    try:
        array = np.array(values, dtype=np.float64)
    except OverflowError as error:
        raise InvalidSpecification(f"The {name} of an RKME are too large.", code="spec-too-large") from error
    largest = 10.0 ** LIMITS["coordinate-exponent"]
    if np.isfinite(array).all() and (np.abs(array) > largest).any():
        raise InvalidSpecification(
            f"The {name} of an RKME must be at most {largest:.0e}. Give the column another unit.", code="spec-too-large"
        )
    return array
