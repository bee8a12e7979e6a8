"""Import an optional library where it is used, or say which extra brings it."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from learnware.errors import MissingDependency


def import_optional(name: str, *, extra: str | None, purpose: str) -> Any:
    """Return the module `name`; raise `MissingDependency` naming the extra when it is not installed."""
    try:
        return import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        command = f"pip install 'learnware[{extra}]'" if extra else f"pip install {package}"
        raise MissingDependency(f"{purpose} needs {package}, which is not installed. Run: {command}") from error


def loaded(name: str) -> Any | None:
    """Return the module `name` if the process has imported it already, else None.

    An object of a library can only reach us when that library is loaded, so asking this first spares importing
    torch, pandas or polars merely to find that X is none of theirs.
    """
    return sys.modules.get(name)
