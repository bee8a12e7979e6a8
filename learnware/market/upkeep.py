"""Keeping a market folder in order."""

from __future__ import annotations

import os

from learnware.bundle import Learnware
from learnware.market.incoming import specification_of
from learnware.market.store import FsckReport, check_folder
from learnware.specification import Specification


def fsck(path: str | os.PathLike[str], *, repair: bool = True, progress: bool | None = None) -> FsckReport:
    """Check every file of a market folder, also while others use it, and mend what can be mended without loss.

    Compared are the sha256 of every bundle, earlier revisions included, every row of the database, and the
    specifications in it with those in the bundles. Rows drawn from bundles are written again, what dead processes
    left is deleted, and bundles that have changed or belong to nobody are moved into the folder ``damaged``, never
    deleted. A healthy market is not changed.

    Parameters
    ----------
    path : str or Path
        The market.
    repair : bool, default=True
        Otherwise only look.
    progress : bool, optional
        Show a progress bar; default: in a terminal or notebook.

    Returns
    -------
    FsckReport
        ``ok`` if all is in order now, and what was found.

    Raises
    ------
    MarketError
        The folder is no market, or cannot be read.
    NewerFormat
        A newer version of the library made it.
    MarketNotWritable
        It should be repaired but cannot be written to.

    Examples
    --------
    >>> import tempfile
    >>> from learnware.market import Market, fsck
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Market.open(folder).close()
    ...     fsck(folder).findings
    ()
    """
    return check_folder(path, specification_of=_specification_of, repair=repair, progress=progress)


def _specification_of(bundle: bytes) -> Specification:
    return specification_of(Learnware.from_bytes(bundle))
