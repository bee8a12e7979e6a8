"""One worker: what a peer may say, whatever it is, and what becomes of it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from learnware.errors import (
    BadPrediction,
    LearnwareError,
    LimitExceeded,
    MalformedModel,
    MissingDependency,
    ModelFailure,
    SandboxMemory,
    SandboxTimeout,
    WorkerCrashed,
)
from learnware.limits import Limits
from learnware.runtime.base import Environment
from learnware.runtime.environment.installed import host_environment
from learnware.runtime.inside import frames
from learnware.runtime.worker import worker as worker_module
from learnware.runtime.worker.failures import ModelAbsent
from learnware.runtime.worker.process import LocalLauncher
from learnware.runtime.worker.worker import Worker
from tests.runtime.models import FakeLauncher, code, fake_worker, frame

#: As many replies as this are tried in all; ``LEARNWARE_FUZZ=1000000`` makes them that many, by new random choices.
EXAMPLES = int(os.environ.get("LEARNWARE_FUZZ", "4000"))

HEADER = {"dtype": "<f8", "shape": [3], "order": "C", "offset": 0, "nbytes": 24}
ANSWER = np.array([1.0, 2.0, 3.0])
X = np.zeros((3, 2))


def ask(worker: Worker, method: str = "predict", limit: int = 2**20) -> Any:
    try:
        return worker.call("model", method, [X], name="fake", seconds=0.3, limit=limit)
    finally:
        worker.close()


@contextmanager
def without_shared_memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.delattr(os, "memfd_create", raising=False)
        yield


def test_an_answer_is_copied() -> None:
    worker = fake_worker(frame({"id": 1, "ok": HEADER}), ANSWER.tobytes())
    answer = worker.call("model", "predict", [X], name="fake", seconds=1, limit=24)
    assert answer is not None
    assert answer.flags.owndata
    assert answer.flags.writeable
    worker.close()
    assert answer.tolist() == [1.0, 2.0, 3.0]


def test_an_answer_on_the_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    with without_shared_memory(monkeypatch):
        said = frame({"id": 1, "ok": HEADER}) + ANSWER.tobytes()
        assert ask(fake_worker(said)).tolist() == [1.0, 2.0, 3.0]
        with pytest.raises(WorkerCrashed):
            ask(fake_worker(said[:-1]))


@pytest.mark.parametrize(
    ("said", "kind", "why"),
    [
        (b"", WorkerCrashed, "ended with status 1"),
        (b"\0\0", WorkerCrashed, "ended"),
        (frame({"id": 1, "ok": HEADER})[:-3], WorkerCrashed, "ended"),
        (b"garbage garbage", BadPrediction, "between 2 and 65536 bytes"),
        (frames.LENGTH.pack(5) + b"\xff\xfe{}x", BadPrediction, "must be JSON"),
        (frame([1]), BadPrediction, "JSON object"),
        (frame({"id": 1, "ok": float("nan")}), BadPrediction, "NaN"),
        (frame({"id": 2, "ok": HEADER}), BadPrediction, "to the last message"),
        (frame({"id": 1}), BadPrediction, "to the last message"),
        (frame({"id": 1, "ok": HEADER, "more": 1}), BadPrediction, "to the last message"),
        (frame({"id": 1, "ready": True}), BadPrediction, "described by kind"),
        (frame({"id": 1, "ok": None}), BadPrediction, "described by dtype"),
        (frame({"id": 1, "ok": {**HEADER, "dtype": "|O"}}), BadPrediction, "cannot cross"),
        (frame({"id": 1, "ok": {**HEADER, "dtype": "<M8[s]"}}), BadPrediction, "cannot come from there"),
        (frame({"id": 1, "ok": {**HEADER, "nbytes": 2**40, "shape": [2**37]}}), BadPrediction, "at most"),
        (frame({"id": 1, "ok": {**HEADER, "offset": 64}}), BadPrediction, "at most"),
        (frame({"id": 1, "ok": {**HEADER, "dtype": "<U2"}}), BadPrediction, "characters that exist"),
        (frame({"id": 1, "error": None}), BadPrediction, "described by kind"),
        (frame({"id": 1, "error": {"kind": "SystemExit", "message": ""}}), BadPrediction, "known kind"),
        (frame({"id": 1, "error": {"kind": ["x"], "message": ""}}), BadPrediction, "by text"),
        (frame({"id": 1, "error": {"kind": "raised", "message": "", "code": "A\n"}}), BadPrediction, "by text"),
        (frame({"id": 1, "error": {"kind": "raised", "message": "", "type": "x"}}), BadPrediction, "by kind"),
    ],
)
def test_a_reply_that_breaks_the_rules(said: bytes, kind: type[Exception], why: str) -> None:
    worker = fake_worker(said, b"\xff" * 24)
    with pytest.raises(kind, match=why):
        ask(worker)
    assert not worker.alive


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("raised", ModelFailure),
        ("broken", ModelFailure),
        ("answer", BadPrediction),
        ("memory", SandboxMemory),
        ("import", MissingDependency),
        ("unreadable", MalformedModel),
        ("LimitExceeded", LimitExceeded),
        ("MissingDependency", MissingDependency),
    ],
)
def test_a_reported_error_leaves_the_worker_alone(kind: str, expected: type[Exception]) -> None:
    error = {"kind": kind, "message": "it \x1b[31mfailed\x1b[0m", "code": "some-code"}
    worker = fake_worker(frame({"id": 1, "error": error}))
    with pytest.raises(expected) as caught:
        worker.call("model", "predict", [X], name="fake", seconds=1, limit=10)
    assert type(caught.value) is expected
    assert "\x1b" not in str(caught.value)
    assert "failed" in str(caught.value)
    assert not worker._ended
    worker.close()


@pytest.mark.parametrize("kind", ["LimitExceeded", "MalformedModel", "MissingDependency", "absent"])
def test_a_worker_that_runs_code_may_not_report_what_our_readers_do(kind: str) -> None:
    worker = fake_worker(frame({"id": 1, "error": {"kind": kind, "message": "do as I say"}}))
    worker._runs_code = True
    with pytest.raises(BadPrediction, match="known kind") as caught:
        ask(worker)
    assert "do as I say" not in str(caught.value)


@pytest.mark.parametrize("kind", ["raised", "broken", "answer", "memory", "import", "unreadable"])
def test_what_code_says_stands_in_a_sentence_of_ours(kind: str) -> None:
    worker = fake_worker(frame({"id": 1, "error": {"kind": kind, "message": "do as I say"}}))
    worker._runs_code = True
    with pytest.raises(LearnwareError, match="^The (code of the )?model of 'fake' "):
        ask(worker)


def test_loading_code_marks_the_worker_for_good(tmp_path: Path) -> None:
    worker = fake_worker(frame({"id": 1, "error": {"kind": "LimitExceeded", "message": "do as I say"}}))
    with pytest.raises(BadPrediction, match="known kind"):
        worker.load("model", tmp_path, code().entry, code=True, name="fake", seconds=1)
    worker = fake_worker(frame({"id": 1, "error": {"kind": "LimitExceeded", "message": "a limit"}}))
    with pytest.raises(LimitExceeded, match="a limit"):
        worker.load("model", tmp_path, code().entry, code=False, name="fake", seconds=1)
    worker.close()


def test_a_model_that_is_always_absent_is_an_error(tmp_path: Path) -> None:
    worker = fake_worker(b"".join(frame({"id": i, "error": {"kind": "absent", "message": ""}}) for i in (1, 2)))
    worker.models.add("model")
    with pytest.raises(ModelAbsent, match="does not keep it loaded"):
        worker.call("model", "predict", [X], name="fake", seconds=1, limit=10)
    assert "model" not in worker.models
    worker.close()


@pytest.mark.parametrize("how", ["close", "call"])
def test_all_is_given_back_though_the_process_cannot_be_ended(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = fake_worker(b"")
    pipes = worker._process.to_worker, worker._process.from_worker, worker._process.errors
    memory = worker._memory
    kill = worker._process.kill

    def stubborn() -> None:
        kill()
        raise OSError("it does not end")

    monkeypatch.setattr(worker._process, "kill", stubborn)
    with pytest.raises(OSError, match="does not end"):
        worker.close() if how == "close" else ask(worker)
    assert all(pipe.closed for pipe in pipes)
    if memory is not None:
        for file in memory.files:
            with pytest.raises(OSError, match="Bad file descriptor"):
                os.fstat(file)


def test_a_model_is_there_until_the_worker_has_heard_of_its_end() -> None:
    worker = fake_worker(frame({"id": 1, "ok": HEADER}), ANSWER.tobytes())
    worker.models |= {"model", "other"}
    worker.drop("other")
    assert worker.models == {"model", "other"}
    ask(worker)
    assert worker.models == {"model"}


def test_an_answer_to_fit_breaks_the_rules() -> None:
    with pytest.raises(BadPrediction, match="has no answer"):
        ask(fake_worker(frame({"id": 1, "ok": HEADER})), "fit")
    assert ask(fake_worker(frame({"id": 1, "ok": None})), "fit") is None


def test_words_that_nobody_asked_for_end_the_worker() -> None:
    worker = fake_worker(frame({"id": 1, "ok": None}))
    assert not worker.alive


@pytest.mark.parametrize("first", [b"", b"\xff\xff\xff\xff", frame({"ready": False}), frame({"ready": True, "x": 1})])
def test_a_worker_that_does_not_come_up(first: bytes) -> None:
    launcher = FakeLauncher(b"")
    launcher._said = first
    with pytest.raises((WorkerCrashed, BadPrediction)):
        Worker(launcher, Environment(Path("python"), (), (), "host"), Limits(), name="fake")


def test_a_python_that_is_not_there(tmp_path: Path) -> None:
    environment = Environment(tmp_path / "python", (), (), "host")
    with pytest.raises(WorkerCrashed, match="cannot be started"):
        Worker(LocalLauncher(environment), environment, Limits(), name="fake")


def test_a_worker_that_hangs_at_its_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "_BOOT", "import time; time.sleep(60)")
    environment = host_environment()
    with pytest.raises(SandboxTimeout, match="took longer than 0.2 s"):
        Worker(LocalLauncher(environment), environment, Limits(load_seconds=0.2), name="fake")


def test_what_a_worker_writes_last_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "_BOOT", "import sys; sys.exit('x' * 100_000 + ' that \\x1b[1m was it')")
    environment = host_environment()
    with pytest.raises(WorkerCrashed, match="status 1.* that .* was it") as caught:
        Worker(LocalLauncher(environment), environment, Limits(), name="fake")
    assert len(caught.value.tail) <= 2**16
    assert "\x1b" not in str(caught.value) + caught.value.tail
    assert caught.value.signal is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=6,
)
ODD = st.sampled_from([-1, 0, 1, 2, 24, 2**31, 2**63, 1.5, True, None, "<f8", "|O", "<U6", "|b1", "F", [3], [1, 3], {}])


@st.composite
def replies(draw: st.DrawFn) -> bytes:
    """Return a sound reply with something changed in it: a field, a field of its header, or some bytes."""
    good = draw(st.sampled_from(["array", "error"]))
    inner: Any = dict(HEADER) if good == "array" else {"kind": "raised", "message": "no", "code": "model"}
    if draw(st.booleans()):
        inner[draw(st.sampled_from([*inner, "more"]))] = draw(ODD | JSON)
    reply: Any = {"id": 1, "ok" if good == "array" else "error": inner}
    if draw(st.integers(0, 3)) == 0:
        reply[draw(st.sampled_from([*reply, "ok", "error"]))] = draw(ODD | JSON)
    data = bytearray(frame(reply))
    for _ in range(draw(st.sampled_from([0, 0, 1, 3]))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data)[: draw(st.sampled_from([None, None, None, -1, 10]))]


def check_reply(said: bytes, memory: bytes) -> None:
    """Check that a reply gives a sound array or an error of ours, and leaves the worker usable or ended."""
    try:
        answer = ask(fake_worker(said, memory))
    except LearnwareError:
        return
    assert isinstance(answer, np.ndarray)
    assert answer.dtype.kind in "biufU"
    assert answer.nbytes <= 2**20
    json.dumps(answer.tolist())


def fuzzed(share: float) -> settings:
    """Return settings for this share of the examples."""
    return settings(
        max_examples=max(1, int(EXAMPLES * share)),
        derandomize="LEARNWARE_FUZZ" not in os.environ,
        suppress_health_check=list(HealthCheck),
    )


@fuzzed(5 / 8)
@given(replies(), st.binary(max_size=24))
def test_a_changed_reply_harms_nobody(said: bytes, memory: bytes) -> None:
    check_reply(said, memory)


@fuzzed(2 / 8)
@given(JSON, st.binary(max_size=24))
def test_any_json_harms_nobody(message: Any, memory: bytes) -> None:
    check_reply(frame(message), memory)


@fuzzed(1 / 8)
@given(st.binary(max_size=200))
def test_any_bytes_harm_nobody(said: bytes) -> None:
    check_reply(said, b"")
