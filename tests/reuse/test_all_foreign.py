"""Teams of which nobody names classes as the user does: few labels, useless answers, other types, one class."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from learnware.reuse import AutoReuser, EnsembleSelectionReuser, StackingReuser

from .doubles import FakeLearnware, constants

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(400, 3))
Y = np.where(X[:, 0] > 0, "up", "down")
FAIR = dict.fromkeys("abcd", 0.25)
KINDS: dict[str, Any] = {
    "stacking": StackingReuser,
    "selection": lambda team, **kwargs: EnsembleSelectionReuser(team, prior_weight=0, n_bags=1, **kwargs),
    "auto": AutoReuser,
}


def useless() -> list[FakeLearnware]:
    """Return learnwares of four and of three classes that say the same of every row."""
    return constants(list(FAIR.values()), [0.2, 0.3, 0.5], classes=[list(FAIR), list("xyz")])


@pytest.mark.parametrize("n_labels", [2, 3, 4, 6, 30, 200])
@pytest.mark.parametrize("kind", KINDS)
def test_nobody_is_needed(kind: str, n_labels: int) -> None:
    fitted = KINDS[kind](useless(), random_state=0).fit(X[:n_labels], Y[:n_labels])
    answer = fitted.predict_proba(X)
    assert answer.shape == (400, len(set(Y[:n_labels])))
    np.testing.assert_allclose(answer.sum(axis=1), 1.0)
    if n_labels == 200:
        assert fitted.score(X[200:], Y[200:]) > 0.9


@pytest.mark.parametrize("own_model", [None, False])
@pytest.mark.parametrize("n_labels", [2, 4, 30])
def test_labels_of_another_type(own_model: Any, n_labels: int) -> None:
    team = constants([0.4, 0.6], [0.5, 0.5], classes=[False, True])
    answer = AutoReuser(team, own_model=own_model, random_state=0).fit(X[:n_labels], Y[:n_labels]).predict_proba(X)
    np.testing.assert_allclose(answer.sum(axis=1), 1.0)


@pytest.mark.parametrize("kind", KINDS)
def test_labels_of_a_single_class_that_nobody_knows(kind: str) -> None:
    fitted = KINDS[kind](useless(), random_state=0).fit(X[:6], ["new"] * 6)
    assert set(fitted.predict(X)) == {"new"}


@pytest.mark.parametrize("n_labels", [2, 4, 10, 30])
def test_the_leaderboard_tells_what_answers(n_labels: int) -> None:
    fitted = AutoReuser(useless(), own_model=LogisticRegression(), random_state=0).fit(X[:n_labels], Y[:n_labels])
    board = {row["name"]: row for row in fitted.leaderboard_}
    assert board["class shares"]["weight"] == 0.0
    assert not board["class shares"]["chosen"]
    assert sum(row["weight"] or 0.0 for row in board.values()) == pytest.approx(1.0)
    chosen = [name for name, row in board.items() if row["chosen"]]
    assert ("blend" in chosen) == (fitted.best_name_ == "blend") == (len(chosen) > 1)
    if len(chosen) == 1:
        assert chosen == [fitted.best_name_]
