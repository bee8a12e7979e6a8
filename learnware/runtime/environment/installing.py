"""Packages into a folder, by uv or pip: wheels only, versions locked by their sha256 before anything is installed.

A source package would run its author's code while it is built, outside of every sandbox, so none is ever taken. Which
index is asked, with which certificates and proxy, is what the user has set for uv and pip.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from learnware._progress import progress_bar
from learnware.errors import EnvironmentFailed
from learnware.limits import LIMITS

LOCK, LIBRARY = "lock.txt", "library"
_WANTED, _REPORT, _TOOL = "requirements.in", "report.json", "tool"
_WHEELS = ("--only-binary", ":all:")

# Nothing else of the environment reaches the installer, so that no variable can turn wheels off or move the target.
_PASSED = frozenset(
    "PATH HOME USER LANG LC_ALL TMPDIR TEMP TMP APPDATA LOCALAPPDATA USERPROFILE SYSTEMROOT SYSTEMDRIVE PROGRAMDATA "
    "XDG_CACHE_HOME XDG_CONFIG_HOME XDG_CONFIG_DIRS XDG_DATA_HOME SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE "
    "CURL_CA_BUNDLE HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY NETRC "
    "PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_FIND_LINKS PIP_NO_INDEX PIP_TRUSTED_HOST PIP_CERT PIP_CLIENT_CERT PIP_PROXY "
    "PIP_CONFIG_FILE PIP_CACHE_DIR PIP_NO_CACHE_DIR PIP_TIMEOUT PIP_DEFAULT_TIMEOUT PIP_RETRIES PIP_KEYRING_PROVIDER "
    "UV_DEFAULT_INDEX UV_EXTRA_INDEX_URL UV_FIND_LINKS UV_KEYRING_PROVIDER UV_INSECURE_HOST "
    "UV_SYSTEM_CERTS UV_NATIVE_TLS UV_CONFIG_FILE UV_CACHE_DIR UV_NO_CACHE UV_OFFLINE UV_HTTP_TIMEOUT UV_EXCLUDE_NEWER "
    "UV_TORCH_BACKEND UV_LINK_MODE UV_CONCURRENT_DOWNLOADS UV_CONCURRENT_INSTALLS".split()
)
_OFFLINE = re.compile(
    r"dns error|name resolution|name or service not known|error sending request|newconnectionerror|network is "
    r"unreachable|connection refused|connection timed out|connecttimeout|network (connectivity is|was) disabled",
    re.IGNORECASE,
)


def install(requirements: Sequence[str], folder: Path, python: Path, *, progress: bool | None = None) -> str:
    """Install packages into ``folder/library``, as locked in ``folder/lock.txt``.

    Parameters
    ----------
    requirements : sequence of str
        As `learnware.runtime.environment.requirements` returns them.
    folder : Path
        An empty folder.
    python : Path
        The interpreter that will import the packages.
    progress : bool, optional
        Show a progress bar; default: where someone is looking.

    Returns
    -------
    str
        The tool that did it.

    Raises
    ------
    EnvironmentFailed
        There are no such wheels, the index cannot be reached, or it takes too much time or room.
    """
    (folder / _WANTED).write_text("".join(f"{line}\n" for line in requirements), encoding="utf-8")
    deadline = time.monotonic() + LIMITS["environment-seconds"]
    uv = find_uv()
    with progress_bar(total=2, desc="Packages of the model", unit="step", shown=progress) as bar:
        if uv is not None:
            _run([uv, "pip", "compile", *_UV, "--python", str(python), *_UV_LOCK, _WANTED], folder, deadline)
            bar.update()
            _run([uv, "pip", "install", *_UV, "--python", str(python), *_UV_INSTALL], folder, deadline)
        else:
            pip = [*_python_with_pip(folder, python, deadline), "-m", "pip", "install", *_PIP]
            _run([*pip, *_PIP_LOCK, "-r", _WANTED], folder, deadline)
            _write_lock(folder)
            bar.update()
            _run([*pip, *_PIP_INSTALL], folder, deadline)
        bar.update()
    _clean(folder)
    return "pip" if uv is None else "uv"


# Compiled here, since workers see the folder read-only and would compile it again at every start.
_UV = ("--quiet", "--no-python-downloads", "--color", "never", *_WHEELS)
_UV_LOCK = ("--generate-hashes", "--no-header", "--no-annotate", "--output-file", LOCK)
_UV_INSTALL = ("--target", LIBRARY, "--compile-bytecode", "--require-hashes", "--no-deps", "-r", LOCK)
_PIP = ("--quiet", "--no-input", "--disable-pip-version-check", "--no-color", "--root-user-action", "ignore", *_WHEELS)
_PIP_LOCK = ("--dry-run", "--ignore-installed", "--report", _REPORT)
_PIP_INSTALL = ("--target", LIBRARY, "--require-hashes", "--no-deps", "-r", LOCK)


def find_uv() -> str | None:
    """Return the program uv, from the path or beside the interpreter; None where it is not installed."""
    return shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))


def _python_with_pip(folder: Path, python: Path, deadline: float) -> list[str]:
    """Return an interpreter that has pip: this one, else one of a virtual environment made for it."""
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable]
    _run([str(python), "-I", "-m", "venv", _TOOL], folder, deadline)
    return [str(next((folder / _TOOL).glob("[bS]*/python*")))]


def _write_lock(folder: Path) -> None:
    """Write what pip has chosen, as uv writes it."""
    report = json.loads((folder / _REPORT).read_text(encoding="utf-8"))
    lines = []
    for chosen in report["install"]:
        name, version = chosen["metadata"]["name"], chosen["metadata"]["version"]
        sha256 = chosen["download_info"].get("archive_info", {}).get("hashes", {}).get("sha256")
        if sha256 is None:
            raise EnvironmentFailed(
                f"The packages that a model needs must be locked by their sha256, and pip reports none for {name} "
                f"{version}. Install uv, or a newer pip (22.3 or later), and take packages from an index that gives "
                "hashes."
            )
        lines.append(f"{name.lower()}=={version} \\\n    --hash=sha256:{sha256}\n")
    (folder / LOCK).write_text("".join(sorted(lines)), encoding="utf-8")


def _clean(folder: Path) -> None:
    (folder / _WANTED).unlink()
    (folder / _REPORT).unlink(missing_ok=True)
    shutil.rmtree(folder / _TOOL, ignore_errors=True)
    (folder / LIBRARY).mkdir(exist_ok=True)
    _require_room(folder)


def _run(command: Sequence[str], folder: Path, deadline: float) -> None:
    """Run a command in `folder`; what it says is kept for the message of a failure."""
    with tempfile.TemporaryFile() as words:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={name: value for name, value in os.environ.items() if _may_pass(name)},
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait(process, folder, deadline)
        finally:
            _end(process)
        if process.returncode:
            raise _failed(Path(command[0]).name, _tail(words))


def _may_pass(name: str) -> bool:
    # uv names the credentials of an index after that index.
    return name.upper() in _PASSED or name.upper().startswith("UV_INDEX")


def _wait(process: subprocess.Popen[bytes], folder: Path, deadline: float) -> None:
    while time.monotonic() < deadline:
        try:
            process.wait(timeout=min(2.0, max(deadline - time.monotonic(), 0.0)))
            return
        except subprocess.TimeoutExpired:
            _require_room(folder)
    raise EnvironmentFailed(
        f"The packages that a model needs were not installed within {LIMITS['environment-seconds']} s. Try again: what "
        "has been downloaded is kept. Or install them into the environment that you work in."
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.wait()


def _require_room(folder: Path) -> None:
    if size_of(folder) > LIMITS["environment-bytes"]:
        raise EnvironmentFailed(
            f"The packages that a model needs take more than {LIMITS['environment-bytes']:,} bytes. Install them into "
            "the environment that you work in, if you want them."
        )


def size_of(folder: Path) -> int:
    """Return the bytes of all files below `folder`, links not followed."""
    total, waiting = 0, [str(folder)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    total += entry.stat(follow_symlinks=False).st_size
    return total


def _tail(words: IO[bytes]) -> str:
    words.seek(0, os.SEEK_END)
    words.seek(max(words.tell() - 2000, 0))
    return "\n".join(words.read().decode("utf-8", "replace").strip().splitlines()[-15:])


def _failed(tool: str, words: str) -> EnvironmentFailed:
    advice = (
        "Only wheels are installed, since source packages run code while they are built: ask for versions that have "
        f"wheels for Python {sys.version_info.major}.{sys.version_info.minor} on this platform, or install the "
        "packages into the environment that you work in."
    )
    if _OFFLINE.search(words):
        advice = (
            "The index cannot be reached. Connect this machine, or put the wheels into a folder and name it in "
            "UV_FIND_LINKS, with UV_OFFLINE=1 (for pip: PIP_FIND_LINKS, with PIP_NO_INDEX=1)."
        )
    return EnvironmentFailed(f"The packages that a model needs cannot be installed. {tool} said:\n{words}\n{advice}")
