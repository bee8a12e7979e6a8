"""What crosses the wire between a dock and its clients, written and read in one place.

Every form has a function that writes it, for the server, and one that reads it, for the client. What is read comes from
a stranger: it is bounded and checked before anything is built of it.
"""

from __future__ import annotations

from learnware.market.wire.problem import error_of, problem_of
from learnware.market.wire.report import report_from_wire
from learnware.market.wire.result import result_from_wire, result_to_wire
from learnware.market.wire.revision import revision_from_wire, revision_to_wire

__all__ = [
    "error_of",
    "problem_of",
    "report_from_wire",
    "result_from_wire",
    "result_to_wire",
    "revision_from_wire",
    "revision_to_wire",
]
