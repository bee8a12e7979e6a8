"""What was used lately is kept, the rest is let go of."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Lately(Generic[K, V]):
    """Values by keys, of which those stay that were used last; threads may share it.

    Parameters
    ----------
    n_most : int
        At most so many are kept.
    size : callable, optional
        How large a value is.
    most : int, default=0
        Together they are at most so large, except for the one used last.

    Examples
    --------
    >>> from learnware.market.organizer.lately import Lately
    >>> squares = Lately(2)
    >>> squares.put({2: 4, 3: 9})
    >>> squares.get([2])
    {2: 4}
    >>> squares.put({4: 16})
    >>> squares.get([2, 3, 4])
    {2: 4, 4: 16}
    """

    def __init__(self, n_most: int, size: Callable[[V], int] | None = None, most: int = 0) -> None:
        self._n_most, self._size, self._most = n_most, size, most
        self._kept: OrderedDict[K, V] = OrderedDict()
        self._total = 0
        self._lock = Lock()

    def get(self, keys: Collection[K]) -> dict[K, V]:
        """Return those of some keys that are kept."""
        with self._lock:
            found = {key: self._kept[key] for key in keys if key in self._kept}
            for key in found:
                self._kept.move_to_end(key)
        return found

    def put(self, values: dict[K, V]) -> None:
        """Keep values, the last one in any case."""
        with self._lock:
            for key, value in values.items():
                self._drop(key)
                self._kept[key] = value
                self._total += self._size_of(value)
            while len(self._kept) > 1 and (len(self._kept) > self._n_most or self._total > self._most):
                self._drop(next(iter(self._kept)))

    def drop(self, keys: Iterable[K]) -> None:
        """Let go of some keys."""
        with self._lock:
            for key in keys:
                self._drop(key)

    def known(self) -> set[K]:
        """Return the keys that are kept."""
        with self._lock:
            return set(self._kept)

    def _drop(self, key: K) -> None:
        if key in self._kept:
            self._total -= self._size_of(self._kept.pop(key))

    def _size_of(self, value: V) -> int:
        return 0 if self._size is None else self._size(value)
