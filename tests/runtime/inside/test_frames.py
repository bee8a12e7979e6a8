"""Control frames: what is written is read, and nothing else is."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learnware.runtime.inside import frames
from learnware.runtime.inside.frames import WireError

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


def reader(data: bytes) -> Any:
    """Return a function that hands out `data` piece by piece."""
    position = 0

    def receive(n_bytes: int) -> bytes:
        nonlocal position
        position += n_bytes
        if position > len(data):
            raise EOFError
        return data[position - n_bytes : position]

    return receive


@settings(max_examples=300)
@given(st.dictionaries(st.text(), PLAIN, max_size=5))
def test_a_message_comes_back(message: dict[str, Any]) -> None:
    assert frames.read(reader(frames.pack(message, 2**20)), 2**20) == message


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"[]", "JSON object"),
        (b"nonsense", "must be JSON"),
        (b'"\xff"', "must be JSON"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "Infinity"),
        (b'{"a": 1e999}', "1e999"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b'{"a": {"b": 1, "b": 1}}', "twice"),
        (b'{"a": ' + b"[" * 16 + b"]" * 16 + b"}", "deep"),
        (b"[" * 60_000, "must be JSON"),
        (b'{"a": ' + b"9" * 10_000 + b"}", "must be JSON"),
    ],
)
def test_what_is_refused(text: bytes, why: str) -> None:
    with pytest.raises(WireError, match=why):
        frames.parse(text)


def test_nesting_up_to_the_limit_passes() -> None:
    deep = b'{"a": ' + b"[" * (frames.MAX_DEPTH - 1) + b"]" * (frames.MAX_DEPTH - 1) + b"}"
    assert json.dumps(frames.parse(deep)).encode() == deep


@pytest.mark.parametrize("length", [0, 1, 101, 2**32 - 1])
def test_a_length_outside_of_the_limit_is_refused_before_anything_is_read(length: int) -> None:
    with pytest.raises(WireError, match="between 2 and 100 bytes"):
        frames.read(reader(frames.LENGTH.pack(length)), 100)


def test_a_message_that_is_too_large_is_not_sent() -> None:
    with pytest.raises(WireError, match="at most 100 bytes"):
        frames.pack({"text": "x" * 100}, 100)


@settings(max_examples=1000)
@given(st.binary(max_size=60) | st.text('[]{}",:0123456789eE.-ntfNI\\u', max_size=60).map(str.encode))
def test_no_bytes_raise_anything_else(text: bytes) -> None:
    with contextlib.suppress(WireError):
        assert isinstance(frames.parse(text), dict)
