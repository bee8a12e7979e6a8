"""Models that run in the process of the caller."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware.errors import LearnwareError, ModelFailure
from learnware.models import load
from learnware.models.base import Predictor
from learnware.runtime.base import Runner, StoredModel
from learnware.runtime.worker.living import forget_in_forks
from learnware.runtime.worker.model_folder import ModelFolder
from learnware.runtime.worker.worker import ANSWERED


class InProcessRunner(Runner):
    """Calls a model directly.

    Parameters
    ----------
    model : StoredModel or object with ``predict``
        The model; a stored one is loaded on the first call, once however many threads ask.
    name : str, default=""
        Title of its learnware, for messages; a stored model brings its own.
    """

    def __init__(self, model: StoredModel | Predictor, *, name: str = "") -> None:
        self._stored = model if isinstance(model, StoredModel) else None
        self._model = None if isinstance(model, StoredModel) else model
        self._name = model.name if isinstance(model, StoredModel) else name
        self.forget()
        forget_in_forks(self)

    def call(self, method: str, X: Any, y: Any = None) -> npt.NDArray[Any] | None:
        """Call a method of the model; see `Runner.call`."""
        model = self._loaded()
        if method not in ANSWERED:
            raise ModelFailure(refusal(self._name, method))
        try:
            return np.asarray(getattr(model, method)(X))
        except LearnwareError:
            raise
        except MemoryError:
            raise
        except Exception as error:
            raise ModelFailure(
                f"The model of {self._name!r} raised {type(error).__name__}: {str(error).rstrip('.')}. If X has the "
                "same meaning as the columns in its specification, tell the model's developer."
            ) from error

    def close(self) -> None:
        """Forget a stored model; the next call loads it again."""
        if self._stored is not None:
            self._model = None

    def forget(self) -> None:
        """Take a new lock in a fork of this process, where another thread may have held it."""
        self._lock = threading.Lock()

    def _loaded(self) -> Any:
        model = self._model
        if model is None:
            with self._lock:
                model = self._model = self._model or self._load()
        return model

    def _load(self) -> Any:
        stored = self._stored
        if stored is None:
            raise ModelFailure(f"The model of {self._name!r} is not there.")
        with ModelFolder(stored) as folder:
            return load(folder.path, stored.entry)


def refusal(name: str, method: str) -> str:
    """Return why a model of data does not learn."""
    return (
        f"The model of {name!r} is stored as data and does not learn any more, so it has no {method}. Only models of "
        "Python code do; else train a model of your own on its answers, as the reusers do."
    )
