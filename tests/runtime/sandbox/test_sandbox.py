"""What a sandbox is made of, seen from inside and from outside."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import cast

import pytest

from learnware.errors import InvalidParameter, IsolationUnavailable
from learnware.limits import Limits
from learnware.runtime.base import INSIDE, Environment
from learnware.runtime.environment.host import host_environment
from learnware.runtime.sandbox import bubblewrap as bubblewrap_module
from learnware.runtime.sandbox import handles, starting, user_ids
from learnware.runtime.sandbox import launcher as launcher_module
from learnware.runtime.sandbox.bubblewrap import bubblewrap, options
from learnware.runtime.sandbox.cgroup import Group
from learnware.runtime.sandbox.launcher import SandboxLauncher, SandboxProcess
from learnware.runtime.sandbox.user_ids import reserve_user_id

AS_ROOT = os.geteuid() == 0
LIMITS = Limits(memory=256 * 2**20, scratch=2**20, processes=16)

# What a worker does before anything else, then the program, whose value `result` is sent back.
BEGIN = """
import json, os, sys, ctypes, errno, fcntl, mmap, socket, subprocess, time
if {uid!r} is not None:
    os.setgroups([]); os.setgid({uid!r}); os.setuid({uid!r})
libc = ctypes.CDLL(None, use_errno=True)
def refused(call):
    try:
        call()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "allowed"
def syscall(number, *arguments):
    ctypes.set_errno(0)
    if libc.syscall(number, *arguments) < 0:
        raise OSError(ctypes.get_errno(), "")
"""
END = "\nsys.stdout.write(json.dumps(result) + chr(10)); sys.stdout.flush(); sys.stdin.read()\n"


def launcher(*folders: Path, limits: Limits = LIMITS) -> SandboxLauncher:
    return SandboxLauncher(host_environment(), limits, folders=folders)


def start(program: str, *, of: SandboxLauncher | None = None, inherited: tuple[int, ...] = ()) -> SandboxProcess:
    of = of or launcher()
    return of.start(["-c", program.replace("\r", "")], inherited)


def end(process: SandboxProcess) -> None:
    process.kill()
    for pipe in (process.to_worker, process.from_worker, process.errors):
        pipe.close()


def result_of(program: str, *folders: Path, inherited: tuple[int, ...] = ()):
    """Run a program as a worker does, and return its `result`."""
    of = launcher(*folders)
    process = start(BEGIN.format(uid=of.uid) + program + END, of=of, inherited=inherited)
    try:
        line = b""
        while not line.endswith(b"\n"):
            part = process.from_worker.read(2**16)
            assert part, process.errors.read()
            line += part
        return json.loads(line)
    finally:
        end(process)


pytestmark = pytest.mark.usefixtures("needs_sandbox")


def test_rights_are_gone():
    status = result_of("result = dict(line.split(':', 1) for line in open('/proc/self/status'))")
    fields = {name: value.split() for name, value in status.items()}
    for name in ("CapEff", "CapPrm", "CapAmb"):
        assert int(fields[name][0], 16) == 0
    assert fields["NoNewPrivs"] == ["1"]
    assert fields["Seccomp"] == ["2"]
    assert "0" not in fields["Uid"] + fields["Gid"]
    assert fields["Groups"] in ([], ["65534"])


@pytest.mark.skipif(not AS_ROOT, reason="a normal user has no rights to begin with")
def test_rights_before_the_change_of_user():
    """Until then a worker may change to another user and group, and nothing else."""
    process = start("print([line for line in open('/proc/self/status') if line.startswith('CapEff')], flush=True)")
    said = process.from_worker.readline().decode()
    end(process)
    assert int(said.split("\\t")[1].split("\\n")[0], 16) == 1 << 6 | 1 << 7


def test_root_cannot_be_had_again():
    calls = "[lambda: os.setuid(0), lambda: os.setgid(0), lambda: os.setgroups([0])]"
    assert set(result_of(f"result = [refused(call) for call in {calls}]")) <= {"EPERM", "EINVAL"}


def test_user_outside_is_not_root(nothing_left):
    of = launcher()
    process = start(BEGIN.format(uid=of.uid) + "result = 1" + END, of=of)
    assert process.from_worker.readline() == b"1\n"
    children = Path(f"/proc/{process._first}/task/{process._first}/children").read_text().split()
    assert children
    for child in children:
        assert Path(f"/proc/{child}").stat().st_uid == (of_uid(process) if AS_ROOT else os.geteuid()) != 0
    end(process)
    nothing_left()


def of_uid(process: SandboxProcess) -> int:
    assert process._user is not None
    return process._user.value


def test_nothing_of_the_variables(monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "swordfish")
    program = """
def content(path):
    try:
        return open(path, "rb").read().decode("latin-1")
    except OSError:
        return ""
result = [sorted(os.environ), [content(f"/proc/{pid}/environ") for pid in os.listdir("/proc") if pid.isdigit()]]
"""
    names, contents = result_of(program)
    assert "HOME" in names
    assert not set(names) & (
        set(os.environ) - {"HOME", "LANG", "PATH", "PWD", "TMPDIR", "USER"} - set(bubblewrap_module._VARIABLES)
    )
    assert not any("swordfish" in content for content in contents)


def test_files_of_the_host_are_not_there(tmp_path):
    (tmp_path / "secret").write_text("x")
    paths = ["/etc/shadow", "/etc/passwd", "/home", "/var", "/run", "/sys", "/boot", "/mnt", "/dev/tty", "/dev/vda"]
    paths += [str(tmp_path / "secret"), __file__, str(Path.home() / ".ssh"), str(Path.home() / ".bashrc")]
    assert result_of(f"result = [path for path in {paths!r} if os.path.lexists(path)]") == []


def test_paths_of_the_host_are_not_told(tmp_path):
    folder = tmp_path / "market of alice"
    folder.mkdir(mode=0o755)
    program = "result = [open(f'/proc/{pid}/cmdline').read() for pid in os.listdir('/proc') if pid.isdigit()]"
    assert not any("alice" in line for line in result_of(program, folder))


def test_other_processes_are_not_seen():
    assert result_of("result = [pid for pid in os.listdir('/proc') if pid.isdigit()]") == ["1", "2"]


def test_folders_are_read_only_and_readable_below_private_ones(tmp_path):
    private = tmp_path / "private"
    folder = private / "model"
    folder.mkdir(parents=True)
    (folder / "file").write_text("content")
    private.chmod(0o700)
    folder.chmod(0o755)
    (folder / "file").chmod(0o644)
    seen = launcher(folder).seen(folder / "file")
    assert str(tmp_path) not in seen
    program = f"""
path = {seen!r}
result = [open(path).read(), refused(lambda: open(path, "w")), refused(lambda: os.unlink(path)),
          refused(lambda: os.chmod(path, 0o777)), refused(lambda: open(os.path.dirname(path) + "/new", "w"))]
"""
    assert result_of(program, folder) == ["content", "EROFS", "EROFS", "EROFS", "EROFS"]


def test_interpreter_and_packages_are_seen():
    library = [launcher().seen(path) for path in host_environment().library]
    assert result_of(f"sys.path[:0] = {library!r}\nimport numpy\nresult = numpy.arange(3).tolist()") == [0, 1, 2]


def test_worker_program_is_seen():
    seen = launcher().seen(INSIDE / "serve.py")
    assert "class" in result_of(f"result = open({seen!r}).read()")


def test_only_scratch_can_be_written_and_it_is_small():
    program = """
def fill(path):
    written = 0
    try:
        with open(path, "wb", buffering=0) as file:
            while written < 2**26:
                written += file.write(bytes(2**16))
    except OSError as error:
        return [written, errno.errorcode[error.errno]]
    return [written, "no limit"]
result = {path: fill(path) for path in ("/x", "/dev/x", "/usr/x", "/etc/x", "/proc/x", "/tmp/x", "/dev/shm/y")}
os.unlink("/tmp/x")
result["/dev/full"] = fill("/dev/full")
"""
    filled = result_of(program)
    for path in ("/x", "/dev/x", "/usr/x", "/etc/x"):
        assert filled[path] == [0, "EROFS"]
    assert filled["/proc/x"][0] == 0
    # Together they hold no more than the limit: both are the same folder.
    assert 0 < filled["/tmp/x"][0] + filled["/dev/shm/y"][0] <= LIMITS.scratch
    assert filled["/tmp/x"][1] == filled["/dev/shm/y"][1] == "ENOSPC"


def test_no_network():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        port = server.getsockname()[1]
        program = f"""
result = [refused(lambda: socket.create_connection(("127.0.0.1", {port}), 1)),
          *[refused(lambda: socket.socket(family, kind)) for family, kind in
            ((socket.AF_INET, socket.SOCK_DGRAM), (socket.AF_INET6, socket.SOCK_STREAM), (16, socket.SOCK_RAW),
             (40, socket.SOCK_STREAM), (17, socket.SOCK_RAW))],
          len(socket.socketpair())]
"""
        assert result_of(program) == ["EPERM"] * 6 + [2]
        with pytest.raises(TimeoutError):
            server.accept()


def test_network_would_be_empty_without_the_filter():
    """The filter is one of two layers: what it refuses leads nowhere anyway."""
    text = result_of("result = open('/proc/self/net/dev').read()")
    assert [line.split(":")[0].strip() for line in text.splitlines()[2:]] == ["lo"]


CALLS = {
    "unshare": ("lambda: syscall(272 if x86 else 97, 0x10000000)", "EPERM"),
    "mount": ("lambda: syscall(165 if x86 else 40, b'none', b'/tmp', b'tmpfs', 0, None)", "EPERM"),
    "setns": ("lambda: syscall(308 if x86 else 268, os.open('/proc/self/ns/net', os.O_RDONLY), 0)", "EPERM"),
    "ptrace": ("lambda: syscall(101 if x86 else 117, 0, 0, 0, 0)", "EPERM"),
    "bpf": ("lambda: syscall(321 if x86 else 280, 0, None, 0)", "EPERM"),
    "keyctl": ("lambda: syscall(250 if x86 else 219, 0, 0, 0)", "EPERM"),
    "userfaultfd": ("lambda: syscall(323 if x86 else 282, 0)", "EPERM"),
    "perf": ("lambda: syscall(298 if x86 else 241, None, 0, -1, -1, 0)", "EPERM"),
    "clone3": ("lambda: syscall(435, None, 0)", "ENOSYS"),
    "io_uring": ("lambda: syscall(425, 1, None)", "ENOSYS"),
    "memfd": ("lambda: syscall(319 if x86 else 279, b'x', 0)", "ENOSYS"),
    "semget": ("lambda: syscall(64 if x86 else 190, 0, 32000, 0o1600)", "EPERM"),
    "msgget": ("lambda: syscall(68 if x86 else 186, 0, 0o1600)", "EPERM"),
    "mq_open": ("lambda: syscall(240 if x86 else 180, b'x', os.O_CREAT | os.O_RDWR, 0o600, None)", "EPERM"),
    "later": ("lambda: syscall(600)", "ENOSYS"),
    "terminal": ("lambda: fcntl.ioctl(0, 0x5412, b'x')", "EPERM"),
    "personality": ("lambda: syscall(135 if x86 else 92, 0x0040000)", "EPERM"),
    "clone": ("lambda: syscall(56 if x86 else 220, 0x10000011, 0, 0, 0, 0)", "EPERM"),
    "mknod": ("lambda: os.mknod('/tmp/disk', 0o60666, 0x800)", "EPERM"),
    "chroot": ("lambda: os.chroot('/tmp')", "EPERM"),
}


def test_filter_is_in_force():
    calls = ", ".join(f"{name!r}: refused({call})" for name, (call, _) in CALLS.items())
    found = result_of(f"x86 = os.uname().machine == 'x86_64'\nresult = {{{calls}}}")
    assert found == {name: answer for name, (_, answer) in CALLS.items()}


def test_threads_and_programs_still_run():
    program = """
import threading
done = []
thread = threading.Thread(target=lambda: done.append(1)); thread.start(); thread.join()
result = [done, subprocess.run(["sh", "-c", "echo hello"], capture_output=True).stdout.decode()]
"""
    assert result_of(program) == [[1], "hello\n"]


def test_shared_memory_is_usable():
    """It belongs to the user who made it, and is open already."""
    file = os.memfd_create("memory", os.MFD_CLOEXEC)
    try:
        os.ftruncate(file, 4096)
        program = f"mapped = mmap.mmap({file}, 4096); mapped[:2] = b'ok'; result = mapped[:2].decode()"
        assert result_of(program, inherited=(file,)) == "ok"
        assert os.pread(file, 2, 0) == b"ok"
    finally:
        os.close(file)


def test_no_other_files_are_open():
    program = "result = [number for number in range(64) if refused(lambda: os.fstat(number)) == 'allowed']"
    assert result_of(program) == [0, 1, 2]


def test_worker_and_its_descendants_are_confined(nothing_left, counted):
    process = start("print(1, flush=True); input()")
    assert process.from_worker.readline() == b"1\n"
    process.confine()
    group = process._group
    assert group is not None
    for folder in group.folders:
        assert str(process._first) in (folder / "cgroup.procs").read_text().split()
        assert len((folder / "cgroup.procs").read_text().split()) == 2
    end(process)
    assert not any(folder.exists() for folder in group.folders)
    nothing_left()


def test_memory_limit_is_noticed(nothing_left, counted):
    process = start(f"print(1, flush=True); input(); x = bytearray({2**29}); x[::4096] = b'1' * len(x[::4096])")
    assert process.from_worker.readline() == b"1\n"
    process.confine()
    assert process._group is not None
    assert not process.ran_out_of_memory()
    process.to_worker.write(b"\n")
    assert process.wait() == -9
    assert process.ran_out_of_memory()
    end(process)
    assert process.ran_out_of_memory(), "known after its group is gone too"
    nothing_left()


@pytest.mark.parametrize(
    ("program", "status"),
    [("pass", 0), ("raise SystemExit(3)", 3), ("import os; os.kill(os.getpid(), 11)", -11)],
    ids=["end", "status", "signal"],
)
def test_status(program, status):
    process = start(program)
    assert process.wait() == status
    end(process)
    assert process.wait() == status


def test_kill_ends_daemons(nothing_left):
    program = """
import os, time
for _ in range(3):
    if not os.fork():
        os.setsid()
        if not os.fork():
            os.closerange(0, 64)
            time.sleep(600)
        os._exit(0)
time.sleep(0.1)
print(1, flush=True)
time.sleep(600)
"""
    process = start(program)
    assert process.from_worker.readline() == b"1\n"
    end(process)
    nothing_left()


def test_daemons_end_with_the_worker(nothing_left):
    process = start("import os, time\nif not os.fork():\n os.setsid()\n time.sleep(600)")
    assert process.wait() == 0
    end(process)
    nothing_left()


def test_kill_leaves_nothing_for_others_to_reap():
    process = start("import time; print(1, flush=True); time.sleep(600)")
    process.from_worker.readline()
    process.kill()
    assert not Path(f"/proc/{process._first}").exists()
    assert not Path(f"/proc/{process._process.pid}").exists()
    end(process)


def test_kill_twice_and_by_many(nothing_left):
    process = start("import time; time.sleep(600)")
    threads = [threading.Thread(target=process.kill) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    end(process)
    assert process.wait() == -9
    nothing_left()


def test_sandbox_ends_with_its_parent():
    program = """
import os
from pathlib import Path
from tests.runtime.sandbox.test_sandbox import start
process = start("import time; print(1, flush=True); time.sleep(600)")
process.from_worker.readline()
print(process._first, Path(f"/proc/{process._first}/ns/pid").stat().st_ino, flush=True)
os.kill(os.getpid(), 9)
"""
    root = Path(__file__).resolve().parents[3]
    said = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True).stdout
    from tests.runtime.conftest import inhabitants

    deadline = time.monotonic() + 10
    while inhabitants(int(said.split()[1])):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_interrupts_do_not_reach_it():
    process = start("import os; print(os.getsid(0), flush=True); input()")
    assert os.getsid(process._process.pid) != os.getsid(0)
    process.from_worker.readline()
    end(process)


def test_seen(tmp_path):
    of = launcher(tmp_path)
    assert of.seen(tmp_path / "a" / "b") == "/folders/0/a/b"
    assert of.seen(Path("/usr/lib")) == "/usr/lib"
    with pytest.raises(InvalidParameter, match="folders parameter"):
        of.seen(tmp_path.parent / "other")


@pytest.mark.parametrize("path", ["/", "/etc", "/home", "/root", "/proc", "/tmp", "~", "/does/not/exist"])
def test_folders_that_no_model_may_see(path):
    path = os.path.expanduser(path)
    with pytest.raises(InvalidParameter, match="must be given folders of packages and models"):
        launcher(Path(path))
    host = host_environment()
    with pytest.raises(InvalidParameter):
        SandboxLauncher(Environment(host.python, (), (*host.mounts, Path(path)), "host"), LIMITS, folders=())


def test_a_folder_that_vanishes(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    of = launcher(folder)
    folder.rmdir()
    process = of.start(["-c", ""], ())
    assert process.wait() == 1
    assert b"model" in process.errors.read()
    # Gone before anyone could have watched it.
    end(process)
    assert not Path(f"/proc/{process._first}").exists()


def test_bubblewrap_that_fails_this_time(tmp_path, monkeypatch):
    fake(tmp_path, "echo no more namespaces >&2; exit 1")
    of = launcher()
    monkeypatch.setattr(of, "_bubblewrap", str(tmp_path / "bwrap"))
    with pytest.raises(IsolationUnavailable, match="no more namespaces"):
        of.start(["-c", ""], ())


@pytest.fixture
def started(monkeypatch):
    """Watch what is started: the process, and the end of a pipe that a fork of this one at that moment would have."""
    seen: list[tuple[subprocess.Popen[bytes], int]] = []
    real = subprocess.Popen

    def popen(command, **options):
        kept = os.dup(options["pass_fds"][0])
        seen.append((real(command, **options), kept))
        return seen[-1][0]

    monkeypatch.setattr(subprocess, "Popen", popen)
    yield seen
    for _, kept in seen:
        with contextlib.suppress(OSError):
            os.close(kept)


def test_a_fork_does_not_hold_up_a_start(started, nothing_left):
    of, processes = launcher(), []
    thread = threading.Thread(target=lambda: processes.append(start("import time; time.sleep(600)", of=of)))
    thread.start()
    thread.join(10)
    in_time = not thread.is_alive()
    os.close(started[0][1])
    thread.join()
    end(processes[0])
    assert in_time
    nothing_left()


def test_a_fork_does_not_hide_that_a_start_failed(started, tmp_path, monkeypatch):
    fake(tmp_path, "echo no more namespaces >&2; exit 1")
    of = launcher()
    monkeypatch.setattr(of, "_bubblewrap", str(tmp_path / "bwrap"))
    with pytest.raises(IsolationUnavailable, match="no more namespaces"):
        of.start(["-c", ""], ())


def left_open() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("script", ["sleep 600; exit 1", "exec sleep 600"], ids=["starts", "waits"])
def test_bubblewrap_that_tells_nothing(started, tmp_path, monkeypatch, script):
    fake(tmp_path, script)
    of = launcher()
    monkeypatch.setattr(of, "_bubblewrap", str(tmp_path / "bwrap"))
    monkeypatch.setattr(launcher_module, "_START_SECONDS", 0.3)
    before, uid = left_open(), of.uid
    with pytest.raises(IsolationUnavailable, match=r"within 0\.3 s"):
        of.start(["-c", ""], ())
    assert started[0][0].returncode is not None
    # One more of the test's own; the user is given back too.
    assert left_open() == before + 1
    assert of.uid == uid


def test_no_room_for_a_handle(started, nothing_left, monkeypatch):
    """The kernel has handles, but the process has too many files open: that is no reason to update the system."""

    def full(pid: int) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    of = launcher()
    before, uid = left_open(), of.uid
    opened = handles._opened
    monkeypatch.setattr(handles, "_opened", full)
    with pytest.raises(IsolationUnavailable, match="refused: Too many open files") as caught:
        of.start(["-c", "input()"], ())
    assert "5.3" not in str(caught.value)
    assert started[0][0].returncode is not None
    assert left_open() == before + 1
    monkeypatch.setattr(handles, "_opened", opened)
    assert of.uid == uid
    end(start("pass", of=of))
    nothing_left()


@pytest.mark.parametrize("part", ["_end", "group", "count"])
def test_kill_gives_back_everything_whatever_fails(part, monkeypatch):
    of = launcher()
    assert (of.uid is not None) == AS_ROOT
    process = start("import time; time.sleep(600)", of=of)
    user, before = process._user, left_open()

    def fail(*arguments: object) -> None:
        raise OSError("no")

    class Failing:
        ran_out_of_memory = staticmethod(fail if part == "count" else lambda: True)
        close = staticmethod(fail if part == "group" else lambda: closed.append(1))

    closed: list[int] = []
    process._group = cast("Group", Failing())
    if part == "_end":
        monkeypatch.setattr(process, "_end", fail)
    with pytest.raises(OSError, match="no"):
        process.kill()
    assert process._process.returncode is not None
    assert process._handle is None
    assert process._group is None
    assert left_open() == before - 1 - AS_ROOT
    assert user is None or user._lock is None
    assert closed == [1] * (part != "group")
    process.kill()
    end(process)


def test_a_process_that_has_just_ended():
    process = subprocess.Popen([sys.executable, "-I", "-S", "-c", ""])
    process.wait()
    starting.end(process.pid)


def test_root_is_never_mounted():
    for as_root in (True, False):
        words = options([(Path("/usr/share"), "/folders/0")], scratch=1, as_root=as_root)
        sources = [words[at + 1] for at, word in enumerate(words) if word.endswith(("bind", "bind-try"))]
        assert "/" not in sources
        assert all(not source.startswith(("/etc", "/home")) or source == "/etc/ld.so.cache" for source in sources)
        assert "--bind" not in words


def test_root_keeps_two_rights_and_others_none():
    assert "--unshare-user" not in options((), scratch=1, as_root=True)
    words = options((), scratch=1, as_root=False)
    assert "--cap-add" not in words
    assert words[words.index("--uid") + 1] == words[words.index("--gid") + 1] == "65534"
    assert "--disable-userns" in words


@pytest.mark.skipif(not AS_ROOT, reason="needs root, which alone can become another user")
def test_works_for_a_normal_user(tmp_path):
    """The same from a user without rights, in an interpreter that such a user can read."""
    python = shutil.which("python3", path="/usr/bin")
    if python is None:
        pytest.skip("needs an interpreter that every user can read")
    status = normal_user(tmp_path, python)
    assert int(status["CapEff"].split()[0], 16) == 0
    assert status["NoNewPrivs"].strip() == "1"
    assert set(status["Uid"].split()) == {"65534"}
    assert status["refused"] == "EPERM"


def normal_user(tmp_path: Path, python: str):
    program = tmp_path / "program"
    program.write_text(
        BEGIN.format(uid=None)
        + "result = dict(line.split(':', 1) for line in open('/proc/self/status'))\n"
        + "result['refused'] = refused(lambda: syscall(272 if os.uname().machine == 'x86_64' else 97, 0x10000000))\n"
        + "print(json.dumps(result))"
    )
    words = [bubblewrap(), *options((), scratch=2**20, as_root=False)]
    with bubblewrap_module.nameless_file(bubblewrap_module.seccomp_program(os.uname().machine)) as rules:
        words += ["--seccomp", str(rules.fileno()), "--", python, "-I", "-S", "-c", program.read_text()]
        done = subprocess.run(
            words, env={}, pass_fds=(rules.fileno(),), capture_output=True, user=65534, group=65534, extra_groups=[]
        )
    if b"Operation not permitted" in done.stderr:
        pytest.skip("needs a system that lets normal users make namespaces")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.skipif(not AS_ROOT, reason="only root gives workers users of their own")
def test_every_worker_is_another_user():
    first, second = launcher(), launcher()
    assert first.uid == first.uid
    assert first.uid != second.uid
    process = start("pass", of=first)
    assert first.uid != of_uid(process)
    end(process)


def test_user_ids_are_given_back():
    first = reserve_user_id()
    second = reserve_user_id()
    assert 62000 <= first.value < second.value <= 62999
    first.close()
    first.close()
    third = reserve_user_id()
    assert third.value == first.value
    second.close()
    third.close()


def test_all_user_ids_taken(monkeypatch):
    # An id that no worker of another process has meanwhile.
    monkeypatch.setattr(user_ids, "_FIRST", 2**30 + os.getpid())
    monkeypatch.setattr(user_ids, "_LAST", 2**30 + os.getpid())
    held = [reserve_user_id()]
    with pytest.raises(IsolationUnavailable, match="Close the learnwares"):
        reserve_user_id()
    held[0].close()


@pytest.fixture
def untried():
    bubblewrap.cache_clear()
    yield
    bubblewrap.cache_clear()


def fake(tmp_path: Path, script: str) -> None:
    path = tmp_path / "bwrap"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo bubblewrap 0.6.1", r"0\.8 or newer.*0\.6\.1"),
        ("echo something else", "something else"),
        ("exit 1", "0.8 or newer"),
        ('[ "$1" = --version ] && echo bubblewrap 0.9.0 && exit; echo no permissions >&2; exit 1', "no permissions"),
    ],
    ids=["old", "odd", "broken", "forbidden"],
)
def test_bubblewrap_that_is_no_use(untried, monkeypatch, tmp_path, script, message):
    fake(tmp_path, script)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(IsolationUnavailable, match=message):
        launcher()


def test_no_bubblewrap(untried, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(IsolationUnavailable, match="apt-get install bubblewrap"):
        launcher()


def test_other_systems(untried, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(IsolationUnavailable, match="needs Linux"):
        launcher()


@pytest.mark.parametrize(
    "setting", ["kernel.apparmor_restrict_unprivileged_userns=0", "user.max_user_namespaces=15000"]
)
def test_settings_that_forbid_it_are_named(monkeypatch, tmp_path, setting):
    values = {"kernel/apparmor_restrict_unprivileged_userns": "0", "user/max_user_namespaces": "9"}
    name = setting.split("=")[0].replace(".", "/", 1)
    values[name] = "1" if name.startswith("kernel") else "0"
    for file, value in values.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(value + "\n")
    monkeypatch.setattr(bubblewrap_module, "_SETTINGS", tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert f"sudo sysctl -w {setting}" in bubblewrap_module._how_to_allow()


def test_old_kernels(untried, monkeypatch):
    def absent(pid: int) -> int:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(handles, "_opened", absent)
    with pytest.raises(IsolationUnavailable, match=r"Linux 5\.3"):
        launcher()


def test_a_python_without_the_function_for_handles(monkeypatch):
    monkeypatch.delattr(os, "pidfd_open")
    process = subprocess.Popen([sys.executable, "-I", "-S", "-c", "input()"], stdin=subprocess.PIPE)
    handle = handles.open_handle(process.pid)
    assert handle is not None
    assert not handles.has_ended(handle, 0.0)
    process.communicate(b"\n")
    assert handles.has_ended(handle, 0.0)
    os.close(handle)
    assert handles.open_handle(process.pid) is None


def test_nothing_is_left_when_a_start_is_refused(monkeypatch):
    of = launcher()
    monkeypatch.setattr(of, "_bubblewrap", "/does/not/exist")
    before = set(os.listdir("/proc/self/fd"))
    with pytest.raises(IsolationUnavailable, match="refused"):
        of.start(["-c", ""], ())
    assert set(os.listdir("/proc/self/fd")) == before


def test_files_are_closed_at_the_end():
    of = launcher()
    end(start("pass", of=of))
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        end(start("pass", of=of))
    assert len(os.listdir("/proc/self/fd")) == before
