"""Which models run where, and what is asked for first."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

import numpy as np
import pytest

from learnware.errors import InvalidParameter, IsolationUnavailable, UntrustedModel, WorkerCrashed
from learnware.limits import Limits
from learnware.models.level import Level
from learnware.runtime import choice
from learnware.runtime.base import StoredModel
from learnware.runtime.choice import runner_for
from learnware.runtime.inprocess import InProcessRunner
from learnware.runtime.runners import OwnRunner, SharedRunner
from tests.runtime.models import X, code, fitted, stored

SOURCE = stored("logistic")
LEVELS = {
    level.value: StoredModel("a model", SOURCE.entry, level, SOURCE.files)
    for level in (Level.DATA, Level.UNSAFE_MEMORY, Level.CODE)
}


@pytest.mark.parametrize(
    ("level", "isolation", "trust", "expected"),
    [
        ("T0", "auto", None, SharedRunner),
        ("T0", "process", None, SharedRunner),
        ("T0", "sandbox", None, OwnRunner),
        ("T0", "none", None, InProcessRunner),
        ("T1", "auto", None, SharedRunner),
        ("T1", "auto", "code", SharedRunner),
        ("T1", "process", None, SharedRunner),
        ("T1", "sandbox", None, OwnRunner),
        ("T1", "none", "data", InProcessRunner),
        ("T1", "none", "code", InProcessRunner),
        ("T2", "auto", None, OwnRunner),
        ("T2", "auto", "code", OwnRunner),
        ("T2", "sandbox", None, OwnRunner),
        ("T2", "process", "code", OwnRunner),
    ],
)
def test_what_may_run(level: str, isolation: str, trust: str | None, expected: type) -> None:
    assert type(runner_for(LEVELS[level], isolation=isolation, trust=trust)) is expected


@pytest.mark.parametrize(
    ("level", "isolation", "trust", "how"),
    [
        ("T1", "none", None, "data with unsafe memory .T1.*isolation='none', trust='data'"),
        ("T2", "none", None, "code .T2.*isolation='process', trust='code'"),
        ("T2", "none", "data", "code .T2.*isolation='process', trust='code'"),
        ("T2", "none", "code", "code .T2.*isolation='process', trust='code'"),
        ("T2", "process", None, "code .T2.*isolation='process', trust='code'"),
        ("T2", "process", "data", "code .T2.*isolation='process', trust='code'"),
    ],
)
def test_what_may_not_run(level: str, isolation: str, trust: str | None, how: str) -> None:
    with pytest.raises(UntrustedModel, match=how):
        runner_for(LEVELS[level], isolation=isolation, trust=trust)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"isolation": "docker"}, "The 'isolation' parameter of runner_for must be one of 'auto', 'none'"),
        ({"isolation": None}, "The 'isolation' parameter"),
        ({"trust": "all"}, "The 'trust' parameter of runner_for must be one of 'code', 'data'"),
        ({"trust": True}, "The 'trust' parameter"),
        ({"limits": {"memory": 1}}, "The 'limits' parameter of runner_for must be a learnware.limits.Limits"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidParameter, match=why):
        runner_for(SOURCE, **arguments)


def test_code_is_never_run_without_a_sandbox_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable(*arguments: object, **options: object) -> None:
        raise IsolationUnavailable("no bubblewrap here")

    monkeypatch.setattr("learnware.runtime.sandbox.launcher.SandboxLauncher", unavailable)
    for isolation in ("auto", "sandbox"):
        runner = runner_for(code("def predict(self, X): return X[:, 0]"), isolation=isolation, trust="code")
        with pytest.raises(IsolationUnavailable, match="no bubblewrap here"):
            runner.call("predict", [[1.0, 2.0, 3.0, 4.0]])
        runner.close()


def test_choosing_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "Worker", None)
    for isolation in choice.ISOLATIONS:
        runner_for(SOURCE, isolation=isolation, trust="data", limits=Limits(memory=2**28)).close()


def test_everything_runs_in_the_sandbox(nothing_left: Callable[[], None]) -> None:
    runner = runner_for(stored("forest"), isolation="sandbox")
    assert np.array_equal(runner.call("predict", X), fitted("forest").predict(X))
    runner.close()
    text = """
        added = 0
        def fit(self, X, y): self.added = y[0]
        def predict(self, X): return X[:, 0] + self.added
        def predict_proba(self, X): os.kill(os.getpid(), 11)
    """
    with closing(runner_for(code(text))) as runner:
        runner.call("fit", X, np.array([5.0]))
        assert np.array_equal(runner.call("predict", X), X[:, 0] + 5.0)
        with pytest.raises(WorkerCrashed, match="is lost") as caught:
            runner.call("predict_proba", X)
        assert caught.value.signal == 11
        with pytest.raises(WorkerCrashed, match="is lost"):
            runner.call("predict", X)
        runner.call("fit", X, np.array([2.0]))
        assert np.array_equal(runner.call("predict", X), X[:, 0] + 2.0)
    nothing_left()
