"""A model's files in a temporary folder, for the process that loads it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from learnware.errors import MalformedModel, UnreachableFile
from learnware.models.level import Level
from learnware.runtime.base import StoredModel
from learnware.runtime.worker.abandoned import new_folder
from learnware.runtime.worker.living import keep


class ModelFolder:
    """Writes the files of a model; use it as a context, or close it.

    Parameters
    ----------
    stored : StoredModel
        The model. Source code gets its original names.

    Raises
    ------
    UnreachableFile
        The folder cannot be written.
    """

    def __init__(self, stored: StoredModel) -> None:
        files = _named(stored)
        self._home: Path | None = None
        self._lock: int | None = None
        try:
            # Closed to other users; the folder inside is open, for a sandbox that shows it to a worker of another one.
            self._home, self._lock = new_folder()
            keep(self)
            self.path = self._home.resolve() / "model"
            _make(self.path)
            for name, content in files.items():
                _write(self.path, name, content)
        except OSError as error:
            self.close()
            raise UnreachableFile(
                f"The files of the model of {stored.name!r} cannot be written to {tempfile.gettempdir()}: "
                f"{error.strerror or error}. Free some room, or set TMPDIR to another folder.",
                code="unwritable",
            ) from error
        except BaseException:
            self.close()
            raise

    @property
    def exists(self) -> bool:
        """Whether the folder is there, and this process's own."""
        return self._home is not None

    def close(self) -> None:
        """Remove the folder."""
        home, self._home = self._home, None
        if home is not None:
            shutil.rmtree(home, ignore_errors=True)
        self._unlock()

    def end(self) -> None:
        """Remove the folder at the end of this process."""
        self.close()

    def forget(self) -> None:
        """Leave the folder to the process that made it."""
        self._home = None
        self._unlock()

    def _unlock(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)

    def __enter__(self) -> ModelFolder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _named(stored: StoredModel) -> Mapping[str, bytes]:
    files = stored.files()
    if stored.level is not Level.CODE:
        return files
    from learnware.models.python import unpack_code

    return unpack_code(files)


def _write(folder: Path, name: str, content: bytes) -> None:
    parts = name.split("/")
    path = folder.joinpath(*parts)
    if not {"", ".", ".."}.isdisjoint(parts) or not path.is_relative_to(folder):
        raise MalformedModel(f"A file of a model must lie in its folder. Got the name {name!r}.", code="model-damaged")
    for parent in reversed(path.relative_to(folder).parents[:-1]):
        if not (folder / parent).is_dir():
            _make(folder / parent)
    path.write_bytes(content)
    path.chmod(0o644)


def _make(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o755)
