"""What a worker reports, as errors of ours. A worker never names a type: its words choose from a table here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from learnware.errors import (
    BadPrediction,
    BundleError,
    ChecksumMismatch,
    LearnwareError,
    LimitExceeded,
    MalformedModel,
    MissingDependency,
    ModelFailure,
    SandboxMemory,
    UnreachableFile,
    WorkerCrashed,
)
from learnware.runtime.inside.frames import WireError

_LONGEST = 2000
_CODE = re.compile(r"[a-z][a-z-]{0,39}")
_FILES: dict[str, type[BundleError]] = {
    "BundleError": BundleError,
    "ChecksumMismatch": ChecksumMismatch,
    "LimitExceeded": LimitExceeded,
    "MalformedModel": MalformedModel,
    "UnreachableFile": UnreachableFile,
}
_KINDS: dict[str, Callable[[str, str], LearnwareError]] = {
    "answer": lambda name, said: BadPrediction(f"The model of {name!r} {said}. Tell its developer."),
    "broken": lambda name, said: ModelFailure(
        f"The code of the model of {name!r} raised {said.rstrip('.')} while it was loaded. Tell its developer."
    ),
    "import": lambda name, said: MissingDependency(
        f"The model of {name!r} needs a package that its requirements do not bring: {said.rstrip('.')}. Install it, or "
        "tell the model's developer."
    ),
    "memory": lambda name, said: out_of_memory(name, said),
    "raised": lambda name, said: ModelFailure(
        f"The model of {name!r} raised {said.rstrip('.')}. If X has the same meaning as the columns in its "
        "specification, tell the model's developer."
    ),
    "unreadable": lambda name, said: MalformedModel(
        f"The model of {name!r} cannot be read: {said.rstrip('.')}. Fetch the learnware again, or tell its developer.",
        code="model-damaged",
    ),
}
# From our own reader of stored models, in its own words. Code could say anything in them, in our name.
_OF_DATA: dict[str, Callable[[str, str], LearnwareError]] = {
    "MissingDependency": lambda name, said: MissingDependency(said),
    "absent": lambda name, said: ModelAbsent(
        f"The process of the model of {name!r} does not keep it loaded. Load the learnware again, or run it by "
        "isolation='sandbox', in a process of its own."
    ),
}


class ModelAbsent(BadPrediction):
    """The worker does not have the model that was called."""


def reported(name: str, error: Any, *, code: bool) -> LearnwareError:
    """Return the error for what a worker reports.

    Parameters
    ----------
    name : str
        Title of the learnware.
    error : object
        What the worker says.
    code : bool
        Whether the worker has run code: then every message is a sentence of ours that quotes it.

    Raises
    ------
    WireError
        It reports something that no worker of ours does.
    """
    if not isinstance(error, Mapping) or not {"kind", "message"} <= set(error) <= {"kind", "message", "code"}:
        raise WireError("an error must be described by kind and message")
    kind, said, defect = error["kind"], error["message"], error.get("code", "model-damaged")
    if not all(isinstance(part, str) for part in (kind, said, defect)) or not _CODE.fullmatch(defect):
        raise WireError("an error must be described by text")
    said = clean(said[:_LONGEST])
    if kind in _FILES and not code:
        return _FILES[kind](said, code=defect)
    known = _KINDS if code else {**_KINDS, **_OF_DATA}
    if kind not in known:
        raise WireError("an error must be of a known kind")
    return known[kind](name, said)


def out_of_memory(name: str, said: str = "") -> SandboxMemory:
    """Return the error for a model that wanted too much memory."""
    return SandboxMemory(
        f"The model of {name!r} wanted more memory than its limits allow{': ' + said if said else ''}. Pass fewer rows "
        "at once, or allow more by limits=Limits(memory=...)."
    )


def crashed(name: str, status: int, tail: str) -> WorkerCrashed:
    """Return the error for a worker that has ended with an exit status."""
    how = f"by signal {-status}" if status < 0 else f"with status {status}"
    last = f" It wrote last: {tail.strip()[-500:]!r}." if tail.strip() else ""
    return WorkerCrashed(
        f"The process that ran the model of {name!r} ended {how}.{last} The next call starts a new one.",
        signal=-status if status < 0 else None,
        tail=tail,
    )


def clean(text: str) -> str:
    """Return text without what a terminal would act upon."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)
