"""A requests.Session for each thread of each process: they are not made to be shared."""

from __future__ import annotations

import os
import platform
from threading import Lock, local
from typing import TYPE_CHECKING
from weakref import WeakSet

from learnware import __version__

if TYPE_CHECKING:
    import requests

    from learnware.market.remote.bearer import Bearer


class Connections:
    """Gives every thread a session of its own, which keeps its connections open between requests.

    Parameters
    ----------
    bearer : Bearer
        Proves who asks.
    through_proxies : bool
        Whether proxies that the environment names are used.
    """

    def __init__(self, bearer: Bearer, *, through_proxies: bool) -> None:
        self._bearer = bearer
        self._through_proxies = through_proxies
        self.renew()

    def renew(self) -> None:
        """Begin anew in a fork, where the connections are the parent's."""
        self._lock = Lock()
        self._mine = local()
        # Weakly, since those of threads that have ended are of no more use.
        self._all: WeakSet[requests.Session] = WeakSet()

    def own(self) -> requests.Session:
        """Return the session of this thread."""
        known: requests.Session | None = getattr(self._mine, "session", None)
        if known is None:
            known = self._mine.session = self._new()
            with self._lock:
                self._all.add(known)
        return known

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._lock:
            sessions, self._all = list(self._all), WeakSet()
        for session in sessions:
            session.close()
        self._mine = local()

    def _new(self) -> requests.Session:
        import requests

        session = requests.Session()
        session.trust_env = self._through_proxies
        # Without proxies requests would not look for this either.
        session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
        session.auth = self._bearer
        session.headers["User-Agent"] = (
            f"learnware/{__version__} python/{platform.python_version()} requests/{requests.__version__}"
        )
        # Sizes are bounded as they come, which compression would belie.
        session.headers["Accept-Encoding"] = "identity"
        return session
