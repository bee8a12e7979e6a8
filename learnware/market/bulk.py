"""Many learnwares at once: opened and checked side by side, stored by the hundreds."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence, Sized
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from learnware._progress import progress_bar
from learnware._validation import complain
from learnware.bundle import Learnware, Policy
from learnware.errors import LearnwareError, RejectedLearnware
from learnware.market.base import as_learnware
from learnware.market.checker import Check, CheckReport, check_learnware
from learnware.market.store import Store
from learnware.specification import Specification

OneOfMany: TypeAlias = "Learnware | str | os.PathLike[str] | tuple[bytes, Specification]"

#: So many are stored in one turn, or fewer of so many bytes together.
AT_ONCE, BYTES_AT_ONCE = 500, 256 * 2**20


@dataclass(frozen=True)
class Ready:
    """A learnware that may be stored, or the error that keeps it out."""

    bundle: bytes = b""
    specification: Specification | None = None
    error: LearnwareError | None = None


@dataclass(frozen=True)
class Bulk:
    """How many learnwares are taken in.

    Attributes
    ----------
    store : Store
    policy : Policy
        Where models run that are checked.
    checks : sequence of callable
        What each must pass; with none they are believed.
    n_jobs : int or None
        Processes that open and check; None for this one alone.
    """

    store: Store
    policy: Policy
    checks: Sequence[Check]
    n_jobs: int | None

    def batches(self, learnwares: Iterable[OneOfMany], progress: bool | None) -> Iterator[list[str]]:
        """Store learnwares, and yield the ids of each batch.

        A learnware whose bytes are there already is passed over, and its id is that which it has.

        Raises
        ------
        RejectedLearnware, BundleError
            Of the batch with it, what comes before it is stored.
        """
        n_all = len(learnwares) if isinstance(learnwares, Sized) else None
        with progress_bar(total=n_all, desc="submitting", shown=progress) as bar:
            for batch in _batches(learnwares):
                ready = self._prepared(batch)
                failed = next((i for i, one in enumerate(ready) if one.error is not None), len(ready))
                ids = self._store(ready[:failed])
                bar.update(len(ids))
                yield ids
                if failed < len(ready):
                    raise ready[failed].error or LearnwareError("unknown")

    def _prepared(self, batch: Sequence[OneOfMany]) -> list[Ready]:
        there = self.store.holders(digest for digest in map(_digest, batch) if digest is not None)
        tasks = [(one, self.policy, () if _digest(one) in there else self.checks) for one in batch]
        if self.n_jobs is None or self.n_jobs == 1:
            return [_prepare(*task) for task in tasks]
        from joblib import Parallel, delayed

        return list(Parallel(n_jobs=self.n_jobs)(delayed(_prepare)(*task) for task in tasks))

    def _store(self, ready: Sequence[Ready]) -> list[str]:
        digests = [hashlib.sha256(one.bundle).hexdigest() for one in ready]
        known = self.store.holders(digests)
        new = {d: one for d, one in zip(digests, ready, strict=True) if d not in known}
        if new:
            ids = self.store.add_many([(one.bundle, one.specification or Specification()) for one in new.values()])
            known.update(zip(new, ids, strict=True))
        return [known[digest] for digest in digests]


def _prepare(one: OneOfMany, policy: Policy, checks: Sequence[Check]) -> Ready:
    if isinstance(one, tuple):
        return Ready(*one)
    try:
        opened = as_learnware(one, policy)
        report = check_learnware(opened, checks=checks) if checks else CheckReport(opened.name)
        if not report.passed:
            return Ready(error=RejectedLearnware(report))
        return Ready(opened.to_bytes(), replace(opened.specification, level=str(opened.level)))
    except LearnwareError as error:
        return Ready(error=error)


def _digest(one: OneOfMany) -> str | None:
    """Return the sha256 of what would be stored, as far as that is known without opening it."""
    if isinstance(one, Learnware):
        return one.digest
    return hashlib.sha256(one[0]).hexdigest() if isinstance(one, tuple) else None


def _batches(learnwares: Iterable[OneOfMany]) -> Iterator[list[OneOfMany]]:
    batch: list[OneOfMany] = []
    n_bytes = 0
    for one in learnwares:
        _check_kind(one)
        batch.append(one)
        n_bytes += _size(one)
        if len(batch) == AT_ONCE or n_bytes >= BYTES_AT_ONCE:
            yield batch
            batch, n_bytes = [], 0
    if batch:
        yield batch


def _check_kind(one: object) -> None:
    if isinstance(one, tuple):
        known = len(one) == 2 and isinstance(one[0], bytes) and isinstance(one[1], Specification)
    else:
        known = isinstance(one, Learnware | str | os.PathLike)
    if not known:
        expected = "learnwares, paths, or pairs of the bytes of a learnware's file and its Specification"
        raise complain("learnwares", "submit_many", expected, one)


def _size(one: OneOfMany) -> int:
    if isinstance(one, tuple):
        return len(one[0])
    if isinstance(one, Learnware):
        return len(one.to_bytes())
    path = Path(one)
    # Of one that is not there the opening says so.
    return path.stat().st_size if path.is_file() else 0
