"""Control frames: a length of four bytes, then that many bytes of JSON.

Both sides check every frame strictly, since the other one may run code of a stranger.
"""

from __future__ import annotations

import json
import math
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_TO_WORKER = 8 * 2**20
MAX_TO_PARENT = 64 * 2**10
MAX_DEPTH = 16
LENGTH = struct.Struct(">I")


class WireError(ValueError):
    """What came from the other side is not what can come from there."""


def pack(message: dict[str, Any], limit: int) -> bytes:
    """Return the frame of a message."""
    text = json.dumps(message, allow_nan=False, separators=(",", ":")).encode("ascii")
    if len(text) > limit:
        raise WireError(f"a frame must have at most {limit} bytes; this one has {len(text)}")
    return LENGTH.pack(len(text)) + text


def length_of(head: bytes, limit: int) -> int:
    """Return the number of bytes that follow the first four."""
    length: int = LENGTH.unpack(head)[0]
    if not 2 <= length <= limit:
        raise WireError(f"a frame must have between 2 and {limit} bytes; this one claims {length}")
    return length


def parse(text: bytes) -> dict[str, Any]:
    """Return the message of a frame: an object without doubled keys, numbers that are none, or deep nesting."""
    try:
        message = json.loads(
            text.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_finite
        )
    except WireError:
        raise
    except (ValueError, RecursionError) as error:
        raise WireError(f"a frame must be JSON: {type(error).__name__}") from error
    if not isinstance(message, dict):
        raise WireError("a frame must be a JSON object")
    _check_depth(message)
    return message


def read(receive: Callable[[int], bytes], limit: int) -> dict[str, Any]:
    """Read a message by a function that returns as many bytes as it is asked for."""
    return parse(receive(length_of(receive(LENGTH.size), limit)))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise WireError("a frame must not have a key twice")
    return found


def _refuse(name: str) -> Any:
    raise WireError(f"a frame must not hold {name}")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise WireError(f"a frame must not hold {text[:40]}")
    return value


def _check_depth(message: dict[str, Any]) -> None:
    level: list[Any] = [message]
    for _ in range(MAX_DEPTH):
        inner = [value.values() if isinstance(value, dict) else value for value in level]
        level = [value for values in inner for value in values if isinstance(value, (dict, list))]
        if not level:
            return
    raise WireError(f"a frame must not be nested more than {MAX_DEPTH} deep")
