"""Mappings from files: exactly the fields that are known."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from learnware.errors import InvalidSpecification


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
