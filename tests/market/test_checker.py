"""Checks: everything that is wrong is found at once, and every finding says how to mend it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from learnware.bundle import Learnware
from learnware.errors import (
    BadPrediction,
    BundleError,
    EnvironmentFailed,
    IsolationUnavailable,
    LearnwareError,
    MissingDependency,
    ModelFailure,
    RejectedLearnware,
    SandboxMemory,
    SandboxTimeout,
    UntrustedModel,
    WorkerCrashed,
)
from learnware.limits import Limits
from learnware.market import CheckReport, Finding, check_learnware
from learnware.market.checker import check_execution, check_semantic, check_statistical
from learnware.runtime.sandbox.launcher import SandboxLauncher
from learnware.specification import RKME, Fields, PointLabels, SemanticSpecification, Space, Specification
from learnware.testing import make_learnware
from tests.bundle.upstream_zips import make_upstream_zip

WORDS = SemanticSpecification(
    "A name", "What it is for.", data="table", task="regression", scenarios=("Business",), license="MIT"
)
POINTS = RKME(np.arange(12.0).reshape(4, 3), np.full(4, 0.25), n_samples=100)
HUGE = PointLabels(np.array([[0.0], [1.0], [2.0], [-1e39]]))


@dataclass
class Double:
    """Stands for a learnware, so that it can go wrong in ways that a packed model hardly can."""

    semantic: SemanticSpecification = WORDS
    points: RKME | None = POINTS
    classes_: Any = None
    n_outputs: int = 1
    model: Callable[[Any], Any] = field(default=lambda X: X.sum(axis=1))
    proba: Callable[[Any], Any] | None = None

    @property
    def specification(self) -> Specification:
        return Specification(self.semantic, self.points)

    def predict(self, X: Any) -> Any:
        return self.model(X)

    def __getattr__(self, name: str) -> Any:
        if name == "predict_proba" and self.proba is not None:
            return self.proba
        raise AttributeError(name)


def codes(check: Callable[[Learnware], Any], double: Double) -> dict[str, str]:
    found: list[Finding] = list(check(cast(Learnware, double)))
    assert all(finding.message.endswith(".") for finding in found)
    return {finding.code: finding.level for finding in found}


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    for check in (check_semantic, check_statistical, check_execution):
        assert codes(check, Double()) == {}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"name": " "}, {"name-missing": "error"}),
        ({"name": "n" * 121}, {"name-too-long": "error"}),
        ({"name": "n" * 120}, {}),
        ({"description": "é" * 10_001}, {"description-too-long": "error"}),
        ({"description": "é" * 10_000}, {}),
        ({"description": ""}, {"description-missing": "warning"}),
        ({"data": None, "task": None}, {"data-missing": "error", "task-missing": "error"}),
        ({"scenarios": ()}, {"scenarios-missing": "warning"}),
        ({"license": None}, {"license-missing": "warning"}),
    ],
)
def test_words(change: dict[str, Any], expected: dict[str, str]) -> None:
    assert codes(check_semantic, Double(replace(WORDS, **change))) == expected


@pytest.mark.parametrize(
    ("double", "expected"),
    [
        (Double(points=None), {"points-missing": "error"}),
        (Double(replace(WORDS, data="Image"), points=None), {}),
        (Double(points=RKME(np.full((4, 3), 1e16), np.full(4, 0.25), n_samples=9)), ["points-too-large"]),
        (Double(points=replace(POINTS, labels=HUGE)), {"labels-too-large": "error"}),
        (Double(points=replace(POINTS, squared_error=1.6)), {"error-too-large": "error"}),
        (Double(points=replace(POINTS, squared_error=1.4)), {}),
        (Double(points=replace(POINTS, n_samples=11)), {"points-too-many": "error"}),
        (Double(points=replace(POINTS, n_samples=12)), {}),
        (Double(points=replace(POINTS, n_samples=None)), {"rows-unknown": "warning"}),
        (Double(replace(WORDS, inputs=Fields(4))), {"inputs-differ": "error"}),
        (Double(replace(WORDS, outputs=Fields(2))), {"outputs-differ": "error"}),
        (Double(replace(WORDS, outputs=Fields(2)), n_outputs=2), {}),
        (Double(replace(WORDS, outputs=Fields(2)), classes_=np.array(["a", "b", "c"])), {"outputs-differ": "error"}),
    ],
)
def test_points(double: Double, expected: Any) -> None:
    found = codes(check_statistical, double)
    assert set(expected) <= set(found) if isinstance(expected, list) else found == expected


@pytest.mark.parametrize(("n_points", "n_columns"), [(1001, 1), (2, 500_001)])
def test_too_many_numbers_are_refused_before_they_are_compared(
    monkeypatch: pytest.MonkeyPatch, n_points: int, n_columns: int
) -> None:
    points = RKME(np.zeros((n_points, n_columns)), np.full(n_points, 1 / n_points), n_samples=10**6)
    monkeypatch.setattr(RKME, "distance", None)
    assert codes(check_statistical, Double(points=points)) == {"points-too-many-numbers": "error"}


def test_honest_points_of_few_rows_stand_for_them() -> None:
    rng = np.random.default_rng(0)
    for n in (5, 6, 10, 30, 100):
        for n_points in (1, 3, 20):
            rows = rng.normal(size=(n, 2)) + 10 * rng.choice([-1, 1], size=(n, 1))
            points = RKME.from_data(rows, n_points, random_state=0)
            assert codes(check_statistical, Double(points=points)) == {}


def test_a_failing_model_is_reported_with_its_own_words() -> None:
    def crash(X: Any) -> Any:
        raise ModelFailure("Division by zero in layer 3.")

    (found,) = check_execution(cast(Learnware, Double(model=crash)))
    assert (found.level, found.code) == ("error", "predict-fails")
    assert "Division by zero in layer 3." in found.message


@pytest.mark.parametrize("named", [False, True])
def test_rows_that_no_honest_model_knows_are_left_out(named: bool) -> None:
    asked = []

    def known_codes_only(X: Any) -> Any:
        values = np.asarray(X)
        if (values[:, 0] == 3).any():
            raise ModelFailure("Found unknown category 3.")
        asked.append(len(values))
        return values.sum(axis=1)

    names = ["code", "size", "price"] if named else None
    if named:
        pandas = pytest.importorskip("pandas")
        rows = pandas.DataFrame(np.repeat(POINTS.points, 25, axis=0), columns=names)
        points = replace(POINTS, space=RKME.from_data(rows, 4, random_state=0).space)
    else:
        points = POINTS
    double = Double(points=points, model=known_codes_only, proba=known_codes_only)
    (found,) = check_execution(cast(Learnware, double))
    assert (found.level, found.code) == ("warning", "predict-fails-on-some")
    assert f"fails on {24 - asked[-1]} of 24 row(s)" in found.message
    assert "Found unknown category 3." in found.message


def test_honest_models_of_gaps_between_codes_pass() -> None:
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.choice([1, 5, 9, 40], 300), rng.normal(size=300).round(2)])
    y = rng.normal(size=300)
    model = make_pipeline(make_column_transformer((OneHotEncoder(), [0])), Ridge()).fit(X, y)
    learnware = Learnware.from_model(model, X, y, name="Codes", task="regression", n_points=20, random_state=0)
    report = check_learnware(learnware)
    assert report.passed
    assert "predict-fails-on-some" in str(report)


def test_rows_answered_one_by_one_only_are_an_error() -> None:
    def single(X: Any) -> Any:
        if len(X) > 1:
            raise ModelFailure("One row at a time.")
        return X.sum(axis=1)

    assert codes(check_execution, Double(model=single)) == {"predict-fails": "error"}


@dataclass
class Failing:
    """A model that raises what it is given from some call on, and counts its calls."""

    error: LearnwareError
    n_answered: int = 0
    n_calls: int = 0

    def __call__(self, X: Any) -> Any:
        self.n_calls += 1
        if self.n_calls > self.n_answered:
            raise self.error
        return X.sum(axis=1)


@pytest.mark.parametrize("kind", [MissingDependency, IsolationUnavailable, UntrustedModel])
@pytest.mark.parametrize("n_answered", [0, 2])
def test_what_this_machine_lacks_is_not_the_fault_of_the_model(kind: type[LearnwareError], n_answered: int) -> None:
    model = Failing(kind("Install it."), n_answered)
    with pytest.raises(kind, match="Install it"):
        list(check_execution(cast(Learnware, Double(model=model))))
    assert model.n_calls == n_answered + 1


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (SandboxTimeout, "predict-timeout"),
        (SandboxMemory, "predict-memory"),
        (WorkerCrashed, "predict-crash"),
        (EnvironmentFailed, "environment"),
    ],
)
@pytest.mark.parametrize("n_answered", [0, 1, 2, 3])
def test_a_process_that_ended_is_not_started_again(kind: type[LearnwareError], code: str, n_answered: int) -> None:
    model = Failing(kind("It took longer than 30 s."), n_answered)
    (found,) = check_execution(cast(Learnware, Double(model=model, proba=model)))
    assert (found.level, found.code) == ("error", code)
    assert "It took longer than 30 s." in found.message
    assert model.n_calls == n_answered + 1


@pytest.mark.usefixtures("needs_sandbox")
@pytest.mark.parametrize(
    ("answer", "code"), [("__import__('time').sleep(99)", "predict-timeout"), ("os._exit(3)", "predict-crash")]
)
def test_code_that_hangs_or_dies_takes_one_sandbox(monkeypatch: pytest.MonkeyPatch, answer: str, code: str) -> None:
    started, start = [], SandboxLauncher.start
    monkeypatch.setattr(SandboxLauncher, "start", lambda self, *given: started.append(self) or start(self, *given))
    source = (
        "import os\nfrom learnware.model import BaseModel\nclass MyModel(BaseModel):\n"
        "    def __init__(self): super().__init__(input_shape=(3,), output_shape=(1,))\n"
        f"    def predict(self, X): {answer}\n"
        "    def fit(self, X, y): pass\n    finetune = fit\n"
    )
    learnware = Learnware.from_bytes(make_upstream_zip(source=source), limits=Limits(call_seconds=0.5))
    report = check_learnware(learnware)
    assert [finding.code for finding in report.findings if finding.level == "error"] == [code]
    assert len(started) == 1


def test_a_process_that_ends_on_a_single_row_is_not_started_again() -> None:
    asked = []

    def unfit(X: Any) -> Any:
        asked.append(len(X))
        raise ModelFailure("Not all.") if len(X) > 1 else SandboxTimeout("It took longer than 30 s.")

    assert codes(check_execution, Double(model=unfit)) == {"predict-timeout": "error"}
    assert asked == [24, 1]


def test_rows_are_asked_one_by_one_only_when_the_model_itself_fails() -> None:
    for error, n_calls in ((ModelFailure("No."), 25), (BadPrediction("No."), 25), (LearnwareError("No."), 1)):
        model = Failing(error)
        assert codes(check_execution, Double(model=model)) == {"predict-fails": "error"}
        assert model.n_calls == n_calls


def test_a_model_that_is_slow_to_fail_is_not_asked_for_every_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("learnware.market.checker.execution._PATIENCE_SECONDS", -1.0)
    model = Failing(ModelFailure("No."))
    assert codes(check_execution, Double(model=model)) == {"predict-fails": "error"}
    assert model.n_calls == 1


def test_each_way_to_ask_is_tried() -> None:
    def only_many(X: Any) -> Any:
        if len(X) == 1:
            raise ModelFailure("Needs more than one row.")
        return X.sum(axis=1)

    def never(X: Any) -> Any:
        raise ModelFailure("Rows do not add up to 1.")

    found = codes(check_execution, Double(model=only_many, proba=never))
    assert found == {"predict-single-row-fails": "error", "predict-proba-fails": "error"}


@pytest.mark.parametrize(("noise", "expected"), [(1.0, {"answers-unsteady": "error"}), (1e-9, {})])
def test_answers_must_be_the_same_twice(noise: float, expected: dict[str, str]) -> None:
    rng = np.random.default_rng(0)
    assert codes(check_execution, Double(model=lambda X: X.sum(axis=1) + noise * rng.normal(size=len(X)))) == expected


def encoded(data: str) -> RKME:
    return replace(POINTS, space=Space.encoded(data, "some-encoder-1", 3))


def test_models_of_texts_are_asked_for_texts_of_ours() -> None:
    def lengths(texts: Any) -> Any:
        return np.array([float(len(text)) for text in texts])

    def no_empty(texts: Any) -> Any:
        if "" in list(texts):
            raise ModelFailure("No words.")
        return lengths(texts)

    words = replace(WORDS, data="text")
    assert codes(check_execution, Double(words, encoded("text"), model=lengths)) == {}
    (found,) = check_execution(cast(Learnware, Double(words, encoded("text"), model=no_empty)))
    assert (found.level, found.code) == ("warning", "predict-fails-on-some")
    assert "fails on 1 of 18 text(s) made for this check: No words." in found.message
    assert codes(check_execution, Double(words, encoded("text"), model=Failing(ModelFailure("No.")))) == {
        "predict-fails": "error"
    }


@pytest.mark.parametrize(("pixels", "dtype"), [("int", np.uint8), ("float", np.float32), ("bool", np.bool_)])
def test_models_of_images_are_asked_for_random_images(pixels: str, dtype: Any) -> None:
    asked = []

    def brightness(images: Any) -> Any:
        asked.append(images)
        return images.mean(axis=(1, 2, 3))

    double = Double(replace(WORDS, data="image"), encoded("image"), model=brightness)
    double.sample_shape, double.pixels = (3, 4, 5), pixels  # type: ignore[attr-defined]
    assert codes(check_execution, double) == {}
    assert {(images.shape[1:], images.dtype.type) for images in asked} == {((3, 4, 5), dtype)}
    assert len(asked[0]) == 24
    np.testing.assert_array_equal(asked[0], asked[1])


def test_what_an_encoder_makes_are_no_inputs() -> None:
    words = replace(WORDS, data="text", inputs=Fields(1))
    assert codes(check_statistical, Double(words, encoded("text"))) == {}
    assert codes(check_statistical, Double(words, POINTS)) == {"inputs-differ": "error"}


def test_labels_must_be_the_same_twice() -> None:
    rng = np.random.default_rng(0)
    double = Double(classes_=np.array(["a", "b"]), model=lambda X: rng.choice(["a", "b"], len(X)))
    assert "answers-unsteady" in codes(check_execution, double)


def test_a_report_tells_people_and_programs_the_same(tmp_path: Path) -> None:
    report = check_learnware(make_learnware("long <b>" * 20))
    assert not report.passed
    assert [finding.level for finding in report.findings] == ["error", "warning", "warning", "warning"]
    assert "is refused: 1 error, 3 warnings." in str(report)
    for finding in report.findings:
        assert finding.code in str(report)
        assert finding.code in report._repr_html_()
    assert "<b>" not in report._repr_html_()
    told = json.loads(json.dumps(report.to_dict()))
    assert (told["passed"], told["findings"][0]["code"]) == (False, "name-too-long")
    assert "name-too-long" in str(RejectedLearnware(report))


def test_files_are_checked_like_objects(tmp_path: Path) -> None:
    path = make_learnware().save(tmp_path / "it.zip")
    assert check_learnware(path) == check_learnware(str(path)) == check_learnware(make_learnware())
    assert check_learnware(path).passed
    path.write_bytes(b"no zip")
    with pytest.raises(BundleError):
        check_learnware(path)


def test_an_empty_report_passes() -> None:
    assert str(CheckReport("It")) == "'It' passes all checks."
    assert CheckReport("It").passed
