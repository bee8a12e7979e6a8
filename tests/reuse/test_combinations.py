"""Selection and stacking against oracles: brute force, finite differences, and limits that are known."""

from __future__ import annotations

from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import pytest
from scipy.optimize import check_grad, minimize
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge

from learnware.errors import InvalidParameter
from learnware.reuse import AutoReuser, EnsembleSelectionReuser, StackingReuser
from learnware.reuse.blend import blend_weights
from learnware.reuse.ensemble_selection import bagged_selection, select
from learnware.reuse.log_linear import LogLinear, penalised_loss
from learnware.reuse.residual_ridge import ResidualRidge
from learnware.reuse.residual_trees import ResidualTrees
from learnware.reuse.stacking import stacked

from .doubles import FakeLearnware, constants


def problem(seed: int, n_samples: int = 40, n_classes: int = 3, n_answers: int = 2) -> Any:
    """Return log-probabilities of a prior, log ratios of answers to it, and labels that the first answer knows."""
    generator = np.random.default_rng(seed)
    prior = generator.dirichlet(np.ones(n_classes), n_samples)
    answers = generator.dirichlet(np.ones(n_classes), (n_answers, n_samples))
    target = np.array([generator.choice(n_classes, p=p) for p in answers[0]])
    return np.log(prior), (np.log(answers) - np.log(prior)).transpose(1, 2, 0), target


class TestSelection:
    def test_each_pick_is_the_best_one(self) -> None:
        generator = np.random.default_rng(0)
        answers, target = generator.normal(size=(5, 12, 1)), generator.normal(size=(12, 1))
        picked: list[int] = []
        for n_steps in range(1, 5):
            losses = [((answers[[*picked, k]].mean(axis=0) - target) ** 2).mean() for k in range(5)]
            picked.append(int(np.argmin(losses)))
            prefixes = [picked[:i] for i in range(1, n_steps + 1)]
            best = min(prefixes, key=lambda p: ((answers[p].mean(axis=0) - target) ** 2).mean())
            counts = select(answers, target, np.zeros((12, 1)), 0, n_steps=n_steps)
            np.testing.assert_array_equal(counts[:-1], np.bincount(best, minlength=5))

    def test_it_comes_near_the_best_multiset(self) -> None:
        generator = np.random.default_rng(1)
        truth = generator.normal(size=(30, 1))
        answers = truth + generator.normal(size=(4, 30, 1))
        losses = {m: ((answers[list(m)].mean(axis=0) - truth) ** 2).mean()
                  for n in range(1, 7) for m in combinations_with_replacement(range(4), n)}  # fmt: skip
        counts = select(answers, truth, truth * 0, 0, n_steps=6)
        found = ((np.tensordot(counts[:-1] / counts.sum(), answers, axes=1) - truth) ** 2).mean()
        assert found < 1.05 * min(losses.values())

    def test_the_prior_stays_where_nobody_is_better(self) -> None:
        chances = np.array([[0.5] * 10, [0.6] * 10])
        assert select(chances, None, np.full(10, 0.7), 5, n_steps=10).tolist() == [0.0, 0.0, 5.0]
        assert select(chances, None, np.full(10, 0.1), 5, n_steps=10).tolist() == [0.0, 10.0, 5.0]

    def test_own_models_are_in_every_bag(self) -> None:
        chances = np.array([[0.1] * 9] * 8 + [[0.9] * 9])
        shares = bagged_selection(
            chances, None, np.full(9, 0.2), 5, n_steps=10, n_bags=6, always=1, generator=np.random.default_rng(0)
        )
        assert shares[-2] == pytest.approx(10 / 15)
        assert shares.sum() == pytest.approx(1.0)

    def test_a_mixture_is_found(self) -> None:
        generator = np.random.default_rng(0)
        X = generator.normal(size=(80, 2))
        team = [FakeLearnware(LinearRegression().fit(X, X @ slopes)) for slopes in ([1, 0], [0, 1], [-5, 5])]
        y = X @ [0.5, 0.5]
        fitted = EnsembleSelectionReuser(team, own_model=False, prior_weight=0, n_bags=1).fit(X[:20], y[:20])
        assert fitted.score(X[20:], y[20:]) > 0.99
        np.testing.assert_allclose(fitted.weights_, [0.5, 0.5, 0.0], atol=0.05)

    def test_parameters_refused(self) -> None:
        with pytest.raises(InvalidParameter, match="'n_bags' parameter of EnsembleSelectionReuser"):
            EnsembleSelectionReuser(constants(1.0), n_bags=0).fit(np.zeros((3, 1)), [1.0, 2.0, 3.0])


class TestResidualTrees:
    def test_what_the_prior_leaves_over_is_learned_where_it_is(self) -> None:
        generator = np.random.default_rng(0)
        X = generator.uniform(-1.0, 1.0, size=(600, 2))
        y = X[:, 1] + 4.0 * (X[:, 0] > 0.3)
        team = [FakeLearnware(LinearRegression().fit(X, X[:, 1])) for _ in range(5)]
        fitted = ResidualTrees(team, own_model=False).fit(X[:200], y[:200])
        assert np.abs(fitted.predict(X[200:]) - y[200:]).mean() < 0.3

    def test_far_from_labels_the_prior_stays_a_part(self) -> None:
        X = np.arange(40.0).reshape(-1, 1)
        team = [FakeLearnware(LinearRegression().fit(X, X[:, 0])) for _ in range(5)]
        fitted = ResidualTrees(team, own_model=False).fit(X[:20], X[:20, 0] + 2.0)
        np.testing.assert_allclose(fitted.predict([[1000.0]]), 1002.0)

    def test_it_sees_how_the_nearest_agree(self) -> None:
        generator = np.random.default_rng(0)
        noise, X = generator.uniform(size=400), np.arange(400.0).reshape(-1, 1)
        answers = [sign * noise for sign in (-2.0, -1.0, -0.5, 0.5, 1.0, 2.0)]
        team = [FakeLearnware(LinearRegression().fit(X, X[:, 0])) for _ in range(6)]
        for learnware, answer in zip(team, answers, strict=True):
            learnware.predict = lambda X, answer=answer: answer[np.asarray(X)[:, 0].astype(int)]
        order = generator.permutation(400)
        fitted = ResidualTrees(team, own_model=False).fit(X[order[:300]], 3.0 * noise[order[:300]])
        assert fitted.score(X[order[300:]], 3.0 * noise[order[300:]]) > 0.95


class TestLogLinear:
    @pytest.mark.parametrize("seed", range(3))
    def test_the_gradient_is_that_of_the_loss(self, seed: int) -> None:
        prior, ratios, target = problem(seed)
        at = np.random.default_rng(seed).normal(size=1 + 2 + 3)
        arguments = (prior, ratios, target, (2.0, 3.0))
        error = check_grad(lambda p: penalised_loss(p, *arguments)[0], lambda p: penalised_loss(p, *arguments)[1], at)
        assert error < 1e-4

    def test_no_strength_is_maximum_likelihood(self) -> None:
        prior, ratios, target = problem(0, n_samples=400)

        def loss(p: Any) -> float:
            p = np.append(np.abs(p[:3]), p[3:])
            logits = p[0] * prior + ratios @ p[1:3] + np.append(p[3:], 0.0)
            logits = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
            return float(-logits[np.arange(400), target].sum() + 0.5 * (p[0] - 1.0) ** 2)

        free = minimize(loss, np.zeros(5), method="Powell", options={"xtol": 1e-8, "ftol": 1e-12, "maxiter": 20000})
        model = LogLinear.fit(prior, ratios, target, (1e-9, 1e-9), LogLinear.unchanged(2, 3))
        found = np.concatenate([[model.sharpness], model.slopes, model.biases[:2] - model.biases[2]])
        np.testing.assert_allclose(loss(found), free.fun, rtol=1e-4)
        np.testing.assert_allclose(model.slopes[0], 1.0, atol=0.3)

    def test_infinite_strength_is_the_prior(self) -> None:
        prior, ratios, target = problem(0)
        model = LogLinear.fit(prior, ratios, target, (np.inf, np.inf), LogLinear.unchanged(2, 3))
        np.testing.assert_allclose(model.answer(prior, ratios), np.exp(prior))

    def test_luck_leaves_the_prior(self) -> None:
        kept = 0
        for seed in range(10):
            prior, ratios, _ = problem(seed, n_samples=30)
            generator = np.random.default_rng(seed + 1000)
            target = np.array([generator.choice(3, p=p) for p in np.exp(prior)])
            kept += stacked(prior, ratios, target, generator).packed().tolist() == [1.0, 0, 0, 0, 0, 0]
        assert kept > 6


class TestResidualRidge:
    def test_leaving_out_is_what_the_closed_form_says(self) -> None:
        generator = np.random.default_rng(0)
        X, r = generator.normal(size=(25, 3)), generator.normal(size=25) + 1.0
        errors = []
        for strength in (0.1, 10.0):
            left = [
                r[i] - Ridge(alpha=1 / strength, fit_intercept=False).fit(X[rest], r[rest]).predict(X[i : i + 1])[0]
                for i in range(25)
                for rest in [np.arange(25) != i]
            ]
            errors.append(np.mean(np.square(left)))
        best = (0.1, 10.0)[int(np.argmin(errors))]
        fitted = ResidualRidge([X], r, [[0.1, 10.0]])
        expected = Ridge(alpha=1 / best, fit_intercept=False).fit(X, r).coef_
        if min(errors) < np.mean(r**2):
            np.testing.assert_allclose(fitted.coefficients, expected)
        else:
            assert not fitted.coefficients.any()

    def test_strong_signal_is_unregularised_least_squares(self) -> None:
        X = np.random.default_rng(0).normal(size=(200, 3))
        fitted = ResidualRidge([X], X @ [1.0, -2.0, 3.0], [[0.0, 1e9]])
        np.testing.assert_allclose(fitted.predict([X]), X @ [1.0, -2.0, 3.0], rtol=1e-6)


class TestStacking:
    def test_biases_tell_which_classes_the_user_has(self) -> None:
        generator = np.random.default_rng(0)
        X = generator.normal(size=(600, 4))
        y = (X[:, 0] + X[:, 1] > 0) + 2 * (X[:, 2] > 0)
        team = [FakeLearnware(LogisticRegression().fit(X[:150, :], y[:150])) for _ in range(1)]
        mine = np.isin(y, [0, 3]) & (np.arange(600) >= 150)
        X, y = X[mine], y[mine]
        fitted = StackingReuser(team, own_model=False, random_state=0).fit(X[:40], y[:40])
        assert fitted.score(X[40:], y[40:]) > np.mean(team[0].predict(X[40:]) == y[40:]) + 0.02

    def test_an_own_model_that_knows_better_takes_over(self) -> None:
        X = np.random.default_rng(0).normal(size=(300, 2))
        y = (X[:, 0] > 0).astype(int)
        team = constants([0.6, 0.4], [0.5, 0.5], classes=[0, 1])
        fitted = StackingReuser(team, own_model=LogisticRegression(), random_state=0).fit(X[:100], y[:100])
        assert fitted.own_weights_[0] > 0.3
        assert fitted.score(X[100:], y[100:]) > 0.95

    def test_several_values_a_row(self) -> None:
        team = constants([1.0, 2.0], [2.0, 4.0])
        X, y = np.zeros((6, 1)), np.tile([1.5, 3.0], (6, 1))
        fitted = EnsembleSelectionReuser(team, own_model=False, random_state=0).fit(X, y)
        np.testing.assert_allclose(fitted.predict(X), y)

    def test_each_of_several_values_is_stacked_by_itself(self) -> None:
        generator = np.random.default_rng(0)
        X, y = generator.normal(size=(60, 2)), generator.normal(size=(60, 2))
        off = np.array([5.0, 0.0])
        team = [FakeLearnware(LinearRegression().fit(X, part), X) for part in (y + off, y)]
        both = StackingReuser(team, own_model=False, random_state=0).fit(X, y)
        assert both.weights_.shape == (2, 2)
        for o in range(2):
            alone = [FakeLearnware(LinearRegression().fit(X, part), X) for part in (y[:, o] + off[o], y[:, o])]
            one = StackingReuser(alone, own_model=False, random_state=0).fit(X, y[:, o])
            np.testing.assert_allclose(both.predict(X)[:, o], one.predict(X))
            np.testing.assert_allclose(both.weights_[:, o], one.weights_)


class TestBlend:
    def test_it_is_the_least_squares_solution_where_rows_abound(self) -> None:
        generator = np.random.default_rng(0)
        truth = generator.normal(size=(20_000, 1))
        answers = np.array([truth + generator.normal(0, s, truth.shape) for s in (1.0, 2.0)])
        weights = blend_weights(truth * 0 + generator.normal(0, 5, truth.shape), answers, truth)
        np.testing.assert_allclose(weights, [0.8, 0.2], atol=0.03)

    def test_noise_gets_nothing(self) -> None:
        generator = np.random.default_rng(0)
        truth = generator.normal(size=(30, 1))
        prior = truth + generator.normal(0, 0.3, truth.shape)
        answers = prior + generator.normal(0, 0.5, (6, 30, 1))
        assert blend_weights(prior, answers, truth).sum() < 0.2

    def test_a_few_labels_that_are_all_right_prove_little(self) -> None:
        prior, truth = np.tile([0.2, 0.8], (60, 1)), np.tile([1.0, 0.0], (60, 1))
        weights = [blend_weights(prior[:n], truth[None, :n], truth[:n], classes=True)[0] for n in (2, 6, 60)]
        assert weights[0] < 0.6 < weights[1] < 0.9 < weights[2]

    def test_saying_the_same_twice_counts_once(self) -> None:
        generator = np.random.default_rng(0)
        truth = generator.normal(size=(12, 1))
        prior, answer = np.zeros_like(truth), truth + generator.normal(0, 0.5, truth.shape)
        once = blend_weights(prior, answer[None], truth).sum()
        assert blend_weights(prior, np.repeat(answer[None], 4, axis=0), truth).sum() == pytest.approx(once, rel=1e-3)

    def test_auto_keeps_what_the_parts_say(self) -> None:
        X = np.random.default_rng(0).normal(size=(200, 3))
        team = [FakeLearnware(LinearRegression().fit(X, X @ s)) for s in ([1, 0, 0], [0, 1, 0], [0, 0, 1])]
        y = X @ [1.0, 1.0, 0.2]
        fitted = AutoReuser(team, own_model=False, random_state=0).fit(X[:60], y[:60])
        assert fitted.score(X[60:], y[60:]) > 0.99
