"""The report of the checks, as a dock tells it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from learnware.market.checker import CheckReport, Finding
from learnware.market.checker.base import Level
from learnware.market.wire.readable import readable

_LEVELS = get_args(Level)
_MOST_FINDINGS = 1_000


def report_from_wire(content: object) -> CheckReport:
    """Return the report that `CheckReport.to_dict` wrote; what is not as it wrote it is left out.

    Examples
    --------
    >>> report_from_wire({"name": "Sales", "findings": [{"level": "error", "code": "x", "message": "No."}]}).passed
    False
    """
    if not isinstance(content, Mapping):
        return CheckReport("")
    found = content.get("findings")
    entries = found[:_MOST_FINDINGS] if isinstance(found, list) else []
    return CheckReport(readable(content.get("name")), [f for f in map(_finding, entries) if f is not None])


def _finding(entry: object) -> Finding | None:
    if not isinstance(entry, Mapping) or entry.get("level") not in _LEVELS:
        return None
    return Finding(entry["level"], readable(entry.get("code")), readable(entry.get("message")))
