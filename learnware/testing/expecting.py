"""What a contract says when it is broken; assert statements would vanish under ``python -O``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

Error = TypeVar("Error", bound=Exception)


def expect(got: object, expected: object) -> None:
    """Raise AssertionError unless both are equal."""
    if got != expected:
        raise AssertionError(f"Expected {expected!r}. Got {got!r} instead.")


@contextmanager
def refused(kind: type[Error], *said: str) -> Iterator[list[Error]]:
    """Raise AssertionError unless the body raises an error of that kind whose message says these things."""
    caught: list[Error] = []
    try:
        yield caught
    except kind as error:
        caught.append(error)
    if not caught:
        raise AssertionError(f"Expected {kind.__name__}, but nothing was raised.")
    silent = [text for text in said if text not in str(caught[0])]
    if silent:
        raise AssertionError(f"Expected the message to name {', '.join(silent)}. Got: {caught[0]}")
