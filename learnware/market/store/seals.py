"""A short hash of a row's values, so that a row that has changed on the disk is not taken for what was written."""

from __future__ import annotations

from hashlib import blake2b


def seal(*values: bytes | float | str | None) -> bytes:
    """Return 16 bytes that depend on every value and on where one ends and the next begins.

    Parameters
    ----------
    *values : bytes, float, str or None
        As SQLite gives them back. A whole number and the float equal to it are the same, as they are to SQLite.

    Examples
    --------
    >>> from learnware.market.store.seals import seal
    >>> seal("ab", "c") == seal("a", "bc")
    False
    >>> seal(1, None) == seal(1.0, None)
    True
    """
    parts: list[bytes] = []
    for value in values:
        if value is None:
            parts.append(b"n0:")
            continue
        if isinstance(value, bytes):
            kind, content = b"b", value
        elif isinstance(value, str):
            kind, content = b"s", value.encode("utf-8", "surrogatepass")
        else:
            kind, content = b"f", repr(float(value)).encode()
        parts += (kind, b"%d:" % len(content), content)
    return blake2b(b"".join(parts), digest_size=16).digest()
