"""One worker from its start to its end: load a model, call its methods, and never believe what comes back."""

from __future__ import annotations

import contextlib
import json
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware.errors import BadPrediction, InvalidData, LearnwareError, ModelFailure, SandboxTimeout, WorkerCrashed
from learnware.limits import Limits
from learnware.models.base import ModelEntry
from learnware.runtime.base import INSIDE, PACKAGE, Environment, Launcher, Process
from learnware.runtime.inside import frames
from learnware.runtime.inside.arrays import Packer, check, check_values, take
from learnware.runtime.inside.frames import WireError
from learnware.runtime.inside.tables import NotPlain, pack_table
from learnware.runtime.worker.connection import Connection, Ended, Expired, connect
from learnware.runtime.worker.failures import ModelAbsent, crashed, out_of_memory, reported
from learnware.runtime.worker.living import keep
from learnware.runtime.worker.memory import shared_memory
from learnware.runtime.worker.spawning import spawn

Array = npt.NDArray[Any]

#: Methods that answer with an array; the others change the model and answer with nothing.
ANSWERED = ("predict", "predict_proba")

_BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from inside.serve import main; del sys.path[0]; main(sys.argv[2])"
_ANSWER_KINDS = "biufU"
_LARGEST_ANSWER = 2**30
# Libraries reserve far more addresses than they use memory.
_ADDRESSES_PER_BYTE = 4
_inherited: list[Process] = []


class Worker:
    """A running worker.

    Parameters
    ----------
    launcher : Launcher
        Starts the process.
    environment : Environment
        What the launcher runs.
    limits : Limits
        What the worker may take. Seconds are given with each call.
    name : str
        Title of the learnware that needs it, for messages.
    further : sequence of str, default=()
        Further folders, as the worker sees them, to import from.
    most_processes : bool, default=False
        Hold the worker to the number of processes too. Outside of a sandbox those of its user would count.

    Raises
    ------
    WorkerCrashed, SandboxTimeout
        It did not come up.
    """

    def __init__(
        self,
        launcher: Launcher,
        environment: Environment,
        limits: Limits,
        *,
        name: str,
        further: Sequence[str] = (),
        most_processes: bool = False,
    ) -> None:
        self.models: set[str] = set()
        self._launcher = launcher
        self._ended = False
        self._busy = False
        self._runs_code = False
        self._number = 0
        self._dropped: deque[str] = deque()
        # No worker can take in more than its memory.
        self._memory = shared_memory(int(limits.memory))
        self._largest_call = int(limits.memory)
        self._largest_answer = max(_LARGEST_ANSWER, int(limits.output))
        try:
            settings = self._settings(environment, limits, further, most_processes)
            arguments = ["-c", _BOOT, str(Path(launcher.seen(INSIDE)).parent), json.dumps(settings)]
            inherited = self._memory.files if self._memory else ()
            self._process = spawn(lambda: launcher.start(arguments, inherited))
        except BaseException as error:
            if self._memory:
                self._memory.close()
            if isinstance(error, OSError) and not isinstance(error, LearnwareError):
                raise WorkerCrashed(f"The process for the model of {name!r} cannot be started: {error}.") from error
            raise
        self._connection: Connection = connect(self._process)
        keep(self, process=True)
        with self._guarded(name, limits.load_seconds) as deadline:
            if self._receive(deadline) != {"ready": True}:
                raise WireError("a worker must first say that it is ready")
            self._process.confine()

    def _settings(
        self, environment: Environment, limits: Limits, further: Sequence[str], most_processes: bool
    ) -> dict[str, Any]:
        bounds = {
            "core": 0,
            "nofile": int(limits.files),
            "fsize": int(limits.scratch),
            "data": int(limits.memory),
            "as": int(limits.memory) * _ADDRESSES_PER_BYTE,
        }
        if most_processes:
            bounds["nproc"] = int(limits.processes)
        files = self._memory.files if self._memory else (None, None)
        return {
            "input": files[0],
            "output": files[1],
            "limits": bounds,
            "uid": self._launcher.uid,
            "folders": [self._launcher.seen(path) for path in environment.library],
            "further": list(further),
        }

    @property
    def alive(self) -> bool:
        """Whether it can take a call; one that is dead, or talks without being asked, is ended."""
        if not self._ended and not self._connection.quiet():
            self.close()
        return not self._ended

    def load(self, model: str, folder: Path, entry: ModelEntry, *, code: bool, name: str, seconds: float) -> None:
        """Load a model under an id.

        Parameters
        ----------
        model : str
            The id.
        folder : Path
            Its files.
        entry : ModelEntry
            What is known of it.
        code : bool
            Whether it is source code.
        name : str
            Title of its learnware, for messages.
        seconds : float
            How long this may take.
        """
        message = {
            "op": "load",
            "model": model,
            "kind": "code" if code else "stored",
            "folder": self._launcher.seen(folder),
            "entry": asdict(entry),
        }
        # From now on for good: what has run code may say whatever the code likes.
        self._runs_code = self._runs_code or code
        if not code:
            message["package"] = self._launcher.seen(PACKAGE)
        self._exchange(message, name, seconds, None)
        self.models.add(model)

    def call(
        self, model: str, method: str, arguments: Sequence[Any], *, name: str, seconds: float, limit: int
    ) -> Array | None:
        """Call a method of a loaded model with tables, and return a copy of its answer, at most `limit` bytes."""
        packer = Packer()
        try:
            headers = [pack_table(argument, packer) for argument in arguments]
        except NotPlain as error:
            raise InvalidData(f"X cannot be sent to the process of the model of {name!r}: {error}.") from error
        if packer.nbytes > self._largest_call:
            raise out_of_memory(name, f"X alone has {packer.nbytes} bytes")
        message = {"op": "call", "model": model, "method": method, "arguments": headers, "nbytes": packer.nbytes}
        message["limit"] = most = min(limit, self._largest_answer)
        return self._exchange(message, name, seconds, most if method in ANSWERED else None, packer)

    def drop(self, model: str) -> None:
        """Forget a model; the worker hears of it with the next message. Takes no lock, so it may be called anywhere."""
        self._dropped.append(model)

    def close(self) -> None:
        """End the process and give back what it had."""
        if self._ended:
            return
        self._ended = True
        with contextlib.ExitStack() as rest:
            if self._memory:
                rest.callback(self._memory.close)
            rest.callback(self._connection.close)
            self._process.kill()
            self._process.wait()

    def end(self) -> None:
        """End the process at the end of this one; a thread that waits for an answer hears of it, and does the rest."""
        if self._busy:
            self._process.kill()
        else:
            self.close()

    def forget(self) -> None:
        """Let go of the worker in a fork of this process, where it would get messages from two sides."""
        if self._ended:
            return
        self._ended = True
        # Kept until the fork ends: it must not end the worker, nor wait for a process that is no child of its own.
        _inherited.append(self._process)
        self._connection.close_pipes()
        if self._memory:
            self._memory.close()

    def _exchange(
        self, message: dict[str, Any], name: str, seconds: float, limit: int | None, packer: Packer | None = None
    ) -> Array | None:
        self._number += 1
        dropped = self._to_drop(message)
        try:
            data = self._framed({**message, "id": self._number, "drop": dropped}, packer or Packer(), name)
        except BaseException:
            self._dropped.extend(dropped)
            raise
        self.models.difference_update(dropped)
        with self._guarded(name, seconds) as deadline:
            self._connection.send(data, deadline)
            reply = self._receive(deadline)
            if reply.get("id") != self._number or len(reply) != 2:
                raise WireError("a reply must be to the last message")
            failure = None if "ok" in reply else reported(name, reply.get("error"), code=self._runs_code)
            answer = None if failure else self._answer(reply["ok"], limit, deadline)
            if self._memory:
                self._memory.release()
        if failure:
            if isinstance(failure, ModelAbsent):
                self.models.discard(message["model"])
            raise failure
        return answer

    def _to_drop(self, message: dict[str, Any]) -> list[str]:
        dropped = [self._dropped.popleft() for _ in range(len(self._dropped))]
        if message["op"] == "call" and message["model"] in dropped:
            # Given up by another thread just now: it still has to answer this call.
            dropped = [model for model in dropped if model != message["model"]]
            self._dropped.append(message["model"])
        return dropped

    def _framed(self, message: dict[str, Any], packer: Packer, name: str) -> bytes | bytearray:
        try:
            frame = frames.pack(message, frames.MAX_TO_WORKER)
            if self._memory:
                self._memory.write(packer)
                self._memory.allow(message.get("limit", 0))
                return frame
        except (WireError, OSError) as error:
            raise InvalidData(f"X cannot be sent to the process of the model of {name!r}: {error}.") from error
        data = bytearray(len(frame) + packer.nbytes)
        data[: len(frame)] = frame
        packer.write(memoryview(data)[len(frame) :])
        return data

    def _receive(self, deadline: float) -> dict[str, Any]:
        return frames.read(lambda n_bytes: self._connection.receive(n_bytes, deadline), frames.MAX_TO_PARENT)

    def _answer(self, header: Any, limit: int | None, deadline: float) -> Array | None:
        if limit is None:
            if header is not None:
                raise WireError("this message has no answer")
            return None
        check(header, _ANSWER_KINDS)
        n_bytes = header["nbytes"]
        if header["offset"] or n_bytes > limit:
            raise WireError(f"an answer must have at most {limit} bytes; this one claims {n_bytes}")
        memory: Any = self._memory.answer(n_bytes) if self._memory else self._connection.receive(n_bytes, deadline)
        # The worker may go on writing, so that only a copy stays as it was checked.
        answer: Array = np.array(take(header, memory, _ANSWER_KINDS), order="K")
        check_values(answer)
        return answer

    @contextlib.contextmanager
    def _guarded(self, name: str, seconds: float) -> Iterator[float]:
        """End the worker unless all goes well, and say in our words what went wrong."""
        self._busy = True
        try:
            yield time.monotonic() + seconds
        except Expired as error:
            self.close()
            raise SandboxTimeout(
                f"The model of {name!r} took longer than {seconds:g} s, so its process was stopped. The next call "
                "starts a new one. Pass fewer rows at once, or allow more by limits=Limits(...)."
            ) from error
        except Ended as error:
            raise self._end_of(name) from error
        except WireError as error:
            self.close()
            raise BadPrediction(
                f"The process of the model of {name!r} broke the rules: {error}. It was stopped; do not use this model."
            ) from error
        except BaseException:
            # Interrupted in the middle: the answer would be taken for that of the next call.
            self.close()
            raise
        finally:
            self._busy = False

    def _end_of(self, name: str) -> ModelFailure:
        try:
            self._process.kill()
            status, tail = self._process.wait(), self._connection.tail()
            starved = self._process.ran_out_of_memory()
        finally:
            self.close()
        return out_of_memory(name) if starved else crashed(name, status, tail)
