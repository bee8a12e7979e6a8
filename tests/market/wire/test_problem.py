"""Errors cross the wire and arrive as what they were."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learnware import errors
from learnware.errors import LearnwareError, MarketError, RejectedLearnware, TooManyRequests
from learnware.market import CheckReport, Finding
from learnware.market.wire import error_of, problem_of

REPORT = CheckReport("Sales", [Finding("error", "task-missing", "Say the task."), Finding("note", "x", "y")])
#: Errors of this process only: nobody sends them, and they would arrive as their parents.
OF_A_PARENT = {"TooFewRows": "InvalidData", "NewerFormat": "MarketError"}
UNSENT = {"LearnwareError": "MarketError", "MissingDependency": "MarketError"}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


def raised(name: str) -> LearnwareError:
    cls = getattr(errors, name)
    return cls(REPORT) if cls is RejectedLearnware else cls("Something is wrong.")


@pytest.mark.parametrize("name", errors.__all__)
def test_an_error_arrives_as_what_it_was(name: str) -> None:
    problem = json.loads(json.dumps(problem_of(raised(name))))
    assert type(error_of(problem, problem["status"])).__name__ == (OF_A_PARENT | UNSENT).get(name, name)
    assert problem["type"].endswith(problem["code"])
    assert 400 <= problem["status"] < 600


def test_a_report_arrives_whole() -> None:
    error = error_of(json.loads(json.dumps(problem_of(RejectedLearnware(REPORT)))), 422)
    assert isinstance(error, RejectedLearnware)
    assert error.report == REPORT


def test_facts_arrive() -> None:
    assert error_of(problem_of(errors.ColumnMismatch("No.", missing=["age"])), 422).missing == ("age",)
    archive = error_of(problem_of(errors.MalformedArchive("No.", code="truncated", file="a.zip")), 422)
    assert (archive.code, archive.file) == ("truncated", "a.zip")
    assert error_of(problem_of(errors.InvalidSpecification("No.", code="spec-weights")), 422).code == "spec-weights"
    late = error_of(problem_of(TooManyRequests("Wait.", retry_after=2.1)), 429)
    assert isinstance(late, TooManyRequests)
    assert late.retry_after == 3.0


@pytest.mark.parametrize("error", [MarketError("/srv/secret is full"), OSError("/srv/secret"), KeyError("/srv/secret")])
def test_what_is_the_servers_own_is_not_told(error: Exception) -> None:
    problem = problem_of(error)
    assert "secret" not in json.dumps(problem)
    assert problem["status"] >= 500


def test_codes_and_classes_are_one_to_one() -> None:
    codes = {problem_of(raised(name))["code"] for name in errors.__all__ if name not in OF_A_PARENT | UNSENT}
    assert len(codes) == len(errors.__all__) - len(OF_A_PARENT | UNSENT)


@given(json_values, st.integers(400, 599))
def test_whatever_comes_becomes_one_of_our_errors(problem: object, status: int) -> None:
    assert isinstance(error_of(problem, status), LearnwareError)


def test_what_a_terminal_acts_upon_is_taken_out() -> None:
    error = error_of({"code": "not-allowed", "detail": "No\x1b[2J."}, 403)
    assert str(error) == "No [2J."
