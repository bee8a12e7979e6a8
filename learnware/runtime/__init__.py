"""Runs stored models, apart from the user's process where that is wise.

A `Runner` answers calls for one stored model. Models of plain data share one worker process; code runs in a sandbox,
one worker for each model. What a model may do is decided by its `Level`, never by what its file says of itself.
"""

from __future__ import annotations

from learnware.runtime.base import Runner, StoredModel
from learnware.runtime.choice import check_limits, runner_for, shares_worker
from learnware.runtime.inprocess import InProcessRunner

__all__ = ["InProcessRunner", "Runner", "StoredModel", "check_limits", "runner_for", "shares_worker"]
