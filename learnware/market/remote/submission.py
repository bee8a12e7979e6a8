"""Send a learnware and wait for what the market's checks say about it."""

from __future__ import annotations

import io
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from learnware._progress import progress_bar
from learnware.errors import MarketError, MarketUnreachable
from learnware.market.remote.download import LARGE_BYTES
from learnware.market.remote.session import Call
from learnware.market.store.base import is_id
from learnware.market.wire import error_of

if TYPE_CHECKING:
    from learnware.market.remote.session import Session

_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
_STATES = ("pending", "running", "verified", "failed")

# Each question waits at the market; one that answers at once all the same is not asked all the time.
_WAIT_SECONDS, _PAUSE_SECONDS = 20, 0.5
_LONGEST_SECONDS = 3600.0


@dataclass(frozen=True)
class _Submission:
    id: str
    learnware_id: str
    state: str
    outcome: Mapping[str, Any]

    @classmethod
    def read(cls, content: object) -> _Submission:
        told = content if isinstance(content, Mapping) else {}
        name, learnware_id, state, outcome = (told.get(k) for k in ("id", "learnware_id", "state", "outcome"))
        if not isinstance(name, str) or not isinstance(learnware_id, str) or not isinstance(state, str):
            raise _unreadable()
        if not _ID.fullmatch(name) or not is_id(learnware_id) or state not in _STATES:
            raise _unreadable()
        return cls(name, learnware_id, state, outcome if isinstance(outcome, Mapping) else {})


def _unreadable() -> MarketError:
    return MarketError("The market answered a submission with something that cannot be read.")


def send(session: Session, method: str, path: str, data: bytes, query: Mapping[str, str]) -> str:
    """Send the bytes of a learnware, wait until they are verified, and return the id.

    Raises
    ------
    RejectedLearnware
        The checks refuse it.
    MarketUnreachable
        The market went away; the message tells the id of what it may take in all the same.
    """
    headers = {"Content-Type": "application/zip", "Idempotency-Key": secrets.token_hex(16)}
    with _bar(len(data)) as bar:
        call = Call(method, path, query=query, headers=headers, reader=lambda: _Reader(data, bar), wait=_WAIT_SECONDS)
        submission = _Submission.read(session.answer(call))
    submission = _finished(session, submission)
    if submission.state == "failed":
        problem = submission.outcome.get("problem")
        status = problem.get("status") if isinstance(problem, Mapping) else None
        raise error_of(problem, status if isinstance(status, int) else 422)
    return submission.learnware_id


def _finished(session: Session, submission: _Submission) -> _Submission:
    end = time.monotonic() + _LONGEST_SECONDS
    while submission.state not in ("verified", "failed"):
        began = time.monotonic()
        if began > end:
            raise MarketError(
                f"The market has not verified learnware {submission.learnware_id} within an hour. It has the file, and "
                f"takes it in once it has: look for it later, under submission {submission.id}."
            )
        try:
            content = session.ask("GET", f"/submissions/{submission.id}", query={"wait": _WAIT_SECONDS}, wait=20.0)
        except MarketUnreachable as error:
            raise MarketUnreachable(
                f"{error} It has the file of learnware {submission.learnware_id}, and takes it in should the checks "
                f"pass: look for it before you send it again, under submission {submission.id}."
            ) from error
        submission = _Submission.read(content)
        if time.monotonic() - began < _PAUSE_SECONDS and submission.state not in ("verified", "failed"):
            time.sleep(_PAUSE_SECONDS)
    return submission


def _bar(n_bytes: int) -> Any:
    shown = None if n_bytes >= LARGE_BYTES else False
    return progress_bar(total=n_bytes, desc="sending", shown=shown, unit="B", unit_scale=True, unit_divisor=1024)


class _Reader(io.BytesIO):
    """Bytes that move a progress bar as they are read."""

    def __init__(self, data: bytes, bar: Any) -> None:
        super().__init__(data)
        self._bar = bar

    def read(self, size: int | None = -1, /) -> bytes:
        piece = super().read(size)
        self._bar.update(self.tell() - self._bar.n)
        return piece
