"""Workers as plain processes of this user: apart from the caller, but not confined."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, BinaryIO, cast

from learnware.runtime.base import Environment

# Nothing else of the caller's environment reaches a worker: passwords and tokens are kept there.
_NAMES = frozenset("PATH LANG TZ TMPDIR TEMP TMP SYSTEMROOT SYSTEMDRIVE WINDIR LD_LIBRARY_PATH".split())
_PREFIXES = ("LC_", "OMP_", "MKL_", "OPENBLAS_", "NUMEXPR_", "KMP_", "DYLD_")


class LocalLauncher:
    """Starts the worker program as an ordinary process.

    Parameters
    ----------
    environment : Environment
        The Python and the packages it runs with.
    """

    #: A plain process stays with the user who started it.
    uid: int | None = None

    def __init__(self, environment: Environment) -> None:
        self.environment = environment

    def start(self, arguments: list[str], inherited: tuple[int, ...]) -> LocalProcess:
        """Start ``python -I -S`` with `arguments`; see `learnware.runtime.base.Launcher`."""
        return LocalProcess(
            subprocess.Popen(
                [str(self.environment.python), "-I", "-S", *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                env=passed_on(os.environ),
                cwd=os.sep,
                # Else an interrupt from the keyboard would end the worker too.
                start_new_session=os.name == "posix",
                pass_fds=inherited,
            )
        )

    def seen(self, path: Path) -> str:
        """Return `path`: a plain process sees the files of its user."""
        return str(path)


class LocalProcess:
    """A worker that is an ordinary process.

    Parameters
    ----------
    popen : subprocess.Popen
        The process, leading a group of its own, with its pipes.
    """

    def __init__(self, popen: subprocess.Popen[bytes]) -> None:
        self._popen = popen
        self.to_worker, self.from_worker, self.errors = map(_binary, (popen.stdin, popen.stdout, popen.stderr))

    def confine(self) -> None:
        """Do nothing: a plain process is bound by the limits that it has set itself."""

    def kill(self) -> None:
        """End the process and its group."""
        # Once its end has been taken note of, the number may belong to another process.
        if self._popen.returncode is None:
            if os.name == "posix":
                # A program that waits for all of its children may have taken note of the end before us.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._popen.pid, signal.SIGKILL)
            else:
                self._popen.kill()

    def wait(self) -> int:
        """Wait for the end and return the exit status, negative for a signal."""
        return self._popen.wait()

    def ran_out_of_memory(self) -> bool:
        """Return False: nothing but the process itself watches its memory."""
        return False


def passed_on(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a worker gets: where programs and temporary files are, language, and threads."""
    return {name: value for name, value in variables.items() if name in _NAMES or name.startswith(_PREFIXES)}


def further_folders(environment: Environment) -> list[str]:
    """Return the folders that this process imports from, besides those of `environment`."""
    known = {str(path) for path in environment.library}
    found = [path for path in sys.path if os.path.isabs(path) and os.path.isdir(path)]
    return [path for path in dict.fromkeys(found) if os.path.realpath(path) not in known]


def _binary(pipe: IO[bytes] | None) -> BinaryIO:
    return cast("BinaryIO", pipe)
