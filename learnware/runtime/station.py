"""A place where models run: a worker that is started when it is first needed, and again when it has died."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware.errors import BadPrediction
from learnware.limits import Limits
from learnware.runtime.base import StoredModel
from learnware.runtime.worker.failures import ModelAbsent
from learnware.runtime.worker.living import forget_in_forks
from learnware.runtime.worker.worker import ANSWERED, Worker

Array = npt.NDArray[Any]
# So much of an image, or of text, is given the time of one row of a table.
_NUMBERS, _CHARACTERS = 256, 1000


class Station:
    """Keeps at most one worker, for one caller at a time.

    Parameters
    ----------
    start : callable
        Starts a worker for the learnware of the given title.

    Attributes
    ----------
    lock : RLock
        Held during a call.
    """

    def __init__(self, start: Callable[[str], Worker]) -> None:
        self._start = start
        self.lock = threading.RLock()
        self._worker: Worker | None = None
        # Its worker ends by itself with this process, whoever holds the lock then.
        forget_in_forks(self)

    @property
    def alive(self) -> bool:
        """Whether a worker is there that can take a call."""
        with self.lock:
            return self._worker is not None and self._worker.alive

    def call(
        self,
        stored: StoredModel,
        key: str,
        load: Callable[[Worker], None],
        method: str,
        tables: list[Any],
        limits: Limits,
    ) -> Array | None:
        """Call a method of a model, which is loaded if the worker does not have it.

        Parameters
        ----------
        stored : StoredModel
            The model.
        key : str
            Its id in the worker.
        load : callable
            Makes a worker load it.
        method : str
            The method.
        tables : list
            Its arguments.
        limits : Limits
            What the call may take.
        """
        n_rows = len(tables[0])
        answered = method in ANSWERED
        seconds = limits.seconds(_rows_of_time(tables[0])) if answered else limits.longest_call_seconds
        with self.lock:
            worker = self._worker
            if worker is None or not worker.alive:
                worker = self._worker = self._start(stored.name)
            call = partial(
                worker.call, key, method, tables, name=stored.name, seconds=seconds, limit=limits.answer_bytes(n_rows)
            )
            if key not in worker.models:
                load(worker)
            try:
                answer = call()
            except ModelAbsent:
                load(worker)
                answer = call()
        if answer is not None and (answer.ndim == 0 or len(answer) != n_rows):
            raise BadPrediction(
                f"The model of {stored.name!r} must answer {method} with {n_rows} rows. Got shape {answer.shape}. Tell "
                "its developer."
            )
        return answer

    def drop(self, key: str) -> None:
        """Forget a model; takes no lock, so it may be called while objects are being removed."""
        worker = self._worker
        if worker is not None:
            worker.drop(key)

    def close(self) -> None:
        """End the worker."""
        with self.lock:
            worker, self._worker = self._worker, None
            if worker is not None:
                worker.close()

    def forget(self) -> None:
        """Start anew in a fork of this process, where another thread may have held the lock."""
        self.lock = threading.RLock()
        self._worker = None


def _rows_of_time(table: Any) -> int:
    """Return how many rows of a table take about as long as these samples."""
    n_rows = len(table)
    if not isinstance(table, np.ndarray) or table.ndim == 2:
        return n_rows
    if table.dtype == object:
        return max(n_rows, sum(len(text) for text in table if isinstance(text, str)) // _CHARACTERS)
    return max(n_rows, table.size // _NUMBERS)
