"""Learnwares that the search holds for hopeless are left out, and no class or part of the rows with them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from learnware import Learnware, Market, Specification
from learnware.reuse import AutoReuser, ConsensusReuser, JobSelectorReuser
from learnware.reuse.hopeful import hopeful
from learnware.reuse.members import Members

from .doubles import FakeLearnware, FakeResult, Fixed, constants, fake_result


def found(learnwares: list[Any], losses: Any, mixed: dict[int, float] | None = None) -> FakeResult:
    """Return a result with the losses that the search estimates."""
    result = fake_result(learnwares, mixed=mixed)
    for hit, loss in zip(result.hits, losses, strict=True):
        hit.loss = loss
    return result


def heard(*args: Any, **kwargs: Any) -> list[int]:
    return hopeful(Members.of(found(*args, **kwargs), whole=True))


def of_classes(*sets: str) -> list[Any]:
    return [FakeLearnware(Fixed(np.full(len(own), 1 / len(own)), list(own))) for own in sets]


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ([0.1, 0.1, 0.1, 0.14, 0.16], [0, 1, 2, 3]),
        ([0.4, 0.4, 0.4, 0.49, 0.51], [0, 1, 2, 3]),
        ([0.51, 0.51, 0.51, 3.0, 0.51], [0, 1, 2, 3, 4]),
        ([0.0, 0.3, 0.3, 0.3, 0.3], [0]),
        ([0.1, 0.1, None, 0.1, 0.5], [0, 1, 2, 3]),
        ([None] * 5, [0, 1, 2, 3, 4]),
    ],
)
def test_losses_far_above_those_of_the_best_three(losses: Any, expected: list[int]) -> None:
    assert heard(constants(*range(5)), losses) == expected


FEW = [([0.02, 3.9], [0]), ([0.017, 0.021, 3.915], [0, 1]), ([0.1, 0.14], [0, 1]), ([0.2, None, 0.9], [0, 1])]


@pytest.mark.parametrize(("losses", "expected"), FEW)
def test_of_few_not_all_are_the_best(losses: Any, expected: list[int]) -> None:
    assert heard(constants(*range(len(losses))), losses) == expected
    assert heard(of_classes(*["ab"] * len(losses)), losses) == expected


@pytest.mark.parametrize("team", [constants(*range(6)), of_classes(*["ab"] * 6)])
def test_of_six_the_best_are_three(team: Any) -> None:
    assert heard(team, [0.1, 0.22, 0.25, 0.24, 0.9, 0.9]) == [0, 1]


def test_without_a_search_all_are_heard() -> None:
    assert hopeful(Members.of(constants(1.0, 2.0))) == [0, 1]


def test_what_the_mixture_needs_stays() -> None:
    losses = [0.1, 0.1, 0.1, 0.9, 0.9, 0.9]
    assert heard(constants(*range(6)), losses, {0: 0.78, 4: 0.2, 5: 0.02}) == [0, 1, 2, 4]


def test_one_who_knows_few_classes_is_not_compared_with_those_who_know_others() -> None:
    team = of_classes("ab", "ab", "ab", "bc", "ac", "abc")
    # The last knows all that others know, and errs more than they all the same.
    assert heard(team, [0.1, 0.1, 0.5, 0.5, 0.5, 0.5]) == [0, 1, 3, 4]


def test_losses_stay_with_members() -> None:
    members = Members.of(found(constants(1.0, 2.0, 3.0), [0.1, None, 0.3]), whole=True)
    assert members.only([2, 1]).losses is not None
    np.testing.assert_array_equal(members.only([2, 1]).losses, [0.3, np.nan])
    assert hopeful(members.subset([0, 2])) == [0]


def test_consensus_and_job_selector_do_not_hear_them() -> None:
    result = found(constants(1.0, 1.1, 0.9, 5.0, 5.0, 5.0, 5.0), [0.1, 0.1, 0.1, 0.9, 0.9, 0.9, 0.9])
    X = np.zeros((4, 1))
    assert ConsensusReuser(result).fit(X).predict(X)[0] == pytest.approx(1.0, abs=0.1)
    team, X = in_domains([1.0, 1.1, 9.0])
    fitted = JobSelectorReuser(found(team, [0.1, 0.1, 0.9]), random_state=0).fit(X)
    assert fitted.members_ == tuple(team[:2])


def in_domains(answers: Any, classes: Any = None) -> tuple[list[Any], Any]:
    """Return learnwares that all know the same rows, and these."""
    X = np.random.default_rng(0).normal(size=(80, 2))
    return [FakeLearnware(Fixed(answer, classes), X) for answer in answers], X


class TestAuto:
    @pytest.mark.parametrize("seed", range(2))
    def test_one_of_three_that_contradicts_ruins_nothing(self, seed: int) -> None:
        generator = np.random.default_rng(seed)
        slopes, market = generator.normal(size=4), Market.open()
        for i, sign in enumerate((1.0, 1.0, -1.0)):
            X = generator.normal(size=(200, 4))
            y = sign * X @ slopes + generator.normal(0, 0.1, 200)
            market.submit(Learnware.from_model(LinearRegression().fit(X, y), X, y, name=f"Made {i}", random_state=0))
        X = generator.normal(size=(200, 4))
        result = market.search(Specification.from_data(X, random_state=0))
        assert len(result.hits) == 3
        assert AutoReuser(result).fit(X).score(X, X @ slopes) > 0.9

    def test_the_wrong_majority_takes_no_part(self) -> None:
        team, X = in_domains([1.0, 1.1, 0.9, 5.0, 5.0, 5.0, 5.0])
        losses = [0.1, 0.1, 0.1, 0.9, 0.9, 0.9, 0.9]
        for verdict in ("match", "nothing fits"):
            result = found(team, losses)
            result.verdict = verdict
            assert AutoReuser(result).fit(X).predict(X) == pytest.approx(1.0, abs=0.1)

    @pytest.mark.parametrize(
        ("classes", "verdict", "expected"),
        [
            ("ab", "match", JobSelectorReuser),
            ("ab", "nothing fits", ConsensusReuser),
            ("bc", "match", ConsensusReuser),
        ],
    )
    def test_classes_that_all_know_by_job_selector_if_something_fits(
        self, classes: str, verdict: str, expected: type
    ) -> None:
        team, X = in_domains([[0.6, 0.4]] * 5, list("ab"))
        team.append(FakeLearnware(Fixed([0.6, 0.4], list(classes)), X))
        result = fake_result(team)
        result.verdict = verdict
        assert isinstance(AutoReuser(result).fit(X).best_, expected)

    def test_classes_by_consensus_without_a_search(self) -> None:
        team, X = in_domains([[0.6, 0.4]] * 5, list("ab"))
        assert isinstance(AutoReuser(team).fit(X).best_, ConsensusReuser)
