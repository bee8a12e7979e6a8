"""What comes into the market, changes there, and leaves it."""

from __future__ import annotations

from learnware.errors import QuotaExceeded
from learnware.limits import LIMITS
from learnware.market.store import new_id
from learnware.server.accounts.actor import Actor
from learnware.server.accounts.authorize import Action, Resource, authorize
from learnware.server.dock.foundation import Foundation
from learnware.server.library import check_visibility
from learnware.server.submissions.incoming import Upload
from learnware.server.submissions.submission import Submission

_MIB = 2**20


class Intake(Foundation):
    """The part of a dock that takes learnwares in."""

    def receive(self, actor: Actor, learnware_id: str | None = None, key: str | None = None) -> Upload:
        """Begin to take in a learnware file, which `accept` ends; before a byte is read, whoever may not is refused.

        Parameters
        ----------
        actor : Actor
        learnware_id : str, optional
            The learnware that it is a new revision of; default: a new one.
        key : str, optional
            As for `accept`; whoever sends once more what was accepted already is not asked about quotas again.

        Raises
        ------
        QuotaExceeded
            The account has as many learnwares, bytes or waiting submissions as it may.
        TooManyRequests
            It has sent as many as it may in this hour.
        """
        if learnware_id is None:
            authorize(actor, Action.SUBMIT)
        else:
            self._learnware(actor, Action.EDIT, learnware_id)
        if key is None or not self.queue.knows(str(actor.user), key):
            self._check_quota(actor, new=learnware_id is None)
            self.rates.spend("upload", actor.key)
        return self.incoming.open(LIMITS["upload-bytes"])

    def accept(
        self,
        actor: Actor,
        upload: Upload,
        *,
        learnware_id: str | None = None,
        visibility: str = "public",
        key: str | None = None,
    ) -> Submission:
        """Acknowledge a learnware file: when this returns, it will be verified and, if it passes, be in the market.

        Parameters
        ----------
        actor : Actor
        upload : Upload
            The whole file.
        learnware_id : str, optional
            The learnware that it is a new revision of; default: a new one.
        visibility : {"public", "unlisted", "private"}, default="public"
            Who may see a new learnware.
        key : str, optional
            The same submission is not accepted twice from one account with one key.
        """
        if learnware_id is None:
            authorize(actor, Action.SUBMIT)
        else:
            self._learnware(actor, Action.EDIT, learnware_id)
        chosen = check_visibility(visibility)
        accepted = self.queue.accept(
            upload,
            owner=str(actor.user),
            kind="submit" if learnware_id is None else "update",
            learnware_id=new_id() if learnware_id is None else learnware_id,
            visibility=chosen,
            key=key,
        )
        self.log.note(actor, accepted.kind, accepted.learnware_id, f"submission {accepted.id}")
        return accepted

    def submission(self, actor: Actor, submission_id: str) -> Submission:
        """Return what has become of a submission."""
        found = self.queue.get(submission_id)
        authorize(actor, Action.FOLLOW, Resource(submission_id, found.owner))
        return found

    def submissions(
        self, actor: Actor, *, learnware_id: str | None = None, limit: int = 50, before: str | None = None
    ) -> list[Submission]:
        """Return one's own submissions, or those of a learnware of one's own, the latest first."""
        if learnware_id is None:
            authorize(actor, Action.FOLLOW)
            return self.queue.of(actor.user, limit=limit, before=before)
        authorize(actor, Action.FOLLOW, self.library.holding(learnware_id))
        return self.queue.for_learnware(learnware_id)[:limit]

    def set_visibility(self, actor: Actor, learnware_id: str, visibility: str) -> None:
        """Say who may see a learnware."""
        learnware_id, _, _ = self._learnware(actor, Action.EDIT, learnware_id)
        self.library.set_visibility(learnware_id, visibility)
        self.log.note(actor, "visibility", learnware_id, visibility)

    def remove(self, actor: Actor, learnware_id: str) -> None:
        """Take a learnware out of the market for good."""
        learnware_id, _, _ = self._learnware(actor, Action.DELETE, learnware_id)
        self.market.remove(learnware_id)
        self.log.note(actor, "remove", learnware_id)

    def _check_quota(self, actor: Actor, *, new: bool) -> None:
        if actor.user is None or actor.is_admin:
            return
        waiting, waiting_bytes = self.queue.open_of(actor.user)
        if waiting >= LIMITS["waiting-per-user"]:
            raise QuotaExceeded(f"{waiting} of your submissions wait to be verified. Send more when some are done.")
        ids = self.store.there(self.library.of(actor.user))
        if new and len(ids) + waiting >= LIMITS["learnwares-per-user"]:
            raise QuotaExceeded(f"You have {len(ids)} learnwares here, as many as you may. Remove some of them.")
        # All revisions count, since all are kept.
        used = self.store.n_bytes(ids) + waiting_bytes
        if used >= LIMITS["user-bytes"]:
            raise QuotaExceeded(f"Your learnwares here have {used / _MIB:,.0f} MiB, as much as they may. Remove some.")
