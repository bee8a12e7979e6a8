"""Models that are code: source files with whatever they read, kept as data here and run only in a sandbox.

The files keep their own names in one table, ``paths.json``, and are stored as ``f0``, ``f1`` and so on in the order of
those names, so that no name from outside becomes a name in a learnware.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from learnware import _strict_json
from learnware._names import check_names
from learnware.errors import LimitExceeded, MalformedArchive, MalformedModel, UnsupportedModel, UntrustedModel
from learnware.limits import LIMITS
from learnware.models.base import Label, ModelEntry, Predictor, wrong_files
from learnware.models.level import Level

_TABLE = "paths.json"


class PythonFormat:
    """Source code and its files; made by importing a learnware of Beimingwu, never from an object in memory.

    Examples
    --------
    >>> from learnware.models.python import PythonFormat, pack_code
    >>> print(PythonFormat().level(pack_code({"__init__.py": b"class Model: ..."})).meaning)
    code
    """

    files = None
    takes_frames = False
    tells_task = True

    def level(self, files: Mapping[str, bytes]) -> Level:
        """Return `Level.CODE`, whatever the files hold.

        Raises
        ------
        MalformedModel
            Their names are not those that `pack_code` gives; code ``"model-files"``.
        """
        if set(files) != {_TABLE, *(f"f{i}" for i in range(len(files) - 1))}:
            raise wrong_files("python", f"{_TABLE}, f0, f1 and so on", files)
        return Level.CODE

    def accepts(self, model: object) -> bool:
        """Return False: code is imported from a file, not taken from this process."""
        return False

    def feature_names(self, model: Any) -> tuple[str, ...] | None:
        """Return None, since code does not tell."""
        return None

    def save(
        self, model: Any, folder: Path, sample: Any, task: str | None, classes: Sequence[Label] | None
    ) -> NoReturn:
        """Raise `UnsupportedModel`: objects are stored in the other formats."""
        raise UnsupportedModel(
            f"{type(model).__name__} cannot be stored as source code. Use a model that another format takes, or import "
            "a zip with its code: learnware import FILE."
        )

    def load(self, folder: Path, entry: ModelEntry) -> NoReturn:
        """Raise `UntrustedModel`: code never runs in this process."""
        raise UntrustedModel(
            "A model made of source code does not run in this process. Use isolation='auto', which runs it in a "
            "sandbox, or isolation='process' with trust='code' if you know who wrote it."
        )

    def given(self, model: Any, entry: ModelEntry) -> Predictor:
        """Return the model itself."""
        predictor: Predictor = model
        return predictor


def pack_code(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files of a model under the names that a learnware gives them; equal files give equal results.

    Parameters
    ----------
    files : mapping of str to bytes
        Content by original name.

    Raises
    ------
    MalformedArchive
        A name is unsafe, or two of them collide.

    Examples
    --------
    >>> from learnware.models.python import pack_code
    >>> pack_code({"pkg/b.py": b"two", "A.py": b"one"})
    {'paths.json': b'{"A.py":"f0","pkg/b.py":"f1"}', 'f0': b'one', 'f1': b'two'}
    """
    check_names(files)
    stored = {name: f"f{i}" for i, name in enumerate(sorted(files))}
    return {_TABLE: _table(stored), **{stored[name]: files[name] for name in stored}}


def unpack_code(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files of a model under their original names.

    Parameters
    ----------
    files : mapping of str to bytes
        What `pack_code` returned.

    Raises
    ------
    MalformedModel
        They are not what `pack_code` makes of any files: the table is damaged, a name is unsafe, or files are absent
        or left over.
    LimitExceeded
        The files are too many or too large.

    Examples
    --------
    >>> from learnware.models.python import pack_code, unpack_code
    >>> unpack_code(pack_code({"pkg/b.py": b"two", "A.py": b"one"}))
    {'A.py': b'one', 'pkg/b.py': b'two'}
    """
    _check_sizes(files)
    if _TABLE not in files:
        raise _damaged("the table of names is absent", "incomplete")
    table = _strict_json.parse(
        files[_TABLE], lambda reason, code: _damaged(reason, code), max_bytes=_max_table(), max_depth=1
    )
    if not isinstance(table, dict) or table != {name: f"f{i}" for i, name in enumerate(sorted(table))}:
        raise _damaged("its table does not number the names in their order", "model-damaged")
    if set(files) != {_TABLE, *table.values()}:
        raise _damaged("files are absent, or not in its table", "incomplete")
    try:
        check_names(table)
    except MalformedArchive as error:
        raise _damaged(str(error), error.code) from error
    if files[_TABLE] != _table(table):
        raise _damaged("its table is written in another way", "model-damaged")
    return {name: files[stored] for name, stored in table.items()}


def _table(stored: Mapping[str, str]) -> bytes:
    return json.dumps(stored, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def _max_table() -> int:
    return LIMITS["archive-entries"] * (LIMITS["name-bytes"] + 20)


def _check_sizes(files: Mapping[str, bytes]) -> None:
    sizes = [len(content) for content in files.values()]
    found = {
        "archive-entries": len(sizes),
        "entry-unpacked-bytes": max(sizes, default=0),
        "archive-unpacked-bytes": sum(sizes),
    }
    for limit, value in found.items():
        if value > LIMITS[limit]:
            raise LimitExceeded(
                f"The files of a model may have at most {LIMITS[limit]:,} ({limit}). Got {value:,}.", code="too-large"
            )


def _damaged(reason: str, code: str) -> MalformedModel:
    return MalformedModel(
        f"The code of this learnware is not stored as this library does it: {reason}. Fetch the learnware again, or "
        "tell its developer.",
        code=code,
        file=_TABLE,
    )
