"""What verifies submissions in the background."""

from __future__ import annotations

import hashlib
import sys
import time
import traceback
from itertools import chain, repeat
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from learnware.bundle import Learnware, Policy
from learnware.errors import (
    ChecksumMismatch,
    IsolationUnavailable,
    LearnwareError,
    LearnwareNotFound,
    MarketError,
    MissingDependency,
    NotAllowed,
)
from learnware.market import LocalMarket
from learnware.market.checker import CheckReport
from learnware.market.wire.problem import problem_of
from learnware.server.accounts.users import Users
from learnware.server.database import open_database
from learnware.server.submissions.incoming import Incoming
from learnware.server.submissions.queue import Queue
from learnware.server.submissions.submission import Submission

if TYPE_CHECKING:
    from typing import Self

#: A submission that was begun so often, and each time the worker died, is given up.
MOST_ATTEMPTS = 3
#: After so many submissions a worker ends, since models that ran leave memory behind; another takes its place.
MOST_SUBMISSIONS = 200

_POLL_SECONDS = 0.2
_SWEEP_SECONDS = 600.0
_RETRY_SECONDS = (0.2, 1.0, 5.0, 20.0)

# The learnware is not to blame: whoever runs the dock must hear of it.
_MACHINE = (MarketError, IsolationUnavailable, MissingDependency)


class Worker:
    """Verifies the submissions of a dock, one after the other.

    Parameters
    ----------
    folder : Path
        The market folder.
    policy : Policy, optional
        Where models run that are verified; default: apart from this process.

    Notes
    -----
    Any number of workers share a queue. Whatever moment one dies at, another does its submission again, which changes
    nothing that is done already: `LocalMarket.admit` takes the same bytes only once, and a submission that fails the
    second time has not failed if its learnware is in the store.
    """

    def __init__(self, folder: Path, policy: Policy | None = None) -> None:
        self._policy = policy or Policy()
        self._incoming = Incoming(folder)
        # First, since a folder that holds other files and no market is refused.
        self._market = LocalMarket.in_folder(folder, policy=self._policy)
        try:
            self._database = open_database(folder)
        except BaseException:
            self._market.close()
            raise
        self._queue = Queue(self._database, self._incoming)

    def run(self, stop: Event, once: bool = False) -> int:
        """Verify what comes until `stop` is set or enough has been verified.

        Parameters
        ----------
        stop : Event
            Once it is set, the submission at hand is finished and no other is begun.
        once : bool, default=False
            End when nothing waits any more.

        Returns
        -------
        int
            How many submissions were verified or failed.
        """
        done, swept = 0, -_SWEEP_SECONDS
        with self._queue.begin_life() as life:
            while not stop.is_set() and done < MOST_SUBMISSIONS:
                if time.monotonic() - swept > _SWEEP_SECONDS:
                    self._queue.sweep()
                    swept = time.monotonic()
                submission = self._queue.claim(life.name)
                if submission is not None:
                    self._handle(submission, stop)
                    done += 1
                elif once:
                    break
                else:
                    stop.wait(_POLL_SECONDS)
        return done

    def close(self) -> None:
        """Close the market and the database."""
        self._database.close()
        self._market.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _handle(self, submission: Submission, stop: Event) -> None:
        try:
            self._finish(submission, self._outcome(submission), stop)
        except (KeyboardInterrupt, SystemExit):
            # Whoever runs the dock cannot wait; the learnware is not what ended this worker.
            self._queue.give_back(submission)
            raise

    def _outcome(self, submission: Submission) -> dict[str, Any]:
        """Return the outcome of a submission: a report if it was verified, a problem if it failed."""
        try:
            return {"report": self._admit(submission).to_dict()}
        except _Fault as fault:
            problem = fault.problem
        except LearnwareError as error:
            problem = problem_of(error)
            if isinstance(error, _MACHINE):
                _log(f"submission {submission.id} failed for a fault of this machine: {error}")
        except Exception as error:  # noqa: BLE001  (whatever it is, the next submission has its turn)
            problem = problem_of(error)
            _log(f"submission {submission.id} failed for a fault of the library:\n{traceback.format_exc()}")
        report = self._stored(submission)
        return {"problem": problem} if report is None else {"report": report.to_dict()}

    def _admit(self, submission: Submission) -> CheckReport:
        if submission.attempts > MOST_ATTEMPTS:
            raise _Fault(
                "worker-died",
                "The process that verified the learnware died",
                422,
                f"The process that verified this learnware died {MOST_ATTEMPTS} times. The model may want more memory "
                "than there is.",
            )
        if Users(self._database).get(submission.owner).disabled is not None:
            raise NotAllowed("The account that sent this has been disabled.")
        learnware = self._opened(submission)
        if submission.kind == "update":
            self._market.revisions(submission.learnware_id)  # or LearnwareNotFound: it was removed meanwhile
        return self._market.admit(submission.learnware_id, learnware)

    def _opened(self, submission: Submission) -> Learnware:
        try:
            data = self._incoming.path(submission.id).read_bytes()
        except FileNotFoundError:
            raise _Fault(
                "upload-lost", "The upload is lost", 500, "The server has lost the uploaded file. Send it again."
            ) from None
        if hashlib.sha256(data).hexdigest() != submission.digest:
            _log(f"{self._incoming.path(submission.id)} has changed since it was uploaded: its disk may be failing")
            raise ChecksumMismatch("The uploaded file has changed on the server's disk. Send it again.")
        learnware = Learnware.from_bytes(data, **vars(self._policy))
        learnware.verify()
        return learnware

    def _stored(self, submission: Submission) -> CheckReport | None:
        """Return the report of a learnware that an earlier attempt stored before its worker died, else None."""
        try:
            current = self._market.revisions(submission.learnware_id)[-1]
            # Nothing else comes in under the id of a new learnware, whose digest differs if it had to be converted.
            if submission.kind == "submit" or current.digest == submission.digest:
                return CheckReport(self._market.describe(submission.learnware_id).semantic.name)
        except LearnwareNotFound:
            pass
        return None

    def _finish(self, submission: Submission, outcome: dict[str, Any], stop: Event) -> None:
        state: Literal["verified", "failed"] = "verified" if "report" in outcome else "failed"
        # What was found out is not given up because a disk is full; nothing else could be written down either.
        for pause in chain(_RETRY_SECONDS, repeat(_RETRY_SECONDS[-1])):
            try:
                return self._queue.finish(submission, state, outcome)
            except MarketError as error:
                _log(f"submission {submission.id} is {state}, which cannot be written down yet: {error}")
                if stop.wait(pause):
                    raise


class _Fault(Exception):
    """A submission failed, and no error of the library is the reason."""

    def __init__(self, code: str, title: str, status: int, detail: str) -> None:
        super().__init__(detail)
        self.problem = {
            "type": f"urn:learnware:problem:{code}",
            "title": title,
            "status": status,
            "detail": detail,
            "code": code,
        }


def _log(text: str) -> None:
    print(f"learnware worker: {text}", file=sys.stderr, flush=True)
