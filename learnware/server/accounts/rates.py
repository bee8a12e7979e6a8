"""How often something may be asked for."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Mapping
from threading import Lock

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from learnware.errors import InvalidParameter, TooManyRequests

# So many keys are remembered before those without a recent request are forgotten.
_FEW_KEYS = 1000


class Rates:
    """Counts requests in moving windows, in the memory of this process.

    Parameters
    ----------
    table : mapping of str to str
        What is counted, and how often it may happen, such as ``{"login-account": "5/minute"}``. What is not in the
        table may happen as often as it likes.

    Examples
    --------
    >>> from learnware.server.accounts.rates import Rates
    >>> rates = Rates({"login-account": "2/hour"})
    >>> for _ in range(2):
    ...     rates.spend("login-account", "ada")
    >>> rates.spend("login-account", "bob")
    >>> rates.spend("login-account", "ada")
    Traceback (most recent call last):
    ...
    learnware.errors.TooManyRequests: Too many requests: 2 per 1 hour (login-account). Try again in 3600 seconds.
    """

    def __init__(self, table: Mapping[str, str]) -> None:
        self._limits = {name: _parsed(name, text) for name, text in table.items()}
        self._storage = MemoryStorage()
        self._windows = MovingWindowRateLimiter(self._storage)
        self._most_keys = _FEW_KEYS
        # The library makes its locks key by key, and two threads may make two for one.
        self._lock = Lock()

    def spend(self, name: str, key: str) -> None:
        """Count a request.

        Parameters
        ----------
        name : str
            What is asked for, as in the table.
        key : str
            Who asks: an account, an address.

        Raises
        ------
        TooManyRequests
            They have asked too often, and this request does not count; ``retry_after`` says when to come again.
        """
        if not self._ask(name, key, self._windows.hit):
            raise self._refusal(name, key)

    def check(self, name: str, key: str) -> None:
        """Raise as `spend` would, and spend nothing."""
        if not self._ask(name, key, self._windows.test):
            raise self._refusal(name, key)

    def _ask(self, name: str, key: str, ask: Callable[..., bool]) -> bool:
        limit = self._limits.get(name)
        if limit is None:
            return True
        with self._lock:
            self._forget_some()
            return ask(limit, name, _short(key))

    def _refusal(self, name: str, key: str) -> TooManyRequests:
        limit = self._limits[name]
        with self._lock:
            again = self._windows.get_window_stats(limit, name, _short(key)).reset_time
        seconds = max(1, math.ceil(again - time.time()))
        return TooManyRequests(
            f"Too many requests: {limit} ({name}). Try again in {seconds} seconds.", retry_after=float(seconds)
        )

    def _forget_some(self) -> None:
        # The library looks through all keys again and again and drops none, and anybody can think of new ones.
        if len(self._storage.events) < self._most_keys:
            return
        for key in [key for key, requests in list(self._storage.events.items()) if not requests]:
            self._storage.clear(key)
        self._most_keys = max(_FEW_KEYS, 2 * len(self._storage.events))


def _short(key: str) -> str:
    # As long as whoever asks likes, so it is not kept as it is.
    return hashlib.sha256(key.encode("utf-8", "backslashreplace")).hexdigest()


def _parsed(name: str, text: str) -> RateLimitItem:
    try:
        return parse(text)
    except ValueError as error:
        raise InvalidParameter(f"A rate must read like '5/minute'. Got {text!r} for {name!r} instead.") from error
