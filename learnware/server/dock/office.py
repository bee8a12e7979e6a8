"""What admins see and do."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

from learnware.server.accounts.actor import Actor
from learnware.server.accounts.audit import AuditEntry
from learnware.server.accounts.authorize import Action, authorize
from learnware.server.accounts.users import User
from learnware.server.dock.foundation import Foundation
from learnware.server.views import Overview

_DAYS_SHOWN = 30


class Office(Foundation):
    """The part of a dock that only admins use."""

    def users(self, actor: Actor) -> list[User]:
        """Return all accounts."""
        authorize(actor, Action.ADMINISTER)
        return list(self.people.list())

    def add_user(self, actor: Actor, name: str, password: str, role: str = "user") -> User:
        """Make an account."""
        authorize(actor, Action.ADMINISTER)
        user = self.people.add(name, password, role)
        self.log.note(actor, "add-user", name, role)
        return user

    def set_role(self, actor: Actor, name: str, role: str) -> None:
        """Make somebody an admin, or no longer one."""
        authorize(actor, Action.ADMINISTER)
        self.people.set_role(name, role)
        self.log.note(actor, "set-role", name, role)

    def set_disabled(self, actor: Actor, name: str, disabled: bool) -> None:
        """Lock somebody out, with all their tokens, or let them in again."""
        authorize(actor, Action.ADMINISTER)
        if disabled:
            self.people.disable(name)
        else:
            self.people.enable(name)
        self.log.note(actor, "disable-user" if disabled else "enable-user", name)

    def audit(self, actor: Actor, *, limit: int = 100, before: int | None = None) -> list[AuditEntry]:
        """Return what was done here, latest first."""
        authorize(actor, Action.ADMINISTER)
        return list(self.log.entries(limit, before))

    def overview(self, actor: Actor) -> Overview:
        """Return what the dock holds and does, in numbers."""
        authorize(actor, Action.ADMINISTER)
        return Overview(
            len(self.store),
            len(self.people.list()),
            {str(state): n for state, n in self.queue.counts().items()},
            self.store.n_bytes(),
            self._per_day(),
            self.market.n_by_task(),
        )

    def _per_day(self) -> list[tuple[date, int]]:
        today = datetime.now(timezone.utc).date()
        days = [today - timedelta(days=ago) for ago in reversed(range(_DAYS_SHOWN))]
        counted = self.queue.per_day(days[0])
        return [(day, counted.get(day, 0)) for day in days]
