"""Packages that must be refused, each with its code, and packages that must be taken; all of them made by code."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from learnware.bundle.content import Content
from learnware.errors import BundleError
from learnware.models import level_of, load


@dataclass(frozen=True)
class Rejected:
    """A package that must be refused.

    Parameters
    ----------
    name : str
        What is wrong with it.
    make : callable
        Returns its bytes.
    error : type
        Class of the error.
    code : str
        Code of the error.
    """

    name: str
    make: Callable[[], bytes]
    error: type[BundleError]
    code: str


@dataclass(frozen=True)
class Accepted:
    """A package that must be taken; `make` returns its bytes, `level` is what it is made of."""

    name: str
    make: Callable[[], bytes]
    level: str


def decide(data: bytes) -> str:
    """Do all that is done with a package before its model answers, and return the level of its model."""
    content = Content(data)
    content.verify()
    entry, files = content.manifest.model, content.model_files()
    level = level_of(entry, files)
    with tempfile.TemporaryDirectory() as folder:
        for name, part in files.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(part)
        load(folder, entry)
    return str(level)


def rejected() -> Iterator[Rejected]:
    """Yield every package that must be refused."""
    from tests.bundle.corpus import boosters, manifests, scikit, specifications, torches, zips

    for module in (zips, manifests, specifications, scikit, torches, boosters):
        room = module.__name__.rpartition(".")[2]
        yield from (replace(case, name=f"{room}: {case.name}") for case in module.rejected())
