"""Starts the worker program where it can reach nothing but the model, its packages and the control channel."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import threading
from pathlib import Path
from typing import BinaryIO, cast

from learnware.errors import InvalidParameter, IsolationUnavailable
from learnware.limits import Limits
from learnware.runtime.base import INSIDE, Environment
from learnware.runtime.sandbox.bubblewrap import bubblewrap, nameless_file, options
from learnware.runtime.sandbox.cgroup import Group, new_group
from learnware.runtime.sandbox.handles import has_ended, open_handle
from learnware.runtime.sandbox.seccomp import seccomp_program
from learnware.runtime.sandbox.starting import abandon, descendants, end, last_words, told_within
from learnware.runtime.sandbox.user_ids import UserId, reserve_user_id

# The first process of the sandbox and room for a thread that ends while the next one starts.
_FURTHER_PROCESSES = 4
_START_SECONDS = 20.0
_END_SECONDS = 10.0
_SYSTEM_LIBRARIES = Path("/usr")
# What holds more than a worker has to do with, or is made anew inside the sandbox.
_NEVER_SEEN = {
    Path("/", name) for name in ("", "boot", "dev", "etc", "home", "proc", "root", "run", "sys", "tmp", "var")
}


class SandboxLauncher:
    """Starts workers in sandboxes made by bubblewrap.

    A worker sees the system's libraries, the environment and the given folders, all read-only, and a folder of its own
    in memory. It has no network, no rights, no variables of this process, and sees no other processes.

    Parameters
    ----------
    environment : Environment
        The Python and the packages to run with.
    limits : Limits
        What one worker may take.
    folders : tuple of Path
        Further folders for the worker to read; their files must be readable for everyone when root starts workers.

    Raises
    ------
    IsolationUnavailable
        This machine cannot make sandboxes; the message says how to change that.
    """

    def __init__(self, environment: Environment, limits: Limits, *, folders: tuple[Path, ...]) -> None:
        self._bubblewrap = bubblewrap()
        self._filter = seccomp_program(os.uname().machine)
        self._limits = limits
        self._mounts = _mounts(environment, folders)
        self._python = self.seen(environment.python)
        self._reserved: UserId | None = None
        self._lock = threading.Lock()

    @property
    def uid(self) -> int | None:
        """The user and group that the next worker must change to before anything else; None where it need not."""
        if os.geteuid() != 0:
            return None
        with self._lock:
            if self._reserved is None:
                self._reserved = reserve_user_id()
            return self._reserved.value

    def start(self, arguments: list[str], inherited: tuple[int, ...]) -> SandboxProcess:
        """Start ``python -I -S`` with `arguments`, its control channel on the standard input and output.

        Parameters
        ----------
        arguments : list of str
            What follows ``python -I -S`` on the command line.
        inherited : tuple of int
            Further file descriptors that the worker keeps under their numbers.

        Returns
        -------
        SandboxProcess
            The worker, not yet under the limits of a control group.

        Raises
        ------
        IsolationUnavailable
            The sandbox could not be made this time.
        """
        with self._lock:
            user, self._reserved = self._reserved, None
        made = options(self._mounts, scratch=self._limits.scratch, as_root=os.geteuid() == 0)
        with contextlib.ExitStack() as failed:
            if user is not None:
                failed.callback(user.close)
            try:
                process, told = self._spawn(made, [self._python, "-I", "-S", *arguments], inherited)
            except OSError as error:
                raise IsolationUnavailable(
                    f"The sandbox needs to start {self._bubblewrap}, and the system refused: {error}. Free some "
                    f"memory, processes, files, or room in the temporary folder."
                ) from error
            failed.callback(abandon, process)
            with told:
                first = self._first(process, told)
            sandboxed = SandboxProcess(process, first, self._limits, user)
            failed.pop_all()
            return sandboxed

    def _spawn(
        self, made: list[str], command: list[str], inherited: tuple[int, ...]
    ) -> tuple[subprocess.Popen[bytes], BinaryIO]:
        """Start bubblewrap and return the pipe by which it tells of the sandbox."""
        with contextlib.ExitStack() as ours:
            told, tell = os.pipe()
            reader = ours.enter_context(open(told, "rb", buffering=0))
            with contextlib.ExitStack() as given:
                given.callback(os.close, tell)
                rules = _held(given, self._filter)
                made = [*made, "--seccomp", str(rules), "--info-fd", str(tell)]
                # Not on the command line, which code inside can read: the options name folders of this machine.
                hidden = _held(given, b"".join(os.fsencode(option) + b"\0" for option in made))
                process = subprocess.Popen(
                    [self._bubblewrap, "--args", str(hidden), "--", *command],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    bufsize=0,
                    env={},
                    pass_fds=(*inherited, tell, hidden, rules),
                    # Else an interrupt from the keyboard would end the worker as well.
                    start_new_session=True,
                )
            ours.pop_all()
            return process, cast("BinaryIO", reader)

    def _first(self, process: subprocess.Popen[bytes], told: BinaryIO) -> int:
        """Return the first process of the sandbox, once bubblewrap has told of it."""
        text = told_within(_START_SECONDS, process, told)
        if text.endswith(b"}"):
            return int(json.loads(text)["child-pid"])
        if process.poll() is None:
            raise IsolationUnavailable(
                f"The sandbox needs {self._bubblewrap} to make it within {_START_SECONDS:g} s, and it did not; it was "
                f"stopped. Try again when this machine has less to do."
            )
        raise IsolationUnavailable(
            f"The sandbox needs bubblewrap to start, and it failed: {last_words(process)!r}. See whether the "
            f"folders {[str(source) for source, _ in self._mounts]} are there and can be read."
        )

    def seen(self, path: Path) -> str:
        """Return where the worker sees a file of this machine.

        Raises
        ------
        InvalidParameter
            The worker does not see it at all.
        """
        path = path.resolve()
        for source, target in ((_SYSTEM_LIBRARIES, str(_SYSTEM_LIBRARIES)), *self._mounts):
            if path.is_relative_to(source):
                return str(Path(target, path.relative_to(source)))
        raise InvalidParameter(
            f"The sandbox must be given every folder that its worker reads. Got {str(path)!r}, which is in none of "
            f"{[str(source) for source, _ in self._mounts]}: name it in the folders parameter."
        )


class SandboxProcess:
    """A worker in a sandbox.

    Parameters
    ----------
    process : Popen
        Bubblewrap, which ends when everything in the sandbox has.
    first : int
        The first process of the sandbox; all others end with it.
    limits : Limits
        What the worker may take.
    user : UserId, optional
        The user that the worker is, given back at its end.

    Attributes
    ----------
    to_worker, from_worker, errors : binary file
        Its control channel, and its standard error.
    """

    to_worker: BinaryIO
    from_worker: BinaryIO
    errors: BinaryIO

    def __init__(self, process: subprocess.Popen[bytes], first: int, limits: Limits, user: UserId | None) -> None:
        pipes = (process.stdin, process.stdout, process.stderr)
        self.to_worker, self.from_worker, self.errors = (cast("BinaryIO", pipe) for pipe in pipes)
        self._process = process
        self._first = first
        self._limits = limits
        self._user = user
        self._group: Group | None = None
        self._ran_out_of_memory = False
        self._lock = threading.Lock()
        self._handle = open_handle(first)

    def confine(self) -> None:
        """Put the worker into a control group, where this machine lets us make one.

        Raises
        ------
        IsolationUnavailable
            A group was made but does not take the worker.
        """
        with self._lock:
            if self._handle is None:
                return
            self._group = new_group(self._limits.memory, self._limits.processes + _FURTHER_PROCESSES)
            if self._group is None:
                return
            try:
                self._group.add([self._first, *descendants(self._first)])
            except OSError as error:
                raise IsolationUnavailable(
                    f"The sandbox must put its worker into the control group {self._group.folders}, and the system "
                    f"refused: {error}. Start Python outside of a service or container that restricts control groups."
                ) from error

    def kill(self) -> None:
        """End everything in the sandbox, wait for it, and give back its user and its control group."""
        # Whatever fails, all that comes after it is still done.
        with self._lock, contextlib.ExitStack() as last:
            if self._user is not None:
                last.callback(self._user.close)
            last.callback(self._give_back_group)
            last.callback(self._process.wait)
            last.callback(self._process.kill)
            if self._handle is not None:
                handle, self._handle = self._handle, None
                last.callback(os.close, handle)
                self._end(handle)

    def _give_back_group(self) -> None:
        if self._group is not None:
            group, self._group = self._group, None
            try:
                self._ran_out_of_memory = group.ran_out_of_memory()
            finally:
                group.close()

    def _end(self, handle: int) -> None:
        """End the first process; with it the kernel ends all others of a sandbox, and then counts it as ended."""
        if not has_ended(handle, 0.0):
            end(self._first)
        has_ended(handle, _END_SECONDS)
        # Bubblewrap takes note of that end and follows. Were it ended too early, nobody would.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_SECONDS)
        # It may have ended before the other one, and this process may be the one that inherits orphans.
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._first, os.WNOHANG)

    def wait(self) -> int:
        """Wait for the worker's end and return its exit status, negative for a signal."""
        status = self._process.wait()
        # Bubblewrap passes on a signal as shells do.
        return 128 - status if status > 128 else status

    def ran_out_of_memory(self) -> bool:
        """Tell whether the kernel has ended it for taking too much memory."""
        with self._lock:
            return self._ran_out_of_memory or (self._group is not None and self._group.ran_out_of_memory())


def _held(stack: contextlib.ExitStack, content: bytes) -> int:
    """Return a file descriptor to read `content` from, which is closed with the stack."""
    return stack.enter_context(nameless_file(content)).fileno()


def _mounts(environment: Environment, folders: tuple[Path, ...]) -> tuple[tuple[Path, str], ...]:
    """Return what a worker sees of this machine besides the system's libraries, and where."""
    mounts = [(path.resolve(), str(path)) for path in environment.mounts]
    # Under names of ours, since those of this machine tell of its user.
    mounts += [(path.resolve(), f"/folders/{number}") for number, path in enumerate(folders)]
    mounts.append((INSIDE, "/worker/inside"))
    home = Path(os.path.expanduser("~")).resolve()
    for path, _ in mounts:
        if path in _NEVER_SEEN or home.is_relative_to(path) or not path.exists():
            raise InvalidParameter(
                f"The sandbox must be given folders of packages and models. Got {str(path)!r} instead, which "
                f"{'holds more than a model may see' if path.exists() else 'does not exist'}."
            )
    return tuple((path, target) for path, target in mounts if not path.is_relative_to(_SYSTEM_LIBRARIES))
