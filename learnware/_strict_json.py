"""JSON from strangers: one meaning, bounded work.

Size, depth and number of values are found by scans without recursion before anything is built. NaN, infinity, numbers
too large for a float, integers beyond 64 bits, repeated keys and anything but UTF-8 are refused.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any

from learnware.errors import LearnwareError
from learnware.limits import LIMITS

#: Makes the error for what is wrong, of a code: ``json-size``, ``json-depth``, ``json-number``, ``json-duplicate-key``
#: or ``json-syntax``.
Refuse = Callable[[str, str], LearnwareError]

# Text without an end runs to the end, so that looking for it again and again costs nothing.
_TEXT = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
# A number that no float holds has three digits of exponent or hundreds of digits.
_LARGE = re.compile(rb"[eE]\+?[0-9]{3}|(?<![0-9])[0-9]{300}")
_LONG = re.compile(rb"(?<![0-9.eE+-])-?[0-9]{19,}(?![0-9.eE])")


def parse(
    text: bytes, refuse: Refuse, *, max_bytes: int, max_depth: int, max_values: int = LIMITS["json-values"]
) -> Any:
    """Return the content of JSON text.

    Parameters
    ----------
    text : bytes
    refuse : callable
        Gets a reason and a code and returns the error to raise.
    max_bytes, max_depth : int
        Largest size, and number of mappings and lists within each other.
    max_values : int, optional
        Largest number of values; default: that of `LIMITS`.

    Examples
    --------
    >>> from learnware._strict_json import parse
    >>> from learnware.errors import InvalidSpecification
    >>> def refuse(reason, code):
    ...     return InvalidSpecification(f"{code}: {reason}")
    >>> parse(b'{"a": [1, 2.5]}', refuse, max_bytes=100, max_depth=2)
    {'a': [1, 2.5]}
    >>> parse(b'{"a": 1, "a": 2}', refuse, max_bytes=100, max_depth=2)
    Traceback (most recent call last):
    ...
    learnware.errors.InvalidSpecification: json-duplicate-key: it has the key 'a' twice in one mapping
    """
    if len(text) > max_bytes:
        raise refuse(f"it has {len(text):,} bytes, more than {max_bytes:,}", "json-size")
    bare = _bare(text, refuse, max_values)
    _check_shape(bare, refuse, max_depth, max_values)
    hooks: dict[str, Any] = {"object_pairs_hook": _unique(refuse), "parse_constant": _constant(refuse)}
    if _LARGE.search(bare):
        hooks["parse_float"] = _finite(refuse)
    if _LONG.search(bare):
        hooks["parse_int"] = _of_64_bits(refuse)
    try:
        content = json.loads(text.decode("utf-8"), **hooks)
        if _SURROGATE.search(text):
            json.dumps(content, ensure_ascii=False).encode()
        return content
    except UnicodeError as error:
        raise refuse("it holds text that is not UTF-8", "json-syntax") from error
    except json.JSONDecodeError as error:
        raise refuse(f"it is not JSON ({error.msg} at character {error.pos})", "json-syntax") from error


def _bare(text: bytes, refuse: Refuse, most: int) -> bytes:
    """Return JSON without what is between quotes."""
    if max(text.count(b'"'), text.count(b"\\")) > 2 * most:
        raise refuse(f"it has more than {most:,} pieces of text", "json-size")
    return _TEXT.sub(b"", text)


def _check_shape(bare: bytes, refuse: Refuse, max_depth: int, most: int) -> None:
    brackets = bare.translate(None, _NO_BRACKETS)
    if bare.count(b",") + len(brackets) > most:
        raise refuse(f"it has more than {most:,} values", "json-size")
    # Each pass takes away the innermost pairs, so that what is left after so many passes is deeper, or has no end.
    for _ in range(max_depth):
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    if b"[]" in brackets or b"{}" in brackets or brackets.count(b"[") + brackets.count(b"{") > max_depth:
        raise refuse(f"it has more than {max_depth} mappings and lists within each other", "json-depth")


def _unique(refuse: Refuse) -> Callable[[list[tuple[str, Any]]], dict[str, Any]]:
    def build(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        content = dict(pairs)
        if len(content) != len(pairs):
            seen: set[str] = set()
            twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
            raise refuse(f"it has the key {twice[:60]!r} twice in one mapping", "json-duplicate-key")
        return content

    return build


def _constant(refuse: Refuse) -> Callable[[str], Any]:
    def complain(name: str) -> Any:
        raise refuse(f"it holds {name}, which is no finite number", "json-number")

    return complain


def _finite(refuse: Refuse) -> Callable[[str], float]:
    def read(digits: str) -> float:
        if not math.isfinite(float(digits)):
            raise refuse(f"it holds the number {digits[:20]}..., which no float can hold", "json-number")
        return float(digits)

    return read


def _of_64_bits(refuse: Refuse) -> Callable[[str], int]:
    def read(digits: str) -> int:
        if len(digits) > _MOST_DIGITS or not -(2**63) <= int(digits) < 2**64:
            raise refuse(f"it holds the integer {digits[:20]}..., which has more than 64 bits", "json-number")
        return int(digits)

    return read


_MOST_DIGITS = 20
