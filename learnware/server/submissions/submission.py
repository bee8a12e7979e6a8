"""One upload and what became of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Literal, get_args

Kind = Literal["submit", "update"]
State = Literal["pending", "running", "verified", "failed"]

STATES: tuple[State, ...] = get_args(State)

#: The columns that `submission_of` reads, in order.
COLUMNS = "id, kind, learnware_id, owner, digest, size, state, outcome, created, finished, worker, attempts"


@dataclass(frozen=True)
class Submission:
    """An upload that waits, is being verified, or has been.

    Parameters
    ----------
    id : str
    kind : {"submit", "update"}
        A new learnware, or the next revision of one.
    learnware_id : str
        The id that it has or will have.
    owner : str
        The account that sent it.
    digest : str
        Sha256 of the uploaded bytes.
    size : int
        Their number.
    state : {"pending", "running", "verified", "failed"}
    outcome : dict, optional
        Once finished: ``{"report": ...}`` of one that was verified, ``{"problem": ...}`` of one that failed.
    created : datetime
        When it was acknowledged, in UTC.
    finished : datetime, optional
    worker : str, optional
        Who verifies it.
    attempts : int
        How often somebody began to.
    """

    id: str
    kind: Kind
    learnware_id: str
    owner: str
    digest: str
    size: int
    state: State
    outcome: dict[str, Any] | None
    created: datetime
    finished: datetime | None
    worker: str | None = None
    attempts: int = 0

    @property
    def is_finished(self) -> bool:
        """Whether nothing will change any more."""
        return self.state in ("verified", "failed")


def submission_of(row: tuple[Any, ...]) -> Submission:
    """Return the submission of a row of `COLUMNS`."""
    values = dict(zip(COLUMNS.split(", "), row, strict=True))
    for name, read in (("outcome", json.loads), ("created", _moment), ("finished", _moment)):
        if values[name] is not None:
            values[name] = read(values[name])
    return Submission(**values)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)
