"""The contracts of this room: what is run, who runs it, and in which process."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy.typing as npt

from learnware.models.base import ModelEntry
from learnware.models.level import Level

#: The program that runs in a worker, and the package that it needs for models of data.
INSIDE = Path(__file__).parent / "inside"
PACKAGE = Path(__file__).parents[1]


@dataclass(frozen=True)
class StoredModel:
    """A model as files, and what must be known to run it.

    Parameters
    ----------
    name : str
        Title of its learnware, for messages.
    entry : ModelEntry
        How it is stored and what it answers.
    level : Level
        What running it can do.
    files : callable
        Returns the content of its files by name, checked against the manifest.
    """

    name: str
    entry: ModelEntry
    level: Level
    files: Callable[[], Mapping[str, bytes]] = field(repr=False)


class Runner(ABC):
    """Answers calls for one stored model, whichever process that takes.

    A runner starts what it needs on the first call, and again when it has died. Threads may share one.
    """

    @abstractmethod
    def call(self, method: str, X: Any, y: Any = None) -> npt.NDArray[Any] | None:
        """Call a method of the model.

        Parameters
        ----------
        method : {"predict", "predict_proba", "fit", "finetune"}
            The last two take `y` and change the model, which lives on in the runner.
        X : ndarray or pandas.DataFrame
            Rows as the model takes them.
        y : ndarray, optional
            Targets.

        Returns
        -------
        ndarray or None
            The answer, in memory of the caller's own; None from ``fit`` and ``finetune``.

        Raises
        ------
        ModelFailure
            The model raised, answered with something other than an array of plain values, or took too much.
        BundleError
            Its files cannot be read as what they claim to be.
        """

    @abstractmethod
    def close(self) -> None:
        """End what the runner has started; the next call starts it again."""


@dataclass(frozen=True)
class Environment:
    """A Python with packages, for workers to run in.

    Parameters
    ----------
    python : Path
        The interpreter itself, not the link to it inside a virtual environment.
    library : tuple of Path
        Folders with installed packages, in order of precedence.
    mounts : tuple of Path
        Folders that a worker needs to see, and may only read: those of the interpreter and `library`.
    key : str
        ``"host"`` for the environment of this process, else a digest of what it holds.
    """

    python: Path
    library: tuple[Path, ...]
    mounts: tuple[Path, ...]
    key: str


class Process(Protocol):
    """A started worker.

    Attributes
    ----------
    to_worker, from_worker, errors : binary file
        Its control channel, and its standard error.
    """

    to_worker: BinaryIO
    from_worker: BinaryIO
    errors: BinaryIO

    def confine(self) -> None:
        """Put the worker under limits that bind from outside; called once, before it sees anything foreign."""

    def kill(self) -> None:
        """End the worker and every process that it started, and give back what the start had taken."""

    def wait(self) -> int:
        """Wait for its end and return the exit status, negative for a signal."""

    def ran_out_of_memory(self) -> bool:
        """Tell whether it was ended for taking too much memory."""


class Launcher(Protocol):
    """Starts the worker program in some kind of process.

    Attributes
    ----------
    uid : int or None
        The user that the next worker must become before it sees anything foreign; None to stay the one who starts it.
    """

    @property
    def uid(self) -> int | None: ...

    def start(self, arguments: list[str], inherited: tuple[int, ...]) -> Process:
        """Start ``python -I -S`` with `arguments`, its control channel on the standard input and output.

        Parameters
        ----------
        arguments : list of str
            What follows ``python -I -S`` on the command line.
        inherited : tuple of int
            Further file descriptors that the worker keeps under their numbers: the shared memory.
        """

    def seen(self, path: Path) -> str:
        """Return where the worker sees a file of this machine."""
