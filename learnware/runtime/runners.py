"""Models that run in other processes: many of plain data in one, or one alone."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt

from learnware._validation import check_option
from learnware.errors import ModelFailure, WorkerCrashed
from learnware.limits import Limits
from learnware.models.level import Level
from learnware.runtime.base import Environment, Launcher, Runner, StoredModel
from learnware.runtime.inprocess import refusal
from learnware.runtime.station import Station
from learnware.runtime.worker.model_folder import ModelFolder
from learnware.runtime.worker.worker import ANSWERED, Worker

Array = npt.NDArray[Any]
_METHODS = (*ANSWERED, "fit", "finetune")
_LOST = (
    "What it had learned by fit or finetune is lost with its process: train it again, or load the learnware again for "
    "the model as it was stored."
)
_numbers = itertools.count(1)


class SharedRunner(Runner):
    """Runs a model of data in a worker that it shares with others; the worker forgets it when the runner is gone.

    Parameters
    ----------
    stored : StoredModel
        The model.
    station : Station
        Where it runs.
    limits : Limits
        What a call may take. The memory is that of the station.
    """

    def __init__(self, stored: StoredModel, station: Station, limits: Limits) -> None:
        self._stored = stored
        self._station = station
        self._limits = limits
        self._key = f"model-{next(_numbers)}"
        weakref.finalize(self, station.drop, self._key).atexit = False

    def call(self, method: str, X: Any, y: Any = None) -> Array | None:
        """Call a method of the model; see `Runner.call`."""
        if _checked(method) not in ANSWERED:
            raise ModelFailure(refusal(self._stored.name, method))
        return self._station.call(self._stored, self._key, self._load, method, [X], self._limits)

    def close(self) -> None:
        """Let the worker forget the model."""
        self._station.drop(self._key)

    def _load(self, worker: Worker) -> None:
        with ModelFolder(self._stored) as folder:
            _load(worker, self._key, folder, self._stored, self._limits)


@dataclass(frozen=True)
class Start:
    """How to start the worker of one model.

    Parameters
    ----------
    launcher : Launcher
        Starts the process.
    environment : Environment
        What it runs.
    further : sequence of str, default=()
        Further folders to import from, as the worker sees them.
    most_processes : bool, default=False
        Whether to hold it to a number of processes.
    """

    launcher: Launcher
    environment: Environment
    further: Sequence[str] = ()
    most_processes: bool = False


class OwnRunner(Runner):
    """Runs a model in a worker of its own; what it learns lives on in there.

    Parameters
    ----------
    stored : StoredModel
        The model.
    start : callable
        Returns how to start a worker that sees the folder of the model's files.
    limits : Limits
        What the worker and its calls may take.
    """

    def __init__(self, stored: StoredModel, start: Callable[[Path], Start], limits: Limits) -> None:
        self._own = _Own(stored, start, limits)
        weakref.finalize(self, self._own.close).atexit = False

    def call(self, method: str, X: Any, y: Any = None) -> Array | None:
        """Call a method of the model; see `Runner.call`."""
        return self._own.call(_checked(method), [X] if y is None else [X, y])

    def close(self) -> None:
        """End the worker; what the model has learned is lost."""
        self._own.close()


class _Own:
    """Worker, files and state of an `OwnRunner`, which can be given back when nobody holds the runner any more."""

    def __init__(self, stored: StoredModel, start: Callable[[Path], Start], limits: Limits) -> None:
        self._stored = stored
        self._start = start
        self._limits = limits
        self._station = Station(self._started)
        self._folder: ModelFolder | None = None
        self._has_learned = False

    def call(self, method: str, tables: list[Any]) -> Array | None:
        learns = method not in ANSWERED
        if learns and self._stored.level is not Level.CODE:
            raise ModelFailure(refusal(self._stored.name, method))
        with self._station.lock:
            # Never the answers of the stored model where those of the trained one are meant.
            if self._has_learned and not learns and not self._station.alive:
                raise WorkerCrashed(f"The process that ran the model of {self._stored.name!r} has ended. {_LOST}")
            try:
                answer = self._station.call(self._stored, "model", self._load, method, tables, self._limits)
            except ModelFailure as error:
                if self._has_learned and not self._station.alive:
                    raise _with_loss(error) from error
                # A fit that failed half-way has changed the model too.
                self._has_learned = self._station.alive and (self._has_learned or learns)
                raise
            self._has_learned = self._has_learned or learns
            return answer

    def close(self) -> None:
        with self._station.lock:
            self._has_learned = False
            self._station.close()
            if self._folder is not None:
                self._folder.close()

    def _started(self, name: str) -> Worker:
        if self._folder is None or not self._folder.exists:
            self._folder = ModelFolder(self._stored)
        start = self._start(self._folder.path)
        return Worker(
            start.launcher,
            start.environment,
            self._limits,
            name=name,
            further=start.further,
            most_processes=start.most_processes,
        )

    def _load(self, worker: Worker) -> None:
        folder = self._folder
        if folder is None:
            raise WorkerCrashed(f"The files of the model of {self._stored.name!r} are gone; call again.")
        _load(worker, "model", folder, self._stored, self._limits)
        if self._stored.level is not Level.CODE:
            # Code may read its files whenever it likes; data is read once.
            folder.close()


def _load(worker: Worker, key: str, folder: ModelFolder, stored: StoredModel, limits: Limits) -> None:
    worker.load(
        key,
        folder.path,
        stored.entry,
        code=stored.level is Level.CODE,
        name=stored.name,
        seconds=limits.load_seconds,
    )


def _checked(method: str) -> str:
    return check_option(method, _METHODS, "method", "Runner.call")


def _with_loss(error: ModelFailure) -> ModelFailure:
    message = f"{error} {_LOST}"
    if isinstance(error, WorkerCrashed):
        return WorkerCrashed(message, signal=error.signal, tail=error.tail)
    return type(error)(message)
