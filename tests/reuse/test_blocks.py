"""Predictions by blocks: as many rows at a time as memory allows, points of texts among them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from learnware.reuse import AveragingReuser, base, encoding

from .test_samples import counted as counted
from .test_samples import sampled, team


class Reading(AveragingReuser):
    """One that reads the points of rows, and notes how many are kept."""

    def _combine(self, X: Any, outputs: Any) -> Any:
        space = self._members.space
        encoding.points_of(X, space)
        encoding.points_of(X, space)
        self.kept_ = [*getattr(self, "kept_", []), len(encoding._KNOWN.get() or {})]
        return super()._combine(X, outputs)


def test_points_are_kept_for_a_block(monkeypatch: pytest.MonkeyPatch, counted: list[int]) -> None:
    X, _ = sampled("text")
    fitted = Reading(team("text")).fit(X)
    whole = fitted.predict_proba(X)
    assert fitted.kept_ == [60]
    # Points have ten numbers, the four learnwares' answers eight.
    monkeypatch.setattr(base, "_NUMBERS_PER_BLOCK", 200)
    np.testing.assert_array_equal(fitted.predict_proba(X), whole)
    assert fitted.kept_ == [60, 20, 20, 20]
    assert sum(counted) == 120
