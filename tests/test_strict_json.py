"""JSON from strangers: one meaning, bounded work."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learnware._strict_json import parse
from learnware.errors import InvalidSpecification

INTEGERS = st.integers(-(2**63), 2**64 - 1)
VALUES = st.recursive(
    st.none() | st.booleans() | INTEGERS | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


def refuse(reason: str, code: str) -> InvalidSpecification:
    return InvalidSpecification(reason, code=code)


def read(text: bytes, *, max_bytes: int = 10**8, max_depth: int = 8) -> Any:
    return parse(text, refuse, max_bytes=max_bytes, max_depth=max_depth)


def code_of(text: bytes, **limits: int) -> str:
    with pytest.raises(InvalidSpecification) as caught:
        read(text, **limits)
    return caught.value.code


@given(VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_plain_values_are_read_as_they_were(value: Any, ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    assert read(text, max_depth=30) == value


@given(st.integers(0, 12), st.integers(1, 10), st.sampled_from(["[]", "{}"]), st.booleans())
def test_depth_is_counted_exactly(depth: int, most: int, kind: str, wide: bool) -> None:
    text = "1"
    for _ in range(depth):
        inner = f'{text}, "][", 2' if wide else text
        text = f"[{inner}]" if kind == "[]" else f'{{"a]{{": {text}}}'
    if depth > most:
        assert code_of(text.encode(), max_depth=most) == "json-depth"
    else:
        assert read(text.encode(), max_depth=most) == json.loads(text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"[1e308]", None),
        (b"[1e309]", "json-number"),
        (b"[-1E+999]", "json-number"),
        (b"[18446744073709551615, -9223372036854775808]", None),
        (b"[18446744073709551616]", "json-number"),
        (b"[-9223372036854775809]", "json-number"),
        (b'{"a":2305843009213693951000}', "json-number"),
        (b"[" + b"9" * 5000 + b"]", "json-number"),
        (b"[0.12345678901234567890123, 1e-30, 12345678901234567890123.0, 12345678901234567890123e2]", None),
        (b'["12345678901234567890123"]', None),
        (b"[1e-999]", None),
        (b"[" + b"9" * 308 + b".5]", None),
        (b"[" + b"9" * 309 + b".5]", "json-number"),
        (b"[0." + b"1" * 5000 + b"]", None),
        (b'["1e999"]', None),
        (b"[NaN]", "json-number"),
        (b'["NaN"]', None),
        (b'{"a": {"b": 1, "b": 1}}', "json-duplicate-key"),
        (b'["\\ud83d\\ude00"]', None),
        (b'["\\ud83d"]', "json-syntax"),
        (b'["[[[[[[[[[[[["]', None),
        (b'["\\"[[[[[[[[[[[["]', None),
        (b'["\\\\", [1]]', None),
        (b"[" * 9, "json-depth"),
        (b"[" * 8, "json-syntax"),
        (b"]" * 9, "json-syntax"),
    ],
)
def test_edges(text: bytes, code: str | None) -> None:
    if code is None:
        assert read(text) == json.loads(text)
    else:
        assert code_of(text) == code


def test_size_comes_first() -> None:
    assert code_of(b"\xff" * 11, max_bytes=10) == "json-size"


@pytest.mark.parametrize(
    "text",
    [
        b"[" * 10**7,
        b"[]" * 10**7,
        b'"' * 10**7,
        b'"\\' * 10**6,
        b"\\" * 10**7,
        b"1" * 10**7,
        (b"1" * 299 + b",") * 10**4,
    ],
    ids=["open", "pairs", "quotes", "escaped quotes", "backslashes", "digits", "runs of digits"],
)
def test_no_text_takes_long(text: bytes) -> None:
    times = []
    for _ in range(3):
        start = time.perf_counter()
        code_of(text)
        times.append(time.perf_counter() - start)
    assert min(times) < 1.0
