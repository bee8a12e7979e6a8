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
    state = blake2b(digest_size=16)
    for value in values:
        kind, content = _encoded(value)
        state.update(b"%c%d:" % (kind, len(content)))
        state.update(content)
    return state.digest()


def _encoded(value: bytes | float | str | None) -> tuple[bytes, bytes]:
    if value is None:
        return b"n", b""
    if isinstance(value, bytes):
        return b"b", value
    if isinstance(value, str):
        return b"s", value.encode("utf-8", "surrogatepass")
    return b"f", repr(float(value)).encode()
