"""What this process is made of: its interpreter and the packages installed for it."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterable, Sequence
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from learnware.runtime.base import Environment


def host_environment() -> Environment:
    """Return the Python and the packages of this process.

    Returns
    -------
    Environment
        Its library are the site-packages of this process; folders of projects and the working directory are no part.

    Examples
    --------
    >>> from learnware.runtime.environment.host import host_environment
    >>> host_environment().key
    'host'
    """
    python, mounts = interpreter()
    library = _once(
        Path(entry).resolve()
        for entry in sys.path
        if os.path.isabs(entry) and Path(entry).name in ("site-packages", "dist-packages") and Path(entry).is_dir()
    )
    return Environment(python, library, outermost((*mounts, *library)), "host")


def interpreter() -> tuple[Path, tuple[Path, ...]]:
    """Return the interpreter itself and the folders it consists of."""
    python = Path(getattr(sys, "_base_executable", None) or sys.executable).resolve()
    prefixes = _once(Path(prefix).resolve() for prefix in (sys.base_prefix, sys.base_exec_prefix))
    # Not those of a virtual environment, which hold nothing but the library.
    base = {"base": sys.base_prefix, "platbase": sys.base_exec_prefix}
    own = [Path(sysconfig.get_path(name, vars=base)).resolve() for name in ("stdlib", "platstdlib")]
    home = Path(os.path.expanduser("~")).resolve()
    if any(home.is_relative_to(prefix) for prefix in prefixes):
        # Installed right into the home folder, or at the root: all of that is not for models to see.
        shared = Path(sysconfig.get_config_var("LIBDIR") or "") / (sysconfig.get_config_var("INSTSONAME") or "")
        return python, outermost([python, *own, *([shared.resolve()] if shared.is_file() else [])])
    return python, outermost([python, *own, *prefixes])


def _once(paths: Iterable[Path]) -> tuple[Path, ...]:
    return tuple(dict.fromkeys(paths))


def outermost(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Leave out the paths that lie in others of them."""
    known = _once(paths)
    return tuple(path for path in known if not any(path != other and path.is_relative_to(other) for other in known))


def meets(requirements: Sequence[str], library: Sequence[Path]) -> bool:
    """Tell whether the packages installed in `library` meet all requirements whose markers apply here."""
    return all(_has(Requirement(line), [str(folder) for folder in library]) for line in requirements)


def _has(requirement: Requirement, library: list[str]) -> bool:
    if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
        return True
    found = next(iter(distributions(name=requirement.name, path=library)), None)
    if found is None or _is_editable(found):
        return False
    extras = {canonicalize_name(extra) for extra in found.metadata.get_all("Provides-Extra") or ()}
    try:
        version = Version(found.version)
    except (InvalidVersion, TypeError):
        return False
    return requirement.extras <= extras and requirement.specifier.contains(version, prereleases=True)


def _is_editable(found: Distribution) -> bool:
    """Tell whether the code of a package lies in a project's folder, which workers do not see."""
    return '"editable": true' in (found.read_text("direct_url.json") or "")
