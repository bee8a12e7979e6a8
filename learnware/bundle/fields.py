"""Single fields of the manifest, each checked for what it may hold."""

from __future__ import annotations

from typing import Any

from learnware.bundle import strict_yaml
from learnware.errors import BundleError, MalformedManifest
from learnware.limits import LIMITS

FILE_NAME = strict_yaml.FILE_NAME


def field_of(content: dict[str, Any], name: str, kind: type) -> Any:
    """Return the value of a field, which must be of `kind`."""
    value = content.get(name)
    if not isinstance(value, kind):
        raise wrong(name, f"a {kind.__name__}", value)
    return value


def texts_of(content: dict[str, Any], name: str) -> tuple[str, ...]:
    """Return a list of different texts."""
    values = field_of(content, name, list)
    if not all(isinstance(value, str) for value in values):
        raise wrong(name, "a list of text", values)
    if len(set(values)) != len(values):
        raise wrong(name, "a list of different texts", values)
    return tuple(values)


def positive_of(content: dict[str, Any], name: str) -> int:
    """Return a positive int."""
    value = content.get(name)
    if type(value) is not int or not 1 <= value <= LIMITS["point-numbers"]:
        raise wrong(name, f"an int from 1 to {LIMITS['point-numbers']:,}", value)
    return value


def as_labels(values: Any) -> tuple[Any, ...]:
    """Return class labels: different values of one type."""
    if not isinstance(values, list) or not values or len({type(as_label(value)) for value in values}) != 1:
        raise wrong("classes", "a list of labels of one type", values)
    if len(set(values)) != len(values):
        raise wrong("classes", "a list of different labels", values)
    if isinstance(values[0], int) and not all(-(2**63) <= value < 2**63 for value in values):
        raise wrong("classes", "a list of labels in 64 bits", values)
    return tuple(values)


def as_label(value: Any) -> Any:
    """Return a single plain value."""
    if isinstance(value, bool | int | float | str):
        return value
    raise wrong("classes or parameters", "text, numbers or truth values", value)


def wrong(name: str, expected: str, got: object, *, code: str = "manifest-field") -> BundleError:
    """Return the error for a field with a value that it cannot have."""
    return MalformedManifest(
        f"The field {name[:100]!r} of {FILE_NAME} must be {expected}. Got {str(got)[:100]!r}. "
        "Write it again with Learnware.save.",
        code=code,
        file=FILE_NAME,
    )
