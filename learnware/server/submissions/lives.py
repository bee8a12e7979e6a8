"""Which workers are alive: each holds a file of its own as long as it lives."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from learnware.market.store.turns import unlock
from learnware.server.submissions.held import delete_unless_held, make_held

if TYPE_CHECKING:
    from typing import Self

_SUFFIX = ".lock"


class Lives:
    """The workers of a dock.

    Parameters
    ----------
    folder : Path
        Has a file for each of them; made on first use.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     lives = Lives(Path(folder))
    ...     with lives.begin() as life:
    ...         lives.is_over(life.name)
    ...     lives.is_over(life.name)
    False
    True
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def begin(self) -> Life:
        """Begin a life under a new name; it ends when it is left, or with the process."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        return Life(*make_held(self._folder, _SUFFIX))

    def is_over(self, name: str) -> bool:
        """Tell whether the worker of that name is dead; nobody needs its file then, and it goes."""
        return delete_unless_held(self._folder / f"{name}{_SUFFIX}")

    def sweep(self) -> None:
        """Delete the files of workers that died."""
        for path in self._folder.glob(f"*{_SUFFIX}"):
            delete_unless_held(path)


class Life:
    """The life of one worker, which `Lives.begin` begins.

    Attributes
    ----------
    name : str
        Under which others ask for it.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.name = path.stem
        self._path = path
        self._descriptor = descriptor

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        unlock(self._descriptor)
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
