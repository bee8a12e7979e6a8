"""How a market on this machine takes a learnware in: checked, stored, and compared with those that are there."""

from __future__ import annotations

from collections.abc import Sequence
from weakref import WeakValueDictionary

from learnware.bundle import Learnware
from learnware.errors import LearnwareError, RejectedLearnware
from learnware.market.checker import Check, CheckReport, check_execution, check_learnware
from learnware.market.fetched import SHARING, Fetched
from learnware.market.incoming import specification_of
from learnware.market.organizer import Index, ask_around
from learnware.market.organizer.alike import others_alike
from learnware.market.organizer.capability_asking import N_ASKED_ABOUT
from learnware.market.store import Store
from learnware.specification import Specification


class Intake:
    """Takes learnwares in, one by one.

    Parameters
    ----------
    store : Store
    checks : sequence of callable
        What each must pass.
    index : Index
        Knows which learnwares are like a new one.
    fetched : Fetched
        Has those whose models are loaded already.
    """

    def __init__(self, store: Store, checks: Sequence[Check], index: Index, fetched: Fetched) -> None:
        self.checks = checks
        self._store = store
        self._index = index
        self._fetched = fetched
        self._open: WeakValueDictionary[str, Learnware] = WeakValueDictionary()

    def add(self, learnware: Learnware, learnware_id: str | None = None) -> tuple[str, CheckReport]:
        """Check a learnware and store it under a new id; return that, and what the checks found."""
        report = self._checked(learnware)
        specification = specification_of(learnware)
        learnware_id = self._store.add(learnware.to_bytes(), specification, learnware_id)
        self._compare(learnware, specification)
        return learnware_id, report

    def replace(self, learnware_id: str, learnware: Learnware) -> CheckReport:
        """Check a learnware and store it as the next revision of an id; return what the checks found."""
        report = self._checked(learnware)
        specification = specification_of(learnware)
        self._store.replace(learnware_id, learnware.to_bytes(), specification)
        self._compare(learnware, specification)
        return report

    def _checked(self, learnware: Learnware) -> CheckReport:
        report = check_learnware(learnware, checks=self.checks)
        if not report.passed:
            raise RejectedLearnware(report)
        return report

    def _compare(self, learnware: Learnware, specification: Specification) -> None:
        """Ask a new model about the points of others, and theirs about its own.

        It is stored already, and what is learned here is a cache: nothing that fails may make it seem refused.
        """
        digest, rkme = learnware.digest, specification.statistical
        if specification.level in SHARING:
            # Models of data cannot be trained, so whoever holds this one can be asked in its place.
            self._open[digest] = learnware
        # Without a check that runs models this one has not been started, and is not started for a cache.
        if rkme is None or rkme.labels is None or check_execution not in self.checks:
            return
        try:
            others = others_alike(self._index, self._store, rkme, 1 + N_ASKED_ABOUT)
            cells = ask_around(learnware, (digest, rkme), others, self._opened_model)
            if cells:
                self._store.add_cells(cells)
        except LearnwareError:
            return

    def _opened_model(self, digest: str) -> Learnware | None:
        """Return a learnware that somebody holds, so that asking it starts no process."""
        return self._open.get(digest) or self._fetched.held(digest)
