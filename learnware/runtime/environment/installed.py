"""The Python and the packages that a model runs with: those of this process, or a folder of installed ones.

Installed ones are kept in the user's cache, one folder for each list of requirements:
``environments/KEY/{lock.txt, library/, complete.json}``. A folder is built under another name and renamed once it is
whole, so nobody sees half of one, whoever else builds it and whenever a builder dies.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.tags import sys_tags

from learnware._cache_folder import cache_folder
from learnware._writing import write_whole
from learnware.errors import EnvironmentFailed, InvalidParameter
from learnware.limits import LIMITS
from learnware.runtime.base import Environment
from learnware.runtime.environment.host import host_environment, interpreter, meets, outermost
from learnware.runtime.environment.installing import LIBRARY, LOCK, install, size_of
from learnware.runtime.environment.requirements import parse_requirements

__all__ = [
    "CachedEnvironment",
    "cached_environments",
    "environment_for",
    "host_environment",
    "remove_environment",
]

_COMPLETE = "complete.json"
# Builders may not take longer; a folder that is older was left by one that died.
_ABANDONED = 2 * LIMITS["environment-seconds"]


@dataclass(frozen=True)
class CachedEnvironment:
    """An installed environment in the cache.

    Parameters
    ----------
    key : str
        Digest of what it was made for.
    requirements : tuple of str
        What was asked for.
    n_bytes : int
        Size of its packages.
    """

    key: str
    requirements: tuple[str, ...]
    n_bytes: int


def environment_for(
    requirements: Sequence[str], *, cache: Path | None = None, progress: bool | None = None
) -> Environment:
    """Return an environment that meets `requirements`, installing packages where this process lacks some.

    Parameters
    ----------
    requirements : sequence of str
        Names with versions and markers. ``numpy`` is added, since workers need it.
    cache : Path, optional
        Where installed environments are kept; default: `cache_folder`.
    progress : bool, optional
        Show a progress bar while packages are installed; default: where someone is looking.

    Returns
    -------
    Environment
        That of this process if it has all of them, else one from the cache.

    Raises
    ------
    EnvironmentFailed
        The packages cannot be installed; the message ends with the installer's own words and what to do.
    MalformedManifest
        A requirement is more than a name with versions and a marker.

    Examples
    --------
    >>> from learnware.runtime.environment.installed import environment_for
    >>> environment_for(["numpy>=1.26", "winsound-of-old; python_version < '3'"]).key
    'host'
    """
    wanted = parse_requirements("\n".join(requirements), file="The list of requirements")
    host = host_environment()
    if meets(wanted, host.library):
        return host
    if all(Requirement(line).name != "numpy" for line in wanted):
        wanted = tuple(sorted((*wanted, "numpy")))
    home = (cache or cache_folder()) / "environments"
    folder = home / _key(wanted)
    if not _is_complete(folder):
        _build(wanted, folder, host.python, progress)
    library = (folder / LIBRARY).resolve()
    return Environment(host.python, (library,), outermost((*interpreter()[1], library)), folder.name)


def cached_environments(*, cache: Path | None = None) -> tuple[CachedEnvironment, ...]:
    """Return the installed environments, by key.

    Parameters
    ----------
    cache : Path, optional
        Default: `cache_folder`.
    """
    home = (cache or cache_folder()) / "environments"
    found = []
    for folder in sorted(home.glob("[!.]*")):
        if _is_complete(folder):
            said = json.loads((folder / _COMPLETE).read_text(encoding="utf-8"))
            found.append(CachedEnvironment(folder.name, tuple(said["requirements"]), int(said["bytes"])))
    return tuple(found)


def remove_environment(key: str, *, cache: Path | None = None) -> None:
    """Delete an installed environment; it is installed again when it is needed.

    Parameters
    ----------
    key : str
        As `cached_environments` tells it.
    cache : Path, optional
        Default: `cache_folder`.

    Raises
    ------
    InvalidParameter
        There is no environment of that key.
    """
    home = (cache or cache_folder()) / "environments"
    if key not in {known.key for known in cached_environments(cache=cache)}:
        raise InvalidParameter(f"The cache has no environment {key!r}: cached_environments() lists them.")
    _remove(home / key)


def _key(requirements: Sequence[str]) -> str:
    parts = [*requirements, platform.python_version(), str(next(sys_tags()))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _is_complete(folder: Path) -> bool:
    try:
        said = json.loads((folder / _COMPLETE).read_text(encoding="utf-8"))
        return bool(said["lock"] == _sha256(folder / LOCK)) and (folder / LIBRARY).is_dir()
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _build(requirements: Sequence[str], folder: Path, python: Path, progress: bool | None) -> None:
    """Install into a folder of another name, and give it its name when it is whole."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _sweep(folder.parent)
        building = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".building-"))
        try:
            tool = install(requirements, building, python, progress=progress)
            _finish(building, requirements, tool)
            _move(building, folder)
        finally:
            _remove(building)
    except OSError as error:
        raise EnvironmentFailed(
            f"The packages that a model needs cannot be kept in {folder.parent}: {error}. Mend that, or name another "
            "folder in LEARNWARE_CACHE."
        ) from error


def _sweep(home: Path) -> None:
    """Remove what builders that died have left."""
    for left in home.glob(".building-*"):
        if time.time() - left.stat().st_mtime > _ABANDONED:
            _remove(left)


def _finish(building: Path, requirements: Sequence[str], tool: str) -> None:
    """Make the library read-only, and write last that it is whole."""
    library = building / LIBRARY
    for folder, _, files in os.walk(library):
        for file in files:
            path = Path(folder, file)
            # uv links the files of its own cache, whose modes are not ours to change.
            if not path.is_symlink() and path.stat().st_nlink == 1:
                path.chmod(0o444 | path.stat().st_mode & 0o111)
        os.chmod(folder, 0o555)
    said = {
        "requirements": list(requirements),
        "python": platform.python_version(),
        "tool": tool,
        "bytes": size_of(library),
        "lock": _sha256(building / LOCK),
    }
    building.chmod(0o755)
    if hasattr(os, "sync"):
        # The packages must be on disk before anything says so.
        os.sync()
    write_whole(building / _COMPLETE, json.dumps(said, indent=1).encode())


def _move(building: Path, folder: Path) -> None:
    try:
        building.rename(folder)
    except OSError:
        if _is_complete(folder):
            return
        # Somebody has damaged what was there.
        _remove(folder)
        building.rename(folder)


def _remove(folder: Path) -> None:
    if folder.exists():
        for inner, _, _ in os.walk(folder):
            os.chmod(inner, 0o755)
        shutil.rmtree(folder)
