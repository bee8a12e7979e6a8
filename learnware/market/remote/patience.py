"""Trying again what may succeed a little later: bounded in tries and in time."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from learnware.errors import LearnwareError

T = TypeVar("T")

#: The first pause lasts at most so long, each further one twice as long.
FIRST_SECONDS = 0.5

_TRIES = 5
_SECONDS = 30.0


class Passing(Exception):
    """A failure that may pass.

    Parameters
    ----------
    error : LearnwareError
        What to raise should it not.
    after : float, optional
        Seconds after which the server wants to be asked again.
    """

    def __init__(self, error: LearnwareError, after: float | None = None) -> None:
        super().__init__(error, after)
        self.error = error
        self.after = after


class Patience:
    """Counts tries, and the seconds between them.

    Notes
    -----
    A pause is drawn between half its length and all of it, so that clients that failed together come back one by one.
    """

    def __init__(self, tries: int = _TRIES, seconds: float = _SECONDS) -> None:
        self._tries, self._seconds = tries, seconds
        self.renew()

    def renew(self) -> None:
        """Begin anew, since there was progress."""
        self._left, self._end = self._tries, time.monotonic() + self._seconds

    def wait(self, after: float | None = None) -> bool:
        """Wait before the next try, and return whether there is one."""
        self._left -= 1
        pause = FIRST_SECONDS * 2.0 ** (self._tries - self._left - 1) * random.uniform(0.5, 1.0)
        pause = max(pause, after or 0.0)
        if self._left < 1 or time.monotonic() + pause > self._end:
            return False
        time.sleep(pause)
        return True


def persevere(attempt: Callable[[], T], patience: Patience | None = None) -> T:
    """Return what an attempt returns, trying again after a `Passing` failure while patience lasts.

    Examples
    --------
    >>> from learnware.market.remote.patience import persevere
    >>> persevere(lambda: 3)
    3
    """
    patience = patience or Patience()
    while True:
        try:
            return attempt()
        except Passing as passing:
            if not patience.wait(passing.after):
                raise passing.error from passing.__cause__
