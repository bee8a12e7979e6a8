"""The learnware object and its one-file form.

A `Learnware` is a stored model with its specification. Its file is a zip of format 2: ``learnware.yaml`` (the
manifest), ``specification.json`` and the model's files, each with size and sha256 in the manifest; the same model and
data give the same bytes.
"""

from __future__ import annotations

from learnware.bundle.execution import Policy
from learnware.bundle.learnware import Learnware

__all__ = ["Learnware", "Policy"]
