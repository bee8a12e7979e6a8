"""One learnware that fails among several is left out by name; when all fail, that is told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from learnware.errors import IsolationUnavailable, LearnwareError, MissingDependency, ModelFailure
from learnware.reuse import (
    AutoReuser,
    AveragingReuser,
    ConsensusReuser,
    EnsembleSelectionReuser,
    SingleBestReuser,
    StackingReuser,
)

from .doubles import FakeHit, FakeLearnware, FakeResult, constants

X, y = np.arange(12.0).reshape(-1, 1), np.full(12, 2.0)


class Failing(FakeLearnware):
    """A learnware that fails after a number of calls."""

    def __init__(self, error: Exception, after: int = 0) -> None:
        super().__init__(constants(2.0)[0].model, name="broken one")
        self.error, self.after = error, after

    def predict(self, rows: Any) -> Any:
        if self.n_calls >= self.after:
            raise self.error
        return super().predict(rows)


ERRORS = [ModelFailure("it died"), MissingDependency("no torch"), IsolationUnavailable("no bwrap")]
KINDS = [AutoReuser, AveragingReuser, ConsensusReuser, EnsembleSelectionReuser, SingleBestReuser, StackingReuser]


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_left_out_and_named(kind: Any) -> None:
    team = [*constants(1.0, 2.0), Failing(ERRORS[0]), *constants(3.0)]
    with pytest.warns(UserWarning, match="Left out learnware 'broken one': ModelFailure: it died"):
        fitted = kind(team).fit(X, y)
    assert len(fitted.members_) == 3
    np.testing.assert_allclose(fitted.predict(X), 2.0, atol=0.6)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_all_fail(error: Exception) -> None:
    with pytest.raises(type(error), match=str(error)):
        AveragingReuser([Failing(error), Failing(error)]).fit(X)


def test_what_is_no_error_of_ours_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        AveragingReuser([*constants(1.0), Failing(ZeroDivisionError())]).fit(X)


def test_it_breaks_later() -> None:
    team = [*constants(1.0, 4.0), Failing(ModelFailure("it died"), after=1)]
    fitted = AveragingReuser(team).fit(X)
    with pytest.warns(UserWarning, match="Answered without learnware 'broken one'"):
        np.testing.assert_allclose(fitted.predict(X), 2.5)
    team[0].predict = team[1].predict = team[2].predict
    with pytest.raises(ModelFailure, match="it died"):
        fitted.predict(X)


def test_it_cannot_be_fetched() -> None:
    class Lost(FakeHit):
        @property
        def learnware(self) -> Any:
            raise LearnwareError("its bytes are damaged")

    good = constants(1.0, 3.0)
    hits = (FakeHit("1", good[0], 0.1), Lost("2", Failing(ERRORS[0]), 0.2), FakeHit("3", good[1], 0.3))
    with pytest.warns(UserWarning, match="Left out learnware 'broken one': LearnwareError: its bytes"):
        fitted = AveragingReuser(FakeResult(hits)).fit(X)
    np.testing.assert_allclose(fitted.predict(X), 2.0)
    with pytest.raises(LearnwareError, match="damaged"):
        AveragingReuser(FakeResult(hits[1:2])).fit(X)
