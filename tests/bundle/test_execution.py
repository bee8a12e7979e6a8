"""Where the model of a learnware runs, and who decides."""

from __future__ import annotations

import contextlib
import copy
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from learnware import Learnware, Limits, Market
from learnware.errors import (
    InvalidData,
    InvalidParameter,
    ModelFailure,
    SandboxTimeout,
    UnsupportedModel,
    UntrustedModel,
)
from learnware.models import Level
from tests.bundle.upstream_zips import make_upstream_zip

X = np.random.default_rng(0).normal(size=(120, 3))
Y = (X[:, 0] > 0).astype(int)


@pytest.fixture(scope="module")
def linear() -> Learnware:
    return Learnware.from_model(LogisticRegression().fit(X, Y), X, Y, name="Linear", random_state=0)


@pytest.fixture(scope="module")
def forest() -> Learnware:
    model = RandomForestClassifier(5, random_state=0).fit(X, Y)
    return Learnware.from_model(model, X, Y, name="Forest", random_state=0)


def sees_other_process(learnware: Learnware, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Tell whether predictions come from somewhere that a change to this process does not reach."""
    called = []

    def broken(self: object, X: object) -> None:
        called.append(X)
        raise RuntimeError("called in this process")

    with monkeypatch.context() as patch, contextlib.suppress(ModelFailure):
        patch.setattr(LogisticRegression, "predict", broken)
        learnware.predict(X[:2])
    return not called


def test_levels_follow_from_the_content(linear: Learnware, forest: Learnware) -> None:
    assert linear.level is Level.DATA
    assert forest.level is Level.UNSAFE_MEMORY
    assert Learnware.from_bytes(make_upstream_zip()).level is Level.CODE
    assert "T1 - data with unsafe memory" in forest._repr_html_()


def test_own_models_run_here_and_loaded_ones_elsewhere(linear: Learnware, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = Learnware.from_bytes(linear.to_bytes())
    assert sees_other_process(loaded, monkeypatch)
    assert not sees_other_process(linear, monkeypatch)
    assert not sees_other_process(loaded.with_isolation("none"), monkeypatch)
    assert sees_other_process(pickle.loads(pickle.dumps(loaded)), monkeypatch)
    assert not sees_other_process(pickle.loads(pickle.dumps(linear)), monkeypatch)


@pytest.mark.parametrize("isolation", ["auto", "process", "sandbox"])
def test_answers_do_not_depend_on_the_place(forest: Learnware, isolation: str, request: pytest.FixtureRequest) -> None:
    if isolation == "sandbox":
        request.getfixturevalue("needs_sandbox")
    loaded = Learnware.from_bytes(forest.to_bytes(), isolation=isolation)
    assert np.array_equal(loaded.predict(X), forest.predict(X))
    assert np.allclose(loaded.predict_proba(X), forest.predict_proba(X))


def test_unsafe_memory_needs_trust_in_this_process(forest: Learnware) -> None:
    data = forest.to_bytes()
    with pytest.raises(UntrustedModel, match="T1"):
        Learnware.from_bytes(data, isolation="none")
    trusted = Learnware.from_bytes(data, isolation="none", trust="data")
    assert np.array_equal(trusted.predict(X), forest.predict(X))


def test_code_never_runs_in_this_process() -> None:
    data = make_upstream_zip()
    for trust in (None, "data", "code"):
        with pytest.raises(UntrustedModel):
            Learnware.from_bytes(data, isolation="none", trust=trust)
    for trust in (None, "data"):
        with pytest.raises(UntrustedModel, match="trust='code'"):
            Learnware.from_bytes(data, isolation="process", trust=trust)


@pytest.mark.parametrize("wrong", [{"isolation": "docker"}, {"trust": "all"}])
def test_wrong_words_are_refused(linear: Learnware, wrong: dict[str, str]) -> None:
    with pytest.raises(InvalidParameter):
        Learnware.from_bytes(linear.to_bytes(), **wrong)


def test_a_market_fetches_as_it_was_opened(linear: Learnware, monkeypatch: pytest.MonkeyPatch) -> None:
    with Market.open(isolation="none") as near, Market.open() as far:
        here, elsewhere = near.fetch(near.submit(linear)), far.fetch(far.submit(linear))
        assert not sees_other_process(here, monkeypatch)
        assert sees_other_process(elsewhere, monkeypatch)


def test_code_in_a_process_of_its_own(tmp_path: Path) -> None:
    source = "import os\nfrom learnware.model import BaseModel\n" + SLOW
    (tmp_path / "upstream.zip").write_bytes(make_upstream_zip(source=source))
    loaded = Learnware.load(
        tmp_path / "upstream.zip", isolation="process", trust="code", limits=Limits(call_seconds=0.5)
    )
    assert set(loaded.predict(np.zeros((3, 3)))) != {os.getpid()}
    with pytest.raises(SandboxTimeout):
        loaded.predict(np.ones((3, 3)))
    assert set(loaded.predict(np.zeros((3, 3)))) != {os.getpid()}


SLOW = """
import time
import numpy as np

class MyModel(BaseModel):
    def __init__(self):
        super().__init__(input_shape=(3,), output_shape=(1,))
    def predict(self, X):
        if X[0, 0]:
            time.sleep(60)
        return np.full(len(X), float(os.getpid()))
    def fit(self, X, y):
        pass
    def finetune(self, X, y):
        pass
"""


@pytest.mark.usefixtures("needs_sandbox")
def test_training_stays_with_the_object_that_was_trained() -> None:
    first = Learnware.from_bytes(make_upstream_zip())
    second = first.with_id("other")
    before = second.predict(X)
    assert first.fit(X, X @ [3.0, 2.0, 1.0] + 4.0) is first
    assert np.allclose(first.predict(X), X @ [3.0, 2.0, 1.0] + 4.0)
    assert np.allclose(first.predict(X[:5]), X[:5] @ [3.0, 2.0, 1.0] + 4.0)
    assert np.array_equal(second.predict(X), before)
    assert np.array_equal(first.with_isolation("auto").predict(X), before)
    with pytest.raises(UnsupportedModel, match="trained in its worker"):
        pickle.dumps(first)
    with pytest.raises(UnsupportedModel, match="trained in its worker"):
        first.save("nowhere.zip")
    with pytest.raises(UnsupportedModel, match="trained in its worker"):
        first.with_id("another")
    assert first != second
    assert first == copy.copy(first)
    for wrong in (None, np.zeros(3)):
        with pytest.raises(InvalidData, match="y must have"):
            first.finetune(X, wrong)


def test_data_has_no_training(linear: Learnware) -> None:
    assert not hasattr(linear, "fit")
    assert not hasattr(linear, "finetune")


@pytest.mark.parametrize("wrong", [None, 123, "", b"zip"])
def test_what_is_no_path_is_refused(wrong: object) -> None:
    with pytest.raises(InvalidParameter, match="path"):
        Learnware.load(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [None, "text", []])
def test_what_are_no_bytes_is_refused(wrong: object) -> None:
    with pytest.raises(InvalidParameter, match="data"):
        Learnware.from_bytes(wrong)  # type: ignore[arg-type]


def test_words_are_for_zips_without_them(linear: Learnware) -> None:
    with pytest.raises(InvalidParameter, match="SemanticSpecification"):
        Learnware.from_bytes(make_upstream_zip(semantic=None), semantic="garbage")  # type: ignore[arg-type]
    with pytest.raises(InvalidParameter, match="leave the parameter out"):
        Learnware.from_bytes(linear.to_bytes(), semantic=linear.specification.semantic)
