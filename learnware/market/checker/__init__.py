"""What a market looks at before it takes a learnware: its words, its points, and whether its model runs.

Every check yields all that it finds, so that a developer can mend everything in one go.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from learnware.bundle import Learnware
from learnware.market.checker.base import Check, CheckReport, Finding
from learnware.market.checker.execution import check_execution
from learnware.market.checker.semantic import check_semantic
from learnware.market.checker.statistical import check_statistical

__all__ = [
    "CHECKS",
    "Check",
    "CheckReport",
    "Finding",
    "check_execution",
    "check_learnware",
    "check_semantic",
    "check_statistical",
]

#: The checks of a market, in order.
CHECKS: tuple[Check, ...] = (check_semantic, check_statistical, check_execution)


def check_learnware(learnware: Learnware | str | os.PathLike[str], *, checks: Sequence[Check] = CHECKS) -> CheckReport:
    """Look at a learnware as a market does before it takes it.

    Parameters
    ----------
    learnware : Learnware, str or Path
        The learnware, or the file that holds it.
    checks : sequence of callable, default=CHECKS
        Each takes a Learnware and yields a `Finding` for everything it finds.

    Returns
    -------
    CheckReport
        ``report.passed`` tells whether a market takes it.

    Raises
    ------
    BundleError
        The file is no learnware.
    IsolationUnavailable, MissingDependency
        This machine lacks what its model needs to run.
    UntrustedModel
        Models of its level do not run in the way that was asked for.
    """
    candidate = learnware if isinstance(learnware, Learnware) else Learnware.load(learnware)
    findings = [finding for check in checks for finding in check(candidate)]
    return CheckReport(candidate.specification.semantic.name, findings)
