"""A zoo of hostile models: what each may reach, how it ends, and what it leaves behind."""

from __future__ import annotations

import contextlib
import os
import socket
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from learnware.errors import (
    BadPrediction,
    ModelFailure,
    SandboxMemory,
    SandboxTimeout,
    WorkerCrashed,
)
from learnware.limits import Limits
from learnware.runtime.base import Runner
from learnware.runtime.choice import runner_for
from tests.runtime.models import code

pytestmark = pytest.mark.usefixtures("needs_sandbox")

MIB = 2**20
LIMITS = Limits(
    memory=256 * MIB, load_seconds=20, call_seconds=1.0, longest_call_seconds=1.0, processes=24, scratch=8 * MIB
)
GOOD = np.zeros((3, 4))
EVIL = np.ones((3, 4))
DESCRIPTORS = 64

MODULE = """
import ctypes, json, mmap, os, resource, signal, socket, stat, struct, subprocess, sys, threading, time
import numpy as np

def done(*attempts):
    count = 0
    for attempt in attempts:
        try:
            attempt()
            count += 1
        except Exception:
            pass
    return count

def channels():
    return [n for n in range(3, {descriptors}) if done(lambda: os.fstat(n)) and stat.S_ISFIFO(os.fstat(n).st_mode)]

def memories():
    return [n for n in range(3, {descriptors}) if done(lambda: os.fstat(n)) and stat.S_ISREG(os.fstat(n).st_mode)]

def say(data):
    for channel in channels():
        done(lambda: os.write(channel, data))

def framed(message):
    text = message if isinstance(message, bytes) else json.dumps(message).encode()
    return struct.pack(">I", len(text)) + text

def header(dtype="<f8", shape=(3,), nbytes=24, offset=0, order="C"):
    return dict(dtype=dtype, shape=list(shape), order=order, offset=offset, nbytes=nbytes)

def claim(header):
    for number in range(1, 9):
        say(framed({{"id": number, "ok": header}}))
    time.sleep(60)

def fill(path):
    with open(path, "wb", buffering=0) as file:
        for _ in range(32):
            file.write(bytes(2**20))

def attempt(X):
{body}

class Model:
    def __init__(self):
        self.calls = 0

    def predict(self, X):
        return attempt(X) if X[0, 0] else X.sum(axis=1)

    def fit(self, X, y):
        attempt(X)
"""


def hostile(body: str, limits: Limits = LIMITS) -> Runner:
    """Return a runner for a model that is hostile when a row begins with anything but 0."""
    module = MODULE.format(body=textwrap.indent(textwrap.dedent(body), "    "), descriptors=DESCRIPTORS)
    return runner_for(code(files={"__init__.py": module}), isolation="sandbox", limits=limits)


def answers(runner: Runner) -> None:
    """Check that a call which the model means well gets its answer."""
    np.testing.assert_array_equal(runner.call("predict", GOOD), np.zeros(3))


# What ends in an error: the body, and the errors that its user may see.
FAILING: dict[str, tuple[str, type[Exception] | tuple[type[Exception], ...]]] = {
    "hang": ("time.sleep(600)", SandboxTimeout),
    "spin": ("while True: pass", SandboxTimeout),
    "spin in compiled code": ("sum(range(10**15))", SandboxTimeout),
    "fork bomb": (
        """
        while True:
            done(os.fork)
        """,
        (SandboxTimeout, SandboxMemory),
    ),
    "thread bomb": ("while True: threading.Thread(target=time.sleep, args=(600,)).start()", ModelFailure),
    "memory by bytes": ("keep = [bytearray(2**20) for _ in range(2**20)]", SandboxMemory),
    "memory by numpy": ("return np.ones(2**30)[:3]", SandboxMemory),
    "memory by processes of programs": (
        """
        programs = [subprocess.Popen([sys.executable, "-I", "-S", "-c", "x = b'x' * 2**30"]) for _ in range(9)]
        codes = [program.wait() for program in programs]
        raise MemoryError(codes) if all(codes) else AssertionError(codes)
        """,
        SandboxMemory,
    ),
    "stop itself": ("os.kill(os.getpid(), signal.SIGSTOP)", SandboxTimeout),
    "deaf to signals": (
        """
        signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
        while True:
            time.sleep(600)
        """,
        SandboxTimeout,
    ),
    "recursion": (
        """
        sys.setrecursionlimit(2**31 - 1)
        def deeper(n):
            return deeper(n + 1) + str(n).upper().join([str(n)] * 3)
        return deeper(0)
        """,
        ModelFailure,
    ),
    "recursion in C": (
        """
        sys.setrecursionlimit(2**31 - 1)
        deep = []
        for _ in range(10**6):
            deep = [deep]
        return repr(deep)
        """,
        ModelFailure,
    ),
    "segfault": ("ctypes.string_at(0)", WorkerCrashed),
    "abort": ("os.abort()", WorkerCrashed),
    "exit": ("sys.exit(0)", ModelFailure),
    "hard exit": ("os._exit(0)", WorkerCrashed),
    "ended by signal": ("os.kill(os.getpid(), signal.SIGKILL)", WorkerCrashed),
    "ended by a forbidden machine": (
        """
        ctypes.CDLL(None).syscall(0x40000000 | 39)
        return X[:, 0]
        """,
        (WorkerCrashed, BadPrediction) if os.uname().machine == "x86_64" else ModelFailure,
    ),
    "exception of 100 MB": ("raise ValueError('x' * 10**8)", (ModelFailure, SandboxMemory)),
    "exception that does not tell": (
        """
        class Silent(Exception):
            def __str__(self):
                raise Silent
        raise Silent
        """,
        ModelFailure,
    ),
    "exception that hangs": (
        """
        class Slow(Exception):
            def __str__(self):
                time.sleep(600)
        raise Slow
        """,
        SandboxTimeout,
    ),
    "exception with control characters": ("raise ValueError('\\x1b[2J\\x07' * 9)", ModelFailure),
    "garbage": ("say(b'\\xff' * 1000); time.sleep(60)", BadPrediction),
    "garbage in a frame": ("say(framed(b'\\x00\\xff' * 50)); time.sleep(60)", BadPrediction),
    "frame of 4 GB": ("say(struct.pack('>I', 2**32 - 1) + b'x' * 5000); time.sleep(60)", BadPrediction),
    "frame of nothing": ("say(bytes(4)); time.sleep(60)", BadPrediction),
    "half a frame": ("say(framed({'ok': None})[:-3]); time.sleep(60)", SandboxTimeout),
    "half a length": ("say(b'\\x00'); time.sleep(60)", SandboxTimeout),
    "deep frame": ("say(framed(b'[' * 30000 + b']' * 30000)); time.sleep(60)", BadPrediction),
    "keys twice": ('say(framed(b\'{"id":2,"id":2,"ok":null}\')); time.sleep(60)', BadPrediction),
    "header of 1 TB": ("claim(header(shape=(2**37,), nbytes=2**40))", BadPrediction),
    "header of more than there is": ("claim(header(shape=(2**24,), nbytes=2**27))", BadPrediction),
    "header of objects": ("claim(header(dtype='|O'))", BadPrediction),
    "header of a structure": ("claim(header(dtype='f8,f8'))", BadPrediction),
    "header that does not add up": ("claim(header(shape=(4,)))", BadPrediction),
    "header of negative size": ("claim(header(shape=(-3,), nbytes=-24))", BadPrediction),
    "header that points elsewhere": ("claim(header(offset=2**40))", BadPrediction),
    "header of truth that is no size": ("claim(header(shape=(True,), nbytes=8))", BadPrediction),
    "header of nothing": ("claim(None)", (BadPrediction, ModelFailure)),
    "text of impossible characters": (
        """
        for memory in memories():
            done(lambda: os.pwrite(memory, b"\\xff" * 12, 0))
        claim(header(dtype="<U1", shape=(3,), nbytes=12))
        """,
        BadPrediction,
    ),
    "reply to another message": ("say(framed({'id': 10**6, 'ok': None})); time.sleep(60)", BadPrediction),
    "error of another kind": (
        "for n in range(9): say(framed({'id': n, 'error': {'kind': 'SystemExit', 'message': ''}}))\ntime.sleep(60)",
        BadPrediction,
    ),
    "close the channel": ("os.closerange(3, 256); return X[:, 0]", (WorkerCrashed, SandboxTimeout)),
    "close the channel and hang": ("os.closerange(0, 256); time.sleep(600)", (WorkerCrashed, SandboxTimeout)),
    "huge answer": ("return np.zeros((3, 2**25), np.int8)", BadPrediction),
    "endless answer": (
        """
        class Endless:
            def __len__(self): return 2**60
            def __getitem__(self, i): return float(i)
        return Endless()
        """,
        (BadPrediction, SandboxTimeout, SandboxMemory, ModelFailure),
    ),
    "answer of objects": ("return np.array([object()] * 3)", BadPrediction),
    "answer that is code": ("return np.array([print, open, exec], dtype=object)", BadPrediction),
    "answer without rows": ("return np.float64(1.0)", BadPrediction),
    "answer with more rows": ("return np.zeros(4)", BadPrediction),
    "answer with no rows": ("return np.zeros(0)", BadPrediction),
    "no answer": ("return None", BadPrediction),
    "answer of a structure": ("return np.zeros(3, [('a', 'f8'), ('b', 'O')])", BadPrediction),
    "answer that runs code": (
        """
        class Trap:
            def __array__(self, *arguments, **options): os._exit(7)
        return Trap()
        """,
        WorkerCrashed,
    ),
    "cut off the memory while answering": (
        """
        cut = done(*[lambda n=n: os.ftruncate(n, 0) for n in memories()])
        raise ValueError("could not") if not cut else SystemExit(9)
        """,
        ModelFailure,
    ),
}


@pytest.fixture(scope="module")
def other(needs_sandbox: None) -> Iterator[Runner]:
    """A runner of another model, which must not notice anything."""
    runner = hostile("pass")
    answers(runner)
    yield runner
    runner.close()


# One of each way to end; starting a worker again takes most of the time of these tests.
STARTED_AGAIN = {"hang", "fork bomb", "memory by numpy", "segfault", "exit", "garbage", "half a frame", "no answer"}


def ends_in_an_error_of_ours(name: str, other: Runner) -> None:
    """Check what the user sees of a failing model, and that others and the model itself go on."""
    body, expected = FAILING[name]
    runner = hostile(body)
    try:
        with pytest.raises(expected) as caught:
            runner.call("predict", EVIL)
        assert len(str(caught.value)) < 5000
        assert str(caught.value).replace("\n", "").isprintable()
        answers(runner if name in STARTED_AGAIN else other)
    finally:
        runner.close()


@pytest.mark.parametrize("name", sorted(FAILING))
def test_ends_in_an_error_of_ours(name, other, nothing_left):
    ends_in_an_error_of_ours(name, other)
    nothing_left()


# What the limits of single processes must bind where there is no control group.
BOMBS = ["fork bomb", "memory by bytes", "memory by numpy", "memory by processes of programs", "thread bomb"]


@pytest.mark.parametrize("name", BOMBS)
def test_ends_in_an_error_of_ours_without_control_groups(name, uncounted, other, nothing_left):
    ends_in_an_error_of_ours(name, other)
    nothing_left()


# What tries to reach something: the body answers with the number of attempts that succeeded, which must be 0.
REACHING = {
    "TCP": """
        return np.full(3, done(lambda: socket.create_connection(("127.0.0.1", {tcp}), 1),
                               lambda: socket.create_connection(("1.1.1.1", 53), 1),
                               lambda: socket.create_connection(("::1", {tcp}), 1)))
        """,
    "UDP": """
        def send():
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"hello", ("127.0.0.1", {udp}))
        return np.full(3, done(send))
        """,
    "names of hosts": "return np.full(3, done(lambda: socket.getaddrinfo('localhost.localdomain', 80)))",
    "local sockets": """
        def connect(name):
            socket.socket(socket.AF_UNIX).connect(name)
        return np.full(3, done(lambda: connect({unix!r}), lambda: connect({abstract!r})))
        """,
    "other networks": """
        return np.full(3, done(*[lambda f=f, k=k: socket.socket(f, k) for f in range(2, 46) for k in (1, 2, 3)]))
        """,
    "files of the host": """
        names = ["/etc/shadow", "/etc/passwd", "/home", "/var", "/run", "/sys", {home!r} + "/.ssh", {market!r}]
        return np.full(3, done(*[lambda name=name: os.stat(name) for name in names]))
        """,
    "files of the host by links": """
        done(lambda: os.symlink("/", "/tmp/link"))
        roots = ["/proc/1/root", "/proc/1/cwd/../..", "/proc/self/root/..", "/tmp/link", "/tmp/../.."]
        return np.full(3, done(*[lambda root=root: os.stat(root + {market!r}) for root in roots]))
        """,
    "variables of the host": """
        texts = [str(dict(os.environ))]
        for pid in filter(str.isdigit, os.listdir("/proc")):
            done(lambda: texts.append(open(f"/proc/{{pid}}/environ").read()))
        return np.full(3, sum("swordfish" in text or "SECRET_TOKEN" in text for text in texts))
        """,
    "processes of the host": """
        return np.full(3, sum(name.isdigit() for name in os.listdir("/proc")) - 2)
        """,
    "disk in memory": """
        done(lambda: fill("/tmp/a"), lambda: fill("/dev/shm/b"), lambda: fill("/tmp/c"))
        size = sum(os.path.getsize("/tmp/" + name) for name in "abc" if os.path.exists("/tmp/" + name))
        return np.full(3, max(0, size - 8 * 2**20))
        """,
    "disk elsewhere": """
        names = ["/x", "/dev/x", "/usr/x", "/etc/x", "/proc/x", "/folders/x", "/worker/x", "/dev/full"]
        return np.full(3, done(*[lambda name=name: fill(name) for name in names]))
        """,
    "its own code": """
        here = os.path.dirname(__file__)
        return np.full(3, done(lambda: open(__file__, "a"), lambda: open(here + "/new.py", "w"),
                               lambda: os.unlink(__file__), lambda: os.chmod(__file__, 0o777),
                               lambda: os.utime(__file__)))
        """,
    "the environment": """
        places = [os.path.dirname(np.__file__), os.path.dirname(os.__file__), "/worker/inside"]
        return np.full(3, done(*[lambda place=place: open(place + "/__init__.py", "a") for place in places],
                               *[lambda place=place: open(place + "/new.pth", "w") for place in places]))
        """,
    "other processes": """
        libc = ctypes.CDLL(None, use_errno=True)
        trace, read = (101, 310) if os.uname().machine == "x86_64" else (117, 270)
        def call(number, *arguments):
            if libc.syscall(number, *arguments) < 0: raise OSError
        return np.full(3, done(lambda: call(trace, 16, 1, 0, 0), lambda: call(trace, 0, 0, 0, 0),
                               lambda: call(read, 1, None, 0, None, 0, 0)))
        """,
    "namespaces and mounts": """
        libc = ctypes.CDLL(None, use_errno=True)
        def call(function, *arguments):
            if function(*arguments) < 0: raise OSError
        return np.full(3, done(lambda: call(libc.unshare, 0x10000000), lambda: call(libc.unshare, 0x20000),
                               lambda: call(libc.mount, b"x", b"/tmp", b"tmpfs", 0, None),
                               lambda: call(libc.umount2, b"/tmp", 2), lambda: os.chroot("/tmp"),
                               lambda: call(libc.setns, os.open("/proc/1/ns/mnt", 0), 0)))
        """,
    "rights": """
        return np.full(3, done(lambda: os.setuid(0), lambda: os.setgid(0), lambda: os.setgroups([0]),
                               lambda: os.mknod("/tmp/disk", 0o60666, 0xFE00), lambda: os.chown("/tmp", 0, 0),
                               lambda: os.nice(-5), lambda: os.sched_setscheduler(0, 1, os.sched_param(1)),
                               lambda: time.clock_settime(time.CLOCK_REALTIME, 0), lambda: socket.sethostname("x")))
        """,
    "larger limits": """
        names = [resource.RLIMIT_DATA, resource.RLIMIT_AS, resource.RLIMIT_NPROC, resource.RLIMIT_NOFILE,
                 resource.RLIMIT_FSIZE, resource.RLIMIT_CORE]
        def more(name):
            hard = resource.getrlimit(name)[1]
            resource.setrlimit(name, (hard + 1, hard + 1))
        return np.full(3, done(*[lambda name=name: more(name) for name in names]))
        """,
    "no limits": """
        names = [resource.RLIMIT_DATA, resource.RLIMIT_AS, resource.RLIMIT_NPROC, resource.RLIMIT_NOFILE]
        return np.full(3, sum(resource.getrlimit(name)[1] == resource.RLIM_INFINITY for name in names))
        """,
    "shared memory by size": """
        return np.full(3, done(*[lambda n=n: os.ftruncate(n, 0) for n in memories()],
                               *[lambda n=n: os.ftruncate(n, 2**50) for n in memories()]))
        """,
    "memory that nobody counts": """
        libc = ctypes.CDLL(None)
        def shared():
            if libc.shmget(0, 2**20, 0o1600) < 0: raise OSError
        def queue():
            if libc.msgget(0, 0o1600) < 0: raise OSError
        def semaphores():
            if libc.semget(0, 32000, 0o1600) < 0: raise OSError
        def named_queue():
            number = 240 if os.uname().machine == "x86_64" else 180
            if libc.syscall(number, b"x", os.O_CREAT | os.O_RDWR, 0o600, None) < 0: raise OSError
        return np.full(3, done(lambda: os.memfd_create("x"), shared, queue, semaphores, named_queue))
        """,
    "everybody by signal": """
        done(lambda: os.kill(-1, signal.SIGKILL), lambda: os.kill(1, signal.SIGKILL))
        return np.zeros(3)
        """,
    "modules under us": """
        for name in ("numpy", "json", "struct", "os", "mmap", "inside.frames"):
            sys.modules.pop(name, None)
        return X[:, 0] * 0
        """,
}


@pytest.mark.parametrize("name", sorted(REACHING))
def test_reaches_nothing(name, nothing_left, tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "swordfish")
    market = tmp_path / "market.db"
    market.write_text("secret")
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        socket.socket(socket.AF_UNIX) as named,
        socket.socket(socket.AF_UNIX) as unnamed,
    ):
        udp.bind(("127.0.0.1", 0))
        named.bind(str(tmp_path / "socket"))
        unnamed.bind(f"\0learnware-test-{os.getpid()}")
        for server in (named, unnamed):
            server.listen()
        body = REACHING[name].format(
            tcp=tcp.getsockname()[1],
            udp=udp.getsockname()[1],
            unix=str(tmp_path / "socket"),
            abstract=f"\0learnware-test-{os.getpid()}",
            home=str(Path.home()),
            market=str(market),
        )
        runner = hostile(body)
        try:
            np.testing.assert_array_equal(runner.call("predict", EVIL), np.zeros(3))
            answers(runner)
        finally:
            runner.close()
        for server in (tcp, udp, named, unnamed):
            server.setblocking(False)
            with pytest.raises(BlockingIOError):
                server.recv(1) if server is udp else server.accept()
    nothing_left()


def test_daemon_ends_with_the_runner(nothing_left):
    runner = hostile(
        """
        for _ in range(3):
            if not os.fork():
                os.setsid()
                if os.fork():
                    os._exit(0)
                os.closerange(0, 256)
                time.sleep(600)
        return X[:, 0]
        """
    )
    np.testing.assert_array_equal(runner.call("predict", EVIL), np.ones(3))
    answers(runner)
    runner.close()
    nothing_left()


def test_daemon_does_not_outlive_a_crash(nothing_left):
    runner = hostile(
        """
        if not os.fork():
            os.setsid()
            time.sleep(600)
        os._exit(1)
        """
    )
    with pytest.raises(WorkerCrashed):
        runner.call("predict", EVIL)
    answers(runner)
    runner.close()
    nothing_left()


def test_words_after_the_answer_are_not_taken_for_the_next_one(nothing_left):
    runner = hostile(
        """
        def later():
            time.sleep(0.2)
            claim(header())
        threading.Thread(target=later, daemon=True).start()
        return X[:, 0]
        """
    )
    np.testing.assert_array_equal(runner.call("predict", EVIL), np.ones(3))
    import time

    time.sleep(0.5)
    answers(runner)
    runner.close()
    nothing_left()


def test_memory_changed_while_it_is_read(nothing_left):
    """An answer is copied first and checked then: whatever a thread writes meanwhile, it stays as it was checked."""
    runner = hostile(
        """
        def scribble():
            maps = [mmap.mmap(n, 4096) for n in memories() if done(lambda: mmap.mmap(n, 4096))]
            while True:
                for mapped in maps:
                    mapped[:24] = os.urandom(24)
        threading.Thread(target=scribble, daemon=True).start()
        return X[:, 0]
        """
    )
    taken = runner.call("predict", EVIL)
    kept = taken.copy()
    for _ in range(100):
        assert taken.tobytes() == kept.tobytes()
    runner.close()
    nothing_left()


def test_flood_of_errors(nothing_left):
    runner = hostile(
        """
        block = b"all work and no play " * 50_000
        for _ in range(1000):
            os.write(2, block)
            print("more of it" * 1000)
        return X[:, 0]
        """
    )
    # Read to its end, or for as long as a call may take.
    with contextlib.suppress(SandboxTimeout):
        np.testing.assert_array_equal(runner.call("predict", EVIL), np.ones(3))
    answers(runner)
    runner.close()
    nothing_left()


def test_last_words_are_kept_short(nothing_left):
    runner = hostile(
        """
        os.write(2, b"x" * 2**20 + b"\\x1b[2Jthe end\\n")
        os._exit(3)
        """
    )
    with pytest.raises(WorkerCrashed, match="the end") as caught:
        runner.call("predict", EVIL)
    assert len(caught.value.tail) <= 64 * 2**10
    assert "\x1b" not in caught.value.tail
    runner.close()
    nothing_left()


def test_signal_is_told(nothing_left):
    runner = hostile("ctypes.string_at(0)")
    with pytest.raises(WorkerCrashed) as caught:
        runner.call("predict", EVIL)
    assert caught.value.signal == 11
    runner.close()
    nothing_left()


def test_memory_by_shared_pages(nothing_left, counted):
    """A limit of one process does not see pages that it shares with others; the control group does."""
    runner = hostile(
        """
        keep = [mmap.mmap(-1, 2**26) for _ in range(8)]
        for piece in keep:
            piece[::4096] = b"x" * len(range(0, 2**26, 4096))
        return X[:, 0]
        """
    )
    with pytest.raises(SandboxMemory):
        runner.call("predict", EVIL)
    answers(runner)
    runner.close()
    nothing_left()


def test_memory_by_many_processes(nothing_left, counted):
    runner = hostile(
        """
        for _ in range(12):
            if not os.fork():
                keep = bytearray(2**27)
                keep[::4096] = b"x" * len(keep[::4096])
                time.sleep(600)
        keep = bytearray(2**27)
        keep[::4096] = b"x" * len(keep[::4096])
        time.sleep(600)
        """
    )
    with pytest.raises((SandboxMemory, SandboxTimeout)):
        runner.call("predict", EVIL)
    answers(runner)
    runner.close()
    nothing_left()


def test_memory_by_shared_pages_without_control_groups(nothing_left, uncounted):
    """They are no data of the process, but they have addresses, which are bound too."""
    runner = hostile(
        """
        keep = []
        while True:
            keep.append(mmap.mmap(-1, 2**26))
            keep[-1][::4096] = b"x" * len(range(0, 2**26, 4096))
        """,
        replace(LIMITS, memory=192 * MIB, call_seconds=10, longest_call_seconds=10),
    )
    with pytest.raises(SandboxMemory):
        runner.call("predict", EVIL)
    answers(runner)
    runner.close()
    nothing_left()


def test_memory_of_the_kernel_without_control_groups(nothing_left, uncounted):
    runner = hostile(REACHING["memory that nobody counts"])
    np.testing.assert_array_equal(runner.call("predict", EVIL), np.zeros(3))
    runner.close()
    nothing_left()


def passed_on() -> int:
    """Return the bytes taken by the memory that this process shares with workers; the system counts them as its own."""
    taken = {}
    for path in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            if os.readlink(path).startswith("/memfd:learnware"):
                file = path.stat()
                # One piece may be open twice.
                taken[file.st_ino] = file.st_blocks * 512
    return sum(taken.values())


@pytest.fixture(params=["counted", "uncounted"])
def either(request: pytest.FixtureRequest) -> None:
    """Run with a control group and without."""
    request.getfixturevalue(request.param)


# The model gets at its own files if a normal user started it; their size binds it then.
@pytest.mark.skipif(os.geteuid() != 0, reason="needs a worker that is another user")
def test_memory_by_the_piece_for_calls(nothing_left, either):
    """It is larger than what it holds and lives on when it is unmapped, so that no limit on a process would bind."""
    runner = hostile(
        """
        file = max(memories(), key=lambda n: os.fstat(n).st_size)
        def fill(n):
            for at in range(0, 2**28, 2**24):
                with mmap.mmap(n, 2**24, offset=at) as mapped:
                    mapped.write(b"x" * 2**24)
        def again():
            fill(os.open(f"/proc/self/fd/{file}", os.O_RDWR))
        def ours():
            os.fchmod(file, 0o666)
        return np.full(3, done(lambda: fill(file), again, ours, lambda: os.pwrite(file, b"x" * 2**22, 0)))
        """
    )
    answers(runner)
    before = passed_on()
    np.testing.assert_array_equal(runner.call("predict", EVIL), np.zeros(3))
    assert passed_on() - before < 4 * MIB
    runner.close()
    nothing_left()


def test_memory_by_the_piece_for_answers(nothing_left, either):
    """It has the size of the largest answer that a call may give."""
    runner = hostile(
        """
        file = min(memories(), key=lambda n: os.fstat(n).st_size)
        for at in range(0, 2**28, 2**22):
            done(lambda: os.ftruncate(file, at + 2**22), lambda: mmap.mmap(file, 2**22, offset=at).write(b"x" * 2**22))
        return X[:, 0] * 0
        """,
        replace(LIMITS, output=16 * MIB),
    )
    before = passed_on()
    with contextlib.suppress(ModelFailure):
        runner.call("predict", EVIL)
    assert passed_on() - before < 20 * MIB
    answers(runner)
    runner.close()
    nothing_left()


def test_values_that_are_no_numbers_come_through(nothing_left):
    """Whether these will do is for whoever checks a learnware's answers, not for the sandbox."""
    runner = hostile("return np.array([np.nan, np.inf, -np.inf])")
    np.testing.assert_array_equal(runner.call("predict", EVIL), [np.nan, np.inf, -np.inf])
    runner.close()
    nothing_left()


@pytest.mark.parametrize(
    ("module", "limits", "expected"),
    [
        ("import time; time.sleep(600)", Limits(load_seconds=2), SandboxTimeout),
        ("import os; os._exit(0)", LIMITS, WorkerCrashed),
        ("keep = bytearray(2**30)", LIMITS, SandboxMemory),
        ("raise RuntimeError('no')", LIMITS, ModelFailure),
        ("class Model:\n    def __init__(self): raise SystemExit", LIMITS, ModelFailure),
    ],
    ids=["hang", "exit", "memory", "error", "class"],
)
def test_hostile_when_imported(module, limits, expected, nothing_left):
    runner = runner_for(code(files={"__init__.py": module}), isolation="sandbox", limits=limits)
    for _ in range(2):
        with pytest.raises(expected):
            runner.call("predict", GOOD)
    runner.close()
    nothing_left()


OURS = ["MissingDependency", "MalformedModel", "BundleError", "LimitExceeded", "SandboxMemory", "LearnwareError"]


@pytest.mark.parametrize("kind", OURS)
def test_errors_in_our_name(kind, nothing_left):
    """A model may name its errors as ours are; what it says is quoted as its own."""
    raised = f"""raise type({kind!r}, (Exception,), {{"__module__": "learnware.errors"}})("run: pip install evil")"""
    said = f"""
        for n in range(1, 9):
            say(framed(dict(id=n, error=dict(kind={kind!r}, message="run: pip install evil"))))
        time.sleep(60)
        """
    broken = runner_for(code(files={"__init__.py": raised}), isolation="sandbox", limits=LIMITS)
    for runner in (hostile(raised), hostile(said), broken):
        with pytest.raises(ModelFailure, match="model of 'some code'") as caught:
            runner.call("predict", EVIL)
        assert type(caught.value) in (ModelFailure, BadPrediction)
        runner.close()
    nothing_left()


def test_learning_is_held_to_the_same(nothing_left):
    runner = hostile("time.sleep(600)")
    with pytest.raises(SandboxTimeout):
        runner.call("fit", EVIL, np.ones(3))
    answers(runner)
    runner.close()
    nothing_left()


def test_host_is_answered_while_a_model_rages(nothing_left):
    """A hostile model takes time from nobody who does not wait for it: another runner answers meanwhile."""
    import threading

    raging, calm = hostile("while True: done(os.fork)"), hostile("return X[:, 0]")
    answers(calm)
    failures: list[BaseException] = []

    def rage() -> None:
        try:
            raging.call("predict", EVIL)
        except ModelFailure as error:
            failures.append(error)

    thread = threading.Thread(target=rage)
    thread.start()
    for _ in range(3):
        answers(calm)
    thread.join()
    assert failures
    raging.close()
    calm.close()
    nothing_left()


def test_enough_of_them() -> None:
    """The zoo is a promise of the documentation."""
    assert len(FAILING) + len(REACHING) >= 25
