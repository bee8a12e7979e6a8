"""What a check of a market folder found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class FsckFinding:
    """One thing that was not as it should be.

    Parameters
    ----------
    code : str
        Stable, machine-readable kind, such as ``"corrupt-bundle"``.
    message : str
        What is wrong, and what to do if it could not be mended.
    mended : bool
        Whether it is in order now.
    learnware_id, digest : str, optional
        The learnware, or the sha256 of the bundle, that it is about.
    """

    code: str
    message: str
    mended: bool
    learnware_id: str | None = None
    digest: str | None = None

    def __str__(self) -> str:
        return f"{'mended' if self.mended else 'NOT MENDED'} {self.code}: {self.message}"


@dataclass(frozen=True)
class FsckReport:
    """The answer of `fsck`.

    Parameters
    ----------
    folder : Path
        The market.
    n_learnwares : int
        Learnwares that are there.
    n_bundles : int
        Bundles whose sha256 is right, those of earlier revisions included.
    findings : tuple of FsckFinding
        What was not in order; empty for a healthy market.

    Examples
    --------
    >>> import tempfile
    >>> from learnware.market import Market, fsck
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Market.open(folder).close()
    ...     fsck(folder).ok
    True
    """

    folder: Path
    n_learnwares: int
    n_bundles: int
    findings: tuple[FsckFinding, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the market is in order now."""
        return all(finding.mended for finding in self.findings)

    def __str__(self) -> str:
        state = "in order" if self.ok else "NOT in order"
        head = f"{self.folder}: {state}; {self.n_learnwares} learnwares, {self.n_bundles} bundles whole"
        return "\n".join([head, *(f"  {finding}" for finding in self.findings)])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as for JSON."""
        return {**asdict(self), "folder": str(self.folder), "ok": self.ok}
