"""What a dock stands on: the market, the accounts, the queue, and the rates."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from learnware.market.store import is_id
from learnware.server.accounts.actor import Actor
from learnware.server.accounts.audit import Audit
from learnware.server.accounts.authorize import Action, Resource, authorize, check_known, not_found
from learnware.server.accounts.rates import Rates
from learnware.server.accounts.tokens import Tokens
from learnware.server.accounts.users import Users
from learnware.server.database import open_database
from learnware.server.dock.market import DockMarket
from learnware.server.dock.verified import Verified
from learnware.server.library import Library
from learnware.server.settings import Settings
from learnware.server.submissions.incoming import Incoming
from learnware.server.submissions.queue import Queue

if TYPE_CHECKING:
    from typing import Self


class Foundation:
    """What all parts of a dock share; see `Dock`."""

    def __init__(self, folder: str | os.PathLike[str], settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self.folder = Path(folder)
        self.market = DockMarket(self.folder)
        self.store = self.market.store
        try:
            self.database = open_database(self.folder)
        except BaseException:
            self.market.close()
            raise
        self.library = Library(self.database)
        self.people, self.keys, self.log = Users(self.database), Tokens(self.database), Audit(self.database)
        self.incoming = Incoming(self.folder)
        self.queue = Queue(self.database, self.incoming)
        self.rates = Rates(self.settings.rates)
        self.verified = Verified()

    def close(self) -> None:
        """Let go of all files."""
        self.database.close()
        self.market.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _learnware(self, actor: Actor, action: Action, reference: str) -> tuple[str, str | None, Resource]:
        """Return id and digest of a learnware that is there, and that an actor may do something to."""
        if action is not Action.READ and not is_id(reference):
            # What is changed is a learnware as a whole, never one of its revisions.
            raise not_found(reference)
        learnware_id = reference.partition("@")[0]
        held = self.library.holding(learnware_id)
        # Before the market is asked, so that it makes no difference whether what is hidden exists.
        check_known(actor, action, held)
        if learnware_id not in self.store:
            # The store would name others that look like it, which may be hidden.
            gone = self.store.removed(learnware_id) is not None
            raise self.store.unknown(learnware_id) if gone else not_found(reference)
        authorize(actor, action, held)
        learnware_id, digest = self.store.resolve(reference)
        return learnware_id, digest, held
