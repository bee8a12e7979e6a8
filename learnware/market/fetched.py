"""Learnwares that were fetched, so that one fetched again has its model loaded already."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from threading import Lock

from learnware.bundle import Learnware, Policy
from learnware.errors import BundleError

#: Levels of models of data: they cannot be trained, and share a worker.
SHARING = ("T0", "T1")

#: So many learnwares of data, those fetched last, stay in memory with the models they have loaded.
KEPT = 32

#: And no more than those whose files have so many bytes together.
KEPT_BYTES = 256 * 2**20


class Fetched:
    """Learnwares by the sha256 of their bytes: those in use, and of those that share a worker the last few.

    One with a process of its own is never kept for later, since its process would go on when nobody uses it.

    Parameters
    ----------
    policy : Policy
        Where their models run.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._lock = Lock()
        self.clear()

    def get(self, digest: str, data: bytes, learnware_id: str) -> Learnware:
        """Return the learnware that `data` is, under an id; its model is shared with whoever else uses it."""
        with self._lock:
            learnware = self._used.get(digest) or Learnware.from_bytes(data, **vars(self._policy))
            self._used[digest] = learnware
            self._keep(digest, learnware, len(data))
        given = learnware.with_id(learnware_id)
        # The one in here, which nobody can change by fitting it, is there for as long as the one given away.
        weakref.finalize(given, _let_go, learnware).atexit = False
        return given

    def held(self, digest: str) -> Learnware | None:
        """Return a learnware of data that is in use or kept, or None."""
        learnware = self._used.get(digest)
        return learnware if learnware is not None and _is_data(learnware) else None

    def clear(self) -> None:
        """Keep none for later; processes end when nobody else uses them."""
        self._used: weakref.WeakValueDictionary[str, Learnware] = weakref.WeakValueDictionary()
        self._kept: OrderedDict[str, tuple[Learnware, int]] = OrderedDict()

    def renew(self) -> None:
        """Start anew in a fork, where another thread may have been at work."""
        self._lock = Lock()
        self.clear()

    def _keep(self, digest: str, learnware: Learnware, n_bytes: int) -> None:
        if not self._policy.shares_worker or not _is_data(learnware):
            return
        self._kept[digest] = learnware, n_bytes
        self._kept.move_to_end(digest)
        while len(self._kept) > KEPT or sum(size for _, size in self._kept.values()) > KEPT_BYTES:
            self._kept.popitem(last=False)


def _is_data(learnware: Learnware) -> bool:
    try:
        return str(learnware.level) in SHARING
    except BundleError:
        # Its first prediction will say so; whoever only copies its file need not hear of it.
        return False


def _let_go(learnware: Learnware) -> None:
    """Do nothing: that it is registered has kept the learnware until now."""
