"""What the checks of a market found, and how to mend it."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from learnware.bundle import Learnware

Level = Literal["error", "warning", "note"]

_ORDER: tuple[Level, ...] = ("error", "warning", "note")
_COLOURS = {"error": "#b3261e", "warning": "#b26a00", "note": "#555555"}


@dataclass(frozen=True)
class Finding:
    """One thing that a check found.

    Parameters
    ----------
    level : {"error", "warning", "note"}
        An error keeps the learnware out of the market; a warning says what would make it easier to find.
    code : str
        Stable, for programs, such as ``"name-missing"``.
    message : str
        What is wrong and how to mend it.
    """

    level: Level
    code: str
    message: str


#: A check looks at a learnware and yields all that it finds.
Check = Callable[["Learnware"], Iterator[Finding]]


@dataclass(frozen=True)
class CheckReport:
    """All that the checks of a market found in one learnware.

    Parameters
    ----------
    name : str
        The learnware's name.
    findings : sequence of Finding
        In any order; kept with errors first.

    Examples
    --------
    >>> report = CheckReport("Sales", [Finding("error", "task-missing", "Say the task.")])
    >>> report.passed
    False
    >>> print(report)
    'Sales' is refused: 1 error.
      error   task-missing: Say the task.
    """

    name: str
    findings: Sequence[Finding] = ()

    def __post_init__(self) -> None:
        ordered = sorted(self.findings, key=lambda finding: _ORDER.index(finding.level))
        object.__setattr__(self, "findings", tuple(ordered))

    @property
    def passed(self) -> bool:
        """Whether a market takes the learnware: nothing found is an error."""
        return not any(finding.level == "error" for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values, for JSON."""
        return {
            "name": self.name,
            "passed": self.passed,
            "findings": [asdict(finding) for finding in self.findings],
        }

    def __str__(self) -> str:
        lines = [f"  {finding.level:<7} {finding.code}: {finding.message}" for finding in self.findings]
        return "\n".join([self._summary(), *lines])

    def _summary(self) -> str:
        counts = [(level, sum(finding.level == level for finding in self.findings)) for level in _ORDER]
        told = ", ".join(f"{n} {level}{'s' if n > 1 else ''}" for level, n in counts if n)
        verdict = "passes all checks" if self.passed else "is refused"
        return f"{self.name!r} {verdict}{f': {told}' if told else ''}."

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td style='text-align:left;color:{_COLOURS[finding.level]}'>{finding.level}</td>"
            f"<td style='text-align:left'><code>{html.escape(finding.code)}</code></td>"
            f"<td style='text-align:left'>{html.escape(finding.message)}</td></tr>"
            for finding in self.findings
        )
        return f"<p>{html.escape(self._summary())}</p>" + (f"<table>{rows}</table>" if rows else "")
