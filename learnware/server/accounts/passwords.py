"""Passwords: what they may be, and how they are kept so that whoever reads the file learns none."""

from __future__ import annotations

import unicodedata
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from learnware.errors import InvalidParameter

#: How many characters a password may have.
SHORTEST, LONGEST = 12, 256

# argon2id with the parameters that OWASP advises for 19 MiB of memory; about 60 ms.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# Whoever tries many passwords must not take all memory and all cores with it.
_AT_ONCE = BoundedSemaphore(4)


def hash_password(text: str) -> str:
    """Return what to store instead of a password.

    Parameters
    ----------
    text : str
        12 to 256 characters.

    Returns
    -------
    str
        Its argon2id hash, with salt and parameters.

    Raises
    ------
    InvalidParameter
        It is too short or too long. The message does not repeat it.

    Examples
    --------
    >>> from learnware.server.accounts.passwords import hash_password, is_right
    >>> stored = hash_password("correct horse battery")
    >>> is_right(stored, "correct horse battery")
    True
    >>> is_right(stored, "correct horse bakery")
    False
    """
    typed = _typed(text)
    if typed is None or len(text) < SHORTEST:
        raise InvalidParameter(
            f"A password must have {SHORTEST} to {LONGEST} characters that can be written as UTF-8. "
            f"Got {len(text)} characters instead."
        )
    with _AT_ONCE:
        return _HASHER.hash(typed)


def is_right(stored: str | None, text: str) -> bool:
    """Return whether a text is the password that was stored.

    Parameters
    ----------
    stored : str, optional
        From `hash_password`; None if there is none, which takes as long to say no.
    text : str
        What somebody typed.

    Returns
    -------
    bool
    """
    typed = _typed(text)
    with _AT_ONCE:
        if stored is None or typed is None:
            _HASHER.hash(b"")
            return False
        try:
            return _HASHER.verify(stored, typed)
        except VerifyMismatchError:
            return False


def renewed(stored: str, text: str) -> str | None:
    """Return what to store from now on for a password that is right; None if its parameters are today's."""
    typed = _typed(text)
    if typed is None or not _HASHER.check_needs_rehash(stored):
        return None
    with _AT_ONCE:
        return _HASHER.hash(typed)


def _typed(text: str) -> bytes | None:
    """Return the bytes of a password, the same from every keyboard; None for what can be no password."""
    if len(text) > LONGEST:
        return None
    try:
        return unicodedata.normalize("NFKC", text).encode()
    except UnicodeEncodeError:
        return None
