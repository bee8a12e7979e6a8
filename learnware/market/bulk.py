"""Many learnwares at once: opened and checked side by side, stored by the hundreds."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from learnware._digests import sha256_of_file
from learnware._progress import progress_bar
from learnware._validation import complain
from learnware.bundle import Learnware, Policy
from learnware.errors import LearnwareError, RejectedLearnware
from learnware.market.checker import Check, CheckReport, check_learnware
from learnware.market.incoming import as_learnware, specification_of, telling
from learnware.market.store import Store
from learnware.specification import Specification

OneOfMany: TypeAlias = "Learnware | str | os.PathLike[str] | tuple[bytes, Specification]"

#: So many are stored in one turn, or fewer of so many bytes together.
AT_ONCE, BYTES_AT_ONCE = 500, 256 * 2**20


@dataclass(frozen=True)
class Ready:
    """A learnware that is stored, or may be; or the error that keeps it out.

    Attributes
    ----------
    digest : str
        sha256 of its bytes.
    bundle : bytes
        None of one that is stored already.
    specification : Specification
    error : LearnwareError or None
    """

    digest: str = ""
    bundle: bytes = b""
    specification: Specification = field(default_factory=Specification)
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

    def take_in(
        self, learnwares: Iterable[OneOfMany], organize: Callable[[], object], progress: bool | None
    ) -> list[str]:
        """Store learnwares and return the ids; `organize` is called after each batch, while the next is drawn.

        Raises
        ------
        RejectedLearnware, BundleError
            Those before it are stored, and ``.accepted`` has their ids.
        """
        accepted: list[str] = []
        with telling(accepted), ThreadPoolExecutor(1) as organizing:
            for ids in self._batches(learnwares, progress):
                accepted += ids
                organized = organizing.submit(organize)
            if accepted:
                organized.result()
        return accepted

    def _batches(self, learnwares: Iterable[OneOfMany], progress: bool | None) -> Iterator[list[str]]:
        """Store learnwares and yield the ids of each batch; of one with an error, what comes before it is stored.

        A learnware whose bytes are there already is passed over, unopened, and its id is that which it has.
        """
        n_all = len(learnwares) if isinstance(learnwares, Sized) else None
        with progress_bar(total=n_all, desc="submitting", shown=progress) as bar:
            for batch in _parts(learnwares):
                digests = [_digest(one) for one in batch]
                known = self.store.holders(digest for digest in digests if digest is not None)
                ready = self._prepared(batch, digests, known)
                failed = next((i for i, one in enumerate(ready) if one.error is not None), len(ready))
                ids = self._store(ready[:failed], known)
                bar.update(len(ids))
                yield ids
                if failed < len(ready):
                    raise ready[failed].error or LearnwareError("unknown")

    def _prepared(
        self, batch: Sequence[OneOfMany], digests: Sequence[str | None], known: Mapping[str, str]
    ) -> list[Ready]:
        told = {i: Ready(digest) for i, digest in enumerate(digests) if digest is not None and digest in known}
        new = [i for i in range(len(batch)) if i not in told]
        tasks = [(batch[i], self.policy, self.checks) for i in new]
        if self.n_jobs is None or self.n_jobs == 1:
            prepared = [_prepare(*task) for task in tasks]
        else:
            from joblib import Parallel, delayed

            prepared = list(Parallel(n_jobs=self.n_jobs)(delayed(_prepare)(*task) for task in tasks))
        told.update(zip(new, prepared, strict=True))
        return [told[i] for i in range(len(batch))]

    def _store(self, ready: Sequence[Ready], known: Mapping[str, str]) -> list[str]:
        # Others may have stored some meanwhile.
        ids = {**known, **self.store.holders(one.digest for one in ready if one.digest not in known)}
        new = {one.digest: one for one in ready if one.digest not in ids}
        if new:
            given = self.store.add_many([(one.bundle, one.specification) for one in new.values()])
            ids.update(zip(new, given, strict=True))
        return [ids[one.digest] for one in ready]


def _prepare(one: OneOfMany, policy: Policy, checks: Sequence[Check]) -> Ready:
    if isinstance(one, tuple):
        return Ready(hashlib.sha256(one[0]).hexdigest(), *one)
    try:
        opened = as_learnware(one, policy)
        report = check_learnware(opened, checks=checks) if checks else CheckReport(opened.name)
        if not report.passed:
            return Ready(error=RejectedLearnware(report))
        return Ready(opened.digest, opened.to_bytes(), specification_of(opened))
    except LearnwareError as error:
        return Ready(error=error)


def _digest(one: OneOfMany) -> str | None:
    """Return the sha256 of what would be stored; None of a file that cannot be read, of which the opening tells."""
    if isinstance(one, Learnware):
        return one.digest
    if isinstance(one, tuple):
        return hashlib.sha256(one[0]).hexdigest()
    try:
        path = Path(one)
        return sha256_of_file(path) if path.is_file() else None
    except OSError:
        return None


def _parts(learnwares: Iterable[OneOfMany]) -> Iterator[list[OneOfMany]]:
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
