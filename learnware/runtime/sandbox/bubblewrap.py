"""The command line of bubblewrap: what a sandbox sees of the machine, and whether this machine can make one."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import IO

from learnware.errors import IsolationUnavailable
from learnware.runtime.sandbox.handles import open_handle
from learnware.runtime.sandbox.seccomp import seccomp_program

_OLDEST = (0, 8)
_LIBRARY_LINKS = ("lib", "lib32", "lib64", "libx32", "bin", "sbin")
_DEVICES = ("null", "zero", "full", "random", "urandom")
_NOBODY = 65534
_TRIAL_SECONDS = 20.0
_SETTINGS = Path("/proc/sys")

# More threads than this gain a model little, and each counts against the limit on processes.
_THREADS = str(min(os.cpu_count() or 1, 4))
_VARIABLES = {
    "HOME": "/tmp",
    "LANG": "C.UTF-8",
    "PATH": "/usr/bin:/bin",
    "TMPDIR": "/tmp",
    "USER": "worker",
    "OMP_NUM_THREADS": _THREADS,
    "OPENBLAS_NUM_THREADS": _THREADS,
    "MKL_NUM_THREADS": _THREADS,
}

# A setting of the kernel, the value that forbids sandboxes, and the command that allows them.
_SWITCHES = (
    ("kernel/apparmor_restrict_unprivileged_userns", "1", "kernel.apparmor_restrict_unprivileged_userns=0"),
    ("kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
    ("user/max_user_namespaces", "0", "user.max_user_namespaces=15000"),
)
_WITHOUT = (
    "Or do without a sandbox: isolation='process' runs the model as an ordinary process, code only with trust='code', "
    "if you trust its author as you do yourself."
)
_INSTALLERS = {
    "apt-get": "sudo apt-get install bubblewrap",
    "dnf": "sudo dnf install bubblewrap",
    "zypper": "sudo zypper install bubblewrap",
    "pacman": "sudo pacman -S bubblewrap",
    "apk": "sudo apk add bubblewrap",
}


def options(mounts: Sequence[tuple[Path, str]], *, scratch: int, as_root: bool) -> list[str]:
    """Return the options that make a sandbox.

    Parameters
    ----------
    mounts : sequence of (Path, str)
        Folders of this machine and where the sandbox sees them, read-only.
    scratch : int
        Bytes of its folder ``/tmp``, the only one it can write to.
    as_root : bool
        Whether root starts it. Then no user namespace is made, and the right to change to another user stays with the
        worker, which gives it up by using it.
    """
    made = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
    made += ["--new-session", "--die-with-parent", "--hostname", "sandbox", "--cap-drop", "ALL"]
    if as_root:
        made += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        made += ["--unshare-user", "--uid", str(_NOBODY), "--gid", str(_NOBODY), "--disable-userns"]
    made.append("--clearenv")
    for name, value in _VARIABLES.items():
        made += ["--setenv", name, value]
    made += [*_system(), "--proc", "/proc", "--perms", "1777", "--size", str(scratch), "--tmpfs", "/tmp"]
    for source, target in mounts:
        made += [*_parents(target), "--ro-bind", str(source), target]
    return [*made, "--remount-ro", "/", "--chdir", "/tmp"]


def _system() -> list[str]:
    """Return the options for the system's libraries and for the few devices that programs expect."""
    made = ["--ro-bind", "/usr", "/usr"]
    made += [*_parents("/etc/ld.so.cache"), "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]
    for name in _LIBRARY_LINKS:
        path = Path("/", name)
        if path.is_symlink():
            made += ["--symlink", os.readlink(path), str(path)]
        elif path.is_dir():
            made += ["--ro-bind", str(path), str(path)]
    made += ["--dir", "/dev"]
    for name in _DEVICES:
        made += ["--dev-bind", f"/dev/{name}", f"/dev/{name}"]
    # Shared memory of programs is a file here, and so counts against the size of the one folder they can write to.
    return [*made, "--symlink", "/tmp", "/dev/shm"]


def _parents(target: str) -> list[str]:
    """Return the options for the folders above a mount; bubblewrap itself would make them for root alone."""
    above = reversed(PurePosixPath(target).parents[:-1])
    return [word for folder in above for word in ("--dir", str(folder))]


@functools.cache
def bubblewrap() -> str:
    """Return the path of a bubblewrap that can make sandboxes; it is tried once.

    Raises
    ------
    IsolationUnavailable
        There is none, it is too old, or this machine does not allow it. The message says how to change that.
    """
    if not sys.platform.startswith("linux"):
        raise IsolationUnavailable(
            f"The sandbox needs Linux, and this is {sys.platform!r}. Run this model on Linux, or see the isolation "
            f"parameter for less protection."
        )
    # A filter for this processor comes first: without it nothing else is worth installing.
    program = seccomp_program(os.uname().machine)
    path = shutil.which("bwrap")
    if path is None:
        raise IsolationUnavailable(f"The sandbox needs bubblewrap, which is not installed. {_how_to_install()}")
    _check_version(path)
    _check_handles()
    _try(path, program)
    return path


def _check_version(path: str) -> None:
    """Refuse a bubblewrap that lacks options we need."""
    said = _run([path, "--version"]).stdout
    number = re.search(r"(\d+)\.(\d+)", said)
    if number is None or tuple(int(part) for part in number.groups()) < _OLDEST:
        raise IsolationUnavailable(
            f"The sandbox needs bubblewrap {'.'.join(map(str, _OLDEST))} or newer. Got {said.strip()!r} from {path} "
            f"instead. {_how_to_install()}"
        )


def _check_handles() -> None:
    """Refuse a kernel that cannot tell us for certain when a sandbox has ended."""
    handle = open_handle(os.getpid())
    if handle is not None:
        os.close(handle)


def _try(path: str, program: bytes) -> None:
    """Make a sandbox that ends at once."""
    with nameless_file(program) as rules:
        made = [*options((), scratch=2**20, as_root=os.geteuid() == 0), "--seccomp", str(rules.fileno())]
        outcome = _run([path, *made, "--", "true"], inherited=(rules.fileno(),))
    if outcome.returncode != 0:
        raise IsolationUnavailable(
            f"The sandbox needs bubblewrap to work, and {path} failed: {outcome.stderr.strip()!r}. {_how_to_allow()}"
        )


def _run(command: list[str], inherited: tuple[int, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run a command in an empty environment and return what it said."""
    try:
        return subprocess.run(
            command,
            env={"PATH": "/usr/bin:/bin"},
            pass_fds=inherited,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TRIAL_SECONDS,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise IsolationUnavailable(
            f"The sandbox needs bubblewrap to work, and it could not be run: {error}. {_how_to_install()}"
        ) from error


def nameless_file(content: bytes) -> IO[bytes]:
    """Return a file to read `content` from, which has no name and is gone when it is closed."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    file.write(content)
    file.flush()
    # Whoever inherits the descriptor reads on from where it stands.
    os.lseek(file.fileno(), 0, os.SEEK_SET)
    return file


def _how_to_install() -> str:
    """Say how to get bubblewrap, and how to do without."""
    commands = [command for tool, command in _INSTALLERS.items() if shutil.which(tool)] or list(_INSTALLERS.values())
    return f"Install it with {' or '.join(f'`{command}`' for command in commands[:2])}. {_WITHOUT}"


def _how_to_allow() -> str:
    """Say what keeps this machine from making sandboxes, as far as its settings tell."""
    for file, forbidden, setting in _SWITCHES:
        path = _SETTINGS / file
        if os.geteuid() != 0 and path.exists() and path.read_text().strip() == forbidden:
            return f"This machine forbids it; allow it with `sudo sysctl -w {setting}`. {_WITHOUT}"
    return (
        "This machine, or the container this runs in, forbids new namespaces. A container allows them when it is "
        "started with `--cap-add SYS_ADMIN --security-opt seccomp=unconfined --security-opt apparmor=unconfined`. "
        + _WITHOUT
    )
