"""Models to run: stored ones, source code, and a worker that says whatever a test tells it to."""

from __future__ import annotations

import io
import json
import os
import tempfile
import textwrap
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from learnware.limits import Limits
from learnware.models import ModelEntry, save
from learnware.models.level import Level
from learnware.models.python import pack_code
from learnware.runtime.base import Environment, StoredModel
from learnware.runtime.environment.installed import host_environment
from learnware.runtime.inside import frames
from learnware.runtime.runners import OwnRunner, Start
from learnware.runtime.worker.process import LocalLauncher
from learnware.runtime.worker.worker import Worker

X = np.random.default_rng(0).normal(size=(200, 4))
MODELS = ("logistic", "forest", "linear")
_CLASS = "class Model(BaseModel):\n"


@cache
def fitted(name: str) -> Any:
    """Return one of `MODELS`, fitted on `X`."""
    # Here, so that a process which only needs code does not wait for scikit-learn.
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LinearRegression, LogisticRegression

    if name == "logistic":
        return LogisticRegression().fit(X, np.where(X[:, 0] > 0, "yes", "no"))
    if name == "forest":
        return RandomForestClassifier(5, random_state=0).fit(X, (X[:, 1] > 0).astype(int))
    return LinearRegression().fit(X, X @ [1.0, 2.0, 3.0, 4.0])


@cache
def stored(name: str) -> StoredModel:
    """Return one of `MODELS` as it is stored."""
    return stored_model(fitted(name), X, name)


def stored_model(model: Any, sample: Any, name: str = "a model") -> StoredModel:
    """Return a fitted model as it is stored."""
    with tempfile.TemporaryDirectory() as folder:
        entry = save(model, Path(folder), sample=sample)
        files = {file: (Path(folder) / file).read_bytes() for file in entry.files}
    return StoredModel(name, entry, Level.UNSAFE_MEMORY, lambda: files)


def code(
    text: str = "",
    *,
    files: Mapping[str, str] | None = None,
    task: str = "Regression",
    classes: tuple[Any, ...] | None = None,
    **parameters: str,
) -> StoredModel:
    """Return a model of source code: of files, or of the body of its class."""
    body = textwrap.indent(textwrap.dedent(text), "    ")
    module = f"import os, sys, time\nimport numpy as np\nfrom learnware.model import BaseModel\n{_CLASS}{body}"
    packed = pack_code({name: content.encode() for name, content in (files or {"__init__.py": module}).items()})
    parameters = {"class_name": "Model", "module_path": "__init__.py", "kwargs": "{}", **parameters}
    entry = ModelEntry("python", tuple(packed), "Others", (), task, classes, 4, parameters=parameters)
    return StoredModel("some code", entry, Level.CODE, lambda: packed)


def own_runner(model: StoredModel, limits: Limits | None = None) -> OwnRunner:
    """Return a runner for code in a plain process of its own."""
    environment = host_environment()
    return OwnRunner(model, lambda folder: Start(LocalLauncher(environment), environment), limits or Limits())


class FakeProcess:
    """A process whose answers are written before it is asked."""

    def __init__(self, said: bytes) -> None:
        to_read, self._to_write = os.pipe()
        from_read, from_write = os.pipe()
        errors_read, errors_write = os.pipe()
        self.to_worker: BinaryIO = io.FileIO(self._to_write, "w")
        self.from_worker: BinaryIO = io.FileIO(from_read)
        self.errors: BinaryIO = io.FileIO(errors_read)
        os.write(from_write, said[: 2**15])
        os.close(from_write)
        os.close(errors_write)
        self._to_read: int | None = to_read

    def confine(self) -> None: ...

    def kill(self) -> None:
        if self._to_read is not None:
            os.close(self._to_read)
            self._to_read = None

    def wait(self) -> int:
        return 1

    def ran_out_of_memory(self) -> bool:
        return False


class FakeLauncher:
    """Starts a `FakeProcess` that is ready, and then says `said`; `answer` lies in the memory for answers."""

    uid: int | None = None

    def __init__(self, said: bytes, answer: bytes = b"") -> None:
        self._said = frame({"ready": True}) + said
        self._answer = answer

    def start(self, arguments: list[str], inherited: tuple[int, ...]) -> FakeProcess:
        if inherited:
            os.pwrite(inherited[1], self._answer, 0)
        return FakeProcess(self._said)

    def seen(self, path: Path) -> str:
        return str(path)


def frame(message: Any) -> bytes:
    """Return a message with its length, however wrong it is."""
    text = json.dumps(message).encode()
    return frames.LENGTH.pack(len(text)) + text


def fake_worker(said: bytes, answer: bytes = b"") -> Worker:
    """Return a worker that has said its answer to the first message already."""
    environment = Environment(Path("python"), (), (), "host")
    return Worker(FakeLauncher(said, answer), environment, Limits(), name="fake")
