"""Synthetic markets: what is told to be true of them is."""

from __future__ import annotations

import re
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls

from learnware import Learnware, Market, Specification
from learnware.errors import InvalidParameter
from learnware.kernels import minimize_on_simplex
from learnware.market.store import DirectoryStore
from learnware.specification import RKME, VOCABULARY, Frame
from learnware.testing import SyntheticMarket, synthetic_market

#: Domains so far from each other that points tell theirs.
FAR = {"separation": 1000.0, "n_features": 4}


def rkme_of(market: SyntheticMarket, number: int) -> RKME:
    rkme = market.specification(number).statistical
    assert rkme is not None
    return rkme


def outputs_of(market: SyntheticMarket, number: int) -> np.ndarray:
    labels = rkme_of(market, number).labels
    assert labels is not None
    return labels.values


def answers_of(market: SyntheticMarket, number: int) -> np.ndarray:
    """Return classes, or values."""
    values = outputs_of(market, number)
    return values.argmax(axis=1) if market.plan.task == "classification" else values[:, 0]


def clusters(rkme: RKME) -> list[tuple[np.ndarray, float]]:
    """Return mean and weight of each cluster of points, the heaviest first."""
    left, found = np.arange(len(rkme.points)), []
    while len(left):
        near = np.linalg.norm(rkme.points[left] - rkme.points[left[0]], axis=1) < 60.0
        found.append((rkme.points[left[near]].mean(axis=0), float(rkme.weights[left[near]].sum())))
        left = left[~near]
    return sorted(found, key=lambda cluster: -cluster[1])


def gram(frame: Frame, embeddings: list[RKME]) -> np.ndarray:
    """Return inner products of mean embeddings, by the definition."""
    points = np.concatenate([frame.apply(rkme.points) for rkme in embeddings])
    squared = ((points[:, None, :] - points[None, :, :]) ** 2).sum(axis=2)
    kernel = np.mean([np.exp(-gamma * squared) for gamma in frame.kernel.gammas], axis=0)
    weights = np.zeros((len(embeddings), len(points)))
    place = 0
    for row, rkme in enumerate(embeddings):
        weights[row, place : place + len(rkme.weights)] = rkme.weights
        place += len(rkme.weights)
    return weights @ kernel @ weights.T


class TestDraws:
    @pytest.mark.parametrize("random_state", [0, 7])
    def test_equal_seeds_draw_equal_markets(self, random_state: int) -> None:
        options: dict[str, Any] = {"duplicates": 0.3, "corrupted": 0.2, "shifted": 0.2, "n_points": 12}
        one, other = (synthetic_market(70, random_state=random_state, **options) for _ in range(2))
        assert [s.to_json() for s in one.specifications()] == [s.to_json() for s in other.specifications()]
        assert [content for content, _ in one.bundles(60)] == [content for content, _ in other.bundles(60)]
        users = [market.user(random_state=3) for market in (one, other)]
        np.testing.assert_array_equal(users[0].X, users[1].X)
        assert users[0].specification == users[1].specification
        assert one == other
        assert one.learnware(1).to_bytes() == other.learnware(1).to_bytes()

    def test_other_seeds_draw_other_markets(self) -> None:
        markets = [synthetic_market(5, random_state=seed) for seed in (0, 1, None, None)]
        assert all(not np.array_equal(rkme_of(a, 0).points, rkme_of(b, 0).points) for a, b in combinations(markets, 2))

    @pytest.mark.parametrize("options", [{}, {"n_domains": 9}, {"duplicates": 0.5, "corrupted": 0.5, "shifted": 0.5}])
    def test_a_learnware_is_the_same_in_a_larger_market(self, options: dict[str, Any]) -> None:
        small = synthetic_market(300, n_points=8, random_state=0, **options)
        large = synthetic_market(100_000, n_points=8, random_state=0, **options)
        assert [small.truth(i) for i in range(300)] == [large.truth(i) for i in range(300)]
        assert list(small.specifications(230)) == list(large.specifications(230, 300))

    def test_a_learnware_is_drawn_without_the_others(self) -> None:
        market = synthetic_market(200, duplicates=0.2, corrupted=0.3, random_state=0)
        streamed = list(market.specifications(50, 150))
        for i in (50, 63, 64, 113, 114, 149):
            assert market.specification(i) == streamed[i - 50]
            assert market.bundle(i)[1] == streamed[i - 50]
        assert list(market.specifications(7, 7)) == []

    def test_every_learnware_is_different(self) -> None:
        market = synthetic_market(300, duplicates=0.3, n_points=5, random_state=0)
        embeddings = [rkme_of(market, i).digest for i in range(300)]
        assert len(set(embeddings)) == 300
        assert len({content for content, _ in market.bundles()}) == 300

    @settings(max_examples=40)
    @given(
        n_features=st.integers(1, 6),
        n_points=st.integers(1, 12),
        components=st.integers(1, 5),
        task=st.sampled_from(["classification", "regression"]),
        n_classes=st.integers(2, 12),
        share=st.sampled_from([0.0, 0.5, 1.0]),
        number=st.integers(0, 999),
    )
    def test_whatever_is_drawn_is_sound(
        self, n_features: int, n_classes: int, share: float, number: int, **options: Any
    ) -> None:
        n_classes = min(n_classes, 2 * n_features)
        shares = {"corrupted": share, "shifted": share, "duplicates": share}
        market = synthetic_market(
            1000, n_features=n_features, n_classes=n_classes, random_state=number, **shares, **options
        )
        specification = market.specification(number)
        assert Specification.from_json(specification.to_json()) == specification
        rkme, outputs = rkme_of(market, number), outputs_of(market, number)
        assert rkme.points.shape == (options["n_points"], n_features)
        for values in (rkme.points, rkme.weights, outputs):
            np.testing.assert_array_equal(values, values.astype(np.float32))
        truth = market.truth(number)
        assert len(set(truth.domains)) == options["components"]
        assert truth.weights == tuple(sorted(truth.weights, reverse=True))
        assert sum(truth.weights) == pytest.approx(1.0)


class TestTruth:
    def test_points_lie_in_the_domains_by_their_shares(self) -> None:
        market = synthetic_market(40, n_points=200, random_state=0, **FAR)
        seen: dict[int, np.ndarray] = {}
        for i in range(40):
            truth = market.truth(i)
            if min(truth.weights) < 0.02:
                continue
            found = clusters(rkme_of(market, i))
            np.testing.assert_allclose([weight for _, weight in found], truth.weights, atol=1e-6)
            for domain, (mean, _) in zip(truth.domains, found, strict=True):
                assert np.linalg.norm(seen.setdefault(domain, mean) - mean) < 10.0
        assert len(seen) > 10
        assert min(np.linalg.norm(a - b) for a, b in combinations(seen.values(), 2)) > 10.0

    def test_domains_come_with_the_learnwares(self) -> None:
        market = synthetic_market(1_000_000, random_state=0)
        for numbers, n_domains in ((range(50), 12), (range(500, 600), 120), (range(999_000, 999_500), 2000)):
            domains = {domain for i in numbers for domain in market.truth(i).domains}
            assert max(domains) < n_domains
            assert max(domains) > 0.8 * n_domains

    @pytest.mark.parametrize("task", ["classification", "regression"])
    def test_labels_of_corrupted_learnwares_are_shuffled(self, task: str) -> None:
        sound = synthetic_market(40, task=task, n_points=300, random_state=0)
        market = synthetic_market(40, task=task, n_points=300, corrupted=0.5, random_state=0)
        agreements = []
        for i in range(40):
            np.testing.assert_array_equal(rkme_of(sound, i).points, rkme_of(market, i).points)
            right, told = answers_of(sound, i), answers_of(market, i)
            assert np.array_equal(right, told) == (not market.truth(i).corrupted)
            np.testing.assert_array_equal(np.sort(right), np.sort(told))
            if market.truth(i).corrupted:
                agreements.append(
                    np.mean(right == told) if task == "classification" else np.corrcoef(right, told)[0, 1]
                )
        assert len(agreements) >= 10
        assert np.mean(agreements) == pytest.approx(1 / 3 if task == "classification" else 0.0, abs=0.05)

    @pytest.mark.parametrize("task", ["classification", "regression"])
    def test_shifted_learnwares_label_the_same_inputs_by_another_concept(self, task: str) -> None:
        common = synthetic_market(200, task=task, n_points=100, random_state=0)
        market = synthetic_market(200, task=task, n_points=100, shifted=0.3, random_state=0)
        right, told = [], []
        for i in range(200):
            np.testing.assert_array_equal(rkme_of(common, i).points, rkme_of(market, i).points)
            assert np.array_equal(answers_of(common, i), answers_of(market, i)) == (market.truth(i).concept == 0)
            if market.truth(i).concept == 1:
                right.append(answers_of(common, i))
                told.append(answers_of(market, i))
        one, other = np.concatenate(right), np.concatenate(told)
        agreement = np.mean(one == other) if task == "classification" else np.corrcoef(one, other)[0, 1]
        assert agreement == pytest.approx(1 / 3 if task == "classification" else 0.0, abs=0.08)

    def test_shares_are_kept(self) -> None:
        market = synthetic_market(3000, corrupted=0.1, shifted=0.3, duplicates=0.2, random_state=0)
        truths = [truth for truth in map(market.truth, range(3000)) if truth.copy_of is None]
        assert len(truths) / 3000 == pytest.approx(0.8, abs=0.03)
        assert np.mean([truth.corrupted for truth in truths]) == pytest.approx(0.1, abs=0.025)
        assert np.mean([truth.concept for truth in truths]) == pytest.approx(0.3, abs=0.035)

    def test_copies_are_near_their_origin_and_nothing_else_is(self) -> None:
        market = synthetic_market(80, duplicates=0.4, corrupted=0.3, random_state=0)
        copies = [i for i in range(80) if market.truth(i).copy_of is not None]
        assert len(copies) > 20
        for i in copies:
            truth = market.truth(i)
            origin = truth.copy_of
            assert origin is not None
            assert origin < i
            assert market.truth(origin).copy_of is None
            for told in ("domains", "weights", "concept", "corrupted"):
                assert getattr(truth, told) == getattr(market.truth(origin), told)
            assert 0.0 < rkme_of(market, i).distance(rkme_of(market, origin)) < 0.05
            np.testing.assert_array_equal(outputs_of(market, i), outputs_of(market, origin))
            assert (rkme_of(market, i).points != rkme_of(market, origin).points).mean() > 0.99
            assert (rkme_of(market, i).weights != rkme_of(market, origin).weights).mean() > 0.9
        alone = [i for i in range(40) if market.truth(i).copy_of is None]
        assert min(rkme_of(market, i).distance(rkme_of(market, j)) for i, j in combinations(alone, 2)) > 0.1

    def test_classes_are_equally_frequent(self) -> None:
        market = synthetic_market(50, n_classes=5, random_state=0)
        counts = np.bincount(np.concatenate([answers_of(market, i) for i in range(50)]), minlength=5)
        np.testing.assert_allclose(counts / counts.sum(), 0.2, atol=0.03)

    def test_labels_may_be_left_out(self) -> None:
        market = synthetic_market(3, labels=False, random_state=0)
        assert rkme_of(market, 0).labels is None
        np.testing.assert_array_equal(rkme_of(market, 0).points, rkme_of(synthetic_market(3, random_state=0), 0).points)


class TestWords:
    def test_they_are_worth_searching(self) -> None:
        specifications = list(synthetic_market(300, n_points=2, random_state=0).specifications())
        names = {s.semantic.name for s in specifications}
        assert len(names) > 250
        assert all(re.fullmatch(r"[A-Z][a-z]+, [a-z]+ [1-9][0-9]?", name) for name in names)
        for i, specification in enumerate(specifications):
            text, number = re.fullmatch(r"([A-Za-z ]+)\. Number (\d+)\.", specification.semantic.description).groups()  # type: ignore[union-attr]
            assert 8 <= len(text.split()) <= 14
            assert int(number) == i
        words = {word for s in specifications for word in s.semantic.description.lower().split()}
        assert len(words) > 150

    def test_tags_differ(self) -> None:
        semantics = [s.semantic for s in synthetic_market(300, n_points=2, random_state=0).specifications()]
        assert {scenario for s in semantics for scenario in s.scenarios} == set(VOCABULARY["scenarios"])
        assert len({s.license for s in semantics}) == 4
        assert {(s.data, s.task) for s in semantics} == {("Table", "Classification")}
        assert {len(s.scenarios) for s in semantics} == {1, 2}

    def test_learnwares_of_one_domain_are_about_one_thing(self) -> None:
        market = synthetic_market(300, n_points=2, random_state=0)
        topics: dict[int, set[str]] = {}
        for i, specification in enumerate(market.specifications()):
            topics.setdefault(market.truth(i).domains[0], set()).add(specification.semantic.name.partition(",")[0])
        assert {len(names) for names in topics.values()} == {1}
        assert len({min(names) for names in topics.values()}) > 30


class TestBundles:
    @pytest.mark.parametrize("task", ["classification", "regression"])
    def test_they_are_sound_files_with_the_words_of_their_learnware(self, task: str) -> None:
        market = synthetic_market(1000, task=task, n_features=5, n_classes=4, random_state=0)
        for number, (content, specification) in zip(range(100, 110), market.bundles(100, 110), strict=True):
            learnware = Learnware.from_bytes(content)
            learnware.verify()
            assert learnware.specification.semantic == specification.semantic
            assert specification == market.specification(number)
            assert learnware.predict(np.zeros((2, 5))).shape == (2,)
            assert (learnware.classes_ is None) == (task == "regression")

    def test_a_market_filled_with_them_finds_what_was_planted(self, tmp_path: Path) -> None:
        synthetic = synthetic_market(120, random_state=0)
        store = DirectoryStore(tmp_path / "market")
        ids = [store.add(content, specification) for content, specification in synthetic.bundles()]
        store.close()
        with Market.open(tmp_path / "market") as market:
            user = synthetic.planted(2, weights=[2, 1], random_state=0)
            mixture = market.search(user.specification).mixture
            assert mixture is not None
            assert mixture.distance < 0.01
            found = {hit.id: weight for hit, weight in zip(mixture.hits, mixture.weights, strict=True)}
            for member, weight in zip(user.members, user.weights, strict=True):
                assert found[ids[member]] == pytest.approx(weight, abs=0.01)
            assert market.fetch(ids[7]).specification.semantic == synthetic.specification(7).semantic


class TestLearnwares:
    @pytest.mark.parametrize("task", ["classification", "regression"])
    def test_models_know_their_data_unless_they_are_corrupted(self, task: str) -> None:
        market = synthetic_market(12, task=task, n_features=8, corrupted=0.4, shifted=0.4, random_state=0)
        seen = set()
        for i in range(8):
            truth = market.truth(i)
            seen.add((truth.corrupted, truth.concept))
            learnware, user = market.learnware(i), market.user([i], fitted=False, random_state=1)
            predicted = learnware.predict(user.X)
            if task == "classification":
                right = float(np.mean(predicted == user.y))
                assert right < 0.45 if truth.corrupted else right > 0.7
            else:
                right = float(np.corrcoef(predicted, user.y)[0, 1])
                assert abs(right) < 0.25 if truth.corrupted else right > 0.7
            words = market.specification(i).semantic
            for told in ("name", "description", "scenarios", "license", "library", "task", "data"):
                assert getattr(learnware.specification.semantic, told) == getattr(words, told)
        assert {corrupted for corrupted, _ in seen} == {False, True}
        assert {concept for corrupted, concept in seen if not corrupted} == {0, 1}

    def test_fitted_and_drawn_points_stand_for_the_same_data(self) -> None:
        market = synthetic_market(6, random_state=0)
        fitted = [market.learnware(i).specification.statistical for i in range(3)]
        for i, mine in enumerate(fitted):
            assert mine is not None
            distances = [mine.distance(rkme_of(market, j)) for j in range(6)]
            assert distances[i] == min(distances) < 0.15

    def test_a_copy_has_the_rows_of_its_origin(self) -> None:
        market = synthetic_market(30, duplicates=0.5, n_samples=400, n_points=20, n_features=4, random_state=0)
        copy = next(i for i in range(30) if market.truth(i).copy_of is not None)
        mine, theirs = market.learnware(copy), market.learnware(market.truth(copy).copy_of or 0)
        X = market.user([copy], n_samples=200, fitted=False, random_state=0).X
        np.testing.assert_array_equal(mine.predict(X), theirs.predict(X))
        assert mine.name != theirs.name
        assert mine.specification.statistical != theirs.specification.statistical


class TestUsers:
    def test_a_planted_mixture_has_no_distance(self) -> None:
        market = synthetic_market(30, n_points=30, random_state=0)
        embeddings = [rkme_of(market, i) for i in range(30)]
        user = market.planted(3, random_state=0)
        assert user.specification.statistical is not None
        K = gram(Frame.pool(embeddings), [*embeddings, user.specification.statistical])
        true = np.zeros(31)
        true[list(user.members)], true[30] = user.weights, -1.0
        assert abs(true @ K @ true) < 1e-12
        found = minimize_on_simplex(K[:30, :30], K[:30, 30])
        np.testing.assert_allclose(found, true[:30], atol=1e-6)
        # The same by another method: least squares on a square root of the Gram matrix.
        root = np.linalg.cholesky(K[:30, :30] + 1e-12 * np.eye(30))
        np.testing.assert_allclose(nnls(root.T, np.linalg.solve(root, K[:30, 30]))[0], true[:30], atol=1e-4)

    def test_planted_points_carry_the_outputs_of_the_members(self) -> None:
        market = synthetic_market(30, n_points=10, random_state=0)
        user = market.planted([4, 9], weights=[1, 3], labelled=True, random_state=0)
        rkme = user.specification.statistical
        assert rkme is not None
        assert rkme.labels is not None
        np.testing.assert_array_equal(rkme.labels.values, np.vstack([outputs_of(market, 4), outputs_of(market, 9)]))
        assert rkme.labels.classes == (0, 1, 2)
        assert market.planted([4], random_state=0).specification.statistical.labels is None  # type: ignore[union-attr]

    @pytest.mark.parametrize("fitted", [True, False])
    def test_weights_can_be_told_where_domains_are_not_shared(self, fitted: bool) -> None:
        market = synthetic_market(400, random_state=0)
        team = market.user(6, fitted=False, random_state=0).members
        embeddings = [rkme_of(market, i) for i in team]
        errors = []
        for seed in range(5):
            user = market.user(team[:3], fitted=fitted, random_state=seed)
            assert user.distinct
            assert user.specification.statistical is not None
            K = gram(Frame.pool(embeddings), [*embeddings, user.specification.statistical])
            found = minimize_on_simplex(K[:6, :6], K[:6, 6])
            errors.append(np.abs(found - np.append(user.weights, np.zeros(3))).mean())
        assert np.mean(errors) < 0.03

    def test_rows_come_from_the_members_by_their_weights(self) -> None:
        market = synthetic_market(40, random_state=0, **FAR)
        user = market.user(2, weights=[3, 1], unknown=0.2, n_samples=4000, fitted=False, random_state=0)
        np.testing.assert_allclose(user.weights, [0.6, 0.2])
        nearest = [
            np.min([np.linalg.norm(user.X - mean, axis=1) for mean, _ in clusters(rkme_of(market, i))], axis=0)
            for i in user.members
        ]
        near = [float(np.mean(distance < 20.0)) for distance in nearest]
        np.testing.assert_allclose(near, [0.6, 0.2], atol=0.03)
        unknown = (np.array(nearest) > 20.0).all(axis=0)
        assert unknown.mean() == pytest.approx(0.2, abs=0.03)
        everything = np.concatenate([rkme_of(market, i).points for i in range(40)])
        apart = np.linalg.norm(user.X[unknown][:, None] - everything[None], axis=2).min()
        assert apart > 20.0

    def test_labels_are_of_the_concept_asked_for(self) -> None:
        market = synthetic_market(60, shifted=0.5, random_state=0)
        mixed = {concept: market.user(concept=concept, fitted=False, random_state=0) for concept in (0, 1, None)}
        for concept in (0, 1):
            assert {market.truth(i).concept for i in mixed[concept].members} == {concept}
        member = mixed[1].members[0]
        own, asked, other = (
            market.user([member], concept=concept, fitted=False, random_state=0) for concept in (None, 1, 0)
        )
        np.testing.assert_array_equal(own.X, other.X)
        np.testing.assert_array_equal(own.y, asked.y)
        assert np.mean(own.y == other.y) == pytest.approx(1 / 3, abs=0.25)

    @pytest.mark.parametrize("random_state", range(5))
    def test_chosen_members_are_sound_and_share_nothing(self, random_state: int) -> None:
        market = synthetic_market(100, corrupted=0.3, duplicates=0.3, random_state=0)
        user = market.user(3, fitted=False, random_state=random_state)
        truths = [market.truth(i) for i in user.members]
        assert len(truths) == 3
        assert not any(truth.corrupted or truth.copy_of is not None for truth in truths)
        assert all(set(a.domains).isdisjoint(b.domains) for a, b in combinations(truths, 2))
        assert user.distinct
        assert user.weights.sum() == pytest.approx(1.0)

    @pytest.mark.parametrize("members", [(4, 9), [4, 9], np.array([4, 9]), range(4, 10, 5)])
    def test_members_may_be_named_in_any_sequence(self, members: Any) -> None:
        market = synthetic_market(60, random_state=0)
        assert market.planted(members, random_state=0).members == (4, 9)
        assert market.user(members, fitted=False, random_state=0).members == (4, 9)

    def test_it_says_whether_members_share_domains(self) -> None:
        market = synthetic_market(60, n_domains=6, random_state=0)
        sharing = next(
            (a, b) for a, b in pairwise(range(60)) if set(market.truth(a).domains) & set(market.truth(b).domains)
        )
        assert not market.user(sharing, fitted=False).distinct
        assert not market.planted(sharing).distinct

    @pytest.mark.parametrize("task", ["classification", "regression"])
    @pytest.mark.parametrize("fitted", [True, False])
    def test_a_specification_may_tell_labels(self, task: str, fitted: bool) -> None:
        market = synthetic_market(60, task=task, random_state=0)
        for labelled in (True, False):
            user = market.user(fitted=fitted, labelled=labelled, n_samples=1500, random_state=0)
            rkme = user.specification.statistical
            assert rkme is not None
            assert len(rkme.points) == 100
            assert rkme.n_samples == len(user.X) == len(user.y) == 1500
            assert rkme.space == rkme_of(market, 0).space
            assert user.specification.semantic.task == task.capitalize()
            if not labelled:
                assert rkme.labels is None
            elif fitted:
                assert rkme.labels is not None
                assert rkme.labels.classes == market.plan.classes
            else:
                assert rkme.labels is not None
                values = rkme.labels.values
                np.testing.assert_array_equal(values.argmax(1) if rkme.labels.classes else values[:, 0], user.y[:100])

    def test_it_shows_its_team(self) -> None:
        market = synthetic_market(60, random_state=0)
        user = market.planted([4, 7], weights=[3, 1], n_samples=10)
        assert repr(user) == "SyntheticUser(10 rows: 0.75 of 4, 0.25 of 7, 0.00 unknown)"


class TestRefusals:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("n_learnwares", 0),
            ("n_features", 1.5),
            ("n_points", 0),
            ("n_domains", 2),
            ("components", 0),
            ("task", "clustering"),
            ("n_classes", 1),
            ("n_classes", 41),
            ("corrupted", 1.1),
            ("shifted", -0.1),
            ("duplicates", "many"),
            ("n_samples", 0),
            ("separation", 0),
            ("separation", True),
            ("random_state", "now"),
        ],
    )
    def test_a_parameter_that_makes_no_sense_is_named(self, name: str, value: object) -> None:
        with pytest.raises(InvalidParameter, match=f"'{name}' parameter of synthetic_market"):
            synthetic_market(**{"n_learnwares": 10, name: value})  # type: ignore[arg-type]

    @pytest.mark.parametrize("method", ["truth", "specification", "bundle", "learnware"])
    @pytest.mark.parametrize("number", [-1, 10, 1.0])
    def test_there_are_so_many_learnwares(self, method: str, number: Any) -> None:
        market = synthetic_market(10)
        assert len(market) == 10
        with pytest.raises(InvalidParameter, match=f"'number' parameter of SyntheticMarket.{method}"):
            getattr(market, method)(number)

    @pytest.mark.parametrize("method", ["specifications", "bundles"])
    @pytest.mark.parametrize(("start", "stop", "name"), [(-1, None, "start"), (5, 4, "stop"), (0, 11, "stop")])
    def test_a_stream_ends_with_the_market(self, method: str, start: int, stop: int | None, name: str) -> None:
        with pytest.raises(InvalidParameter, match=f"'{name}' parameter of SyntheticMarket.{method}"):
            next(getattr(synthetic_market(10), method)(start, stop))

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("members", 0),
            ("members", ()),
            ("members", (3, 3)),
            ("members", (3, 60)),
            ("weights", [1.0]),
            ("weights", [1.0, -1.0, 1.0]),
            ("weights", [0.0, 0.0, 0.0]),
            ("weights", ["a", "b", "c"]),
            ("members", 1.5),
            ("members", ["first"]),
            ("n_samples", 0),
            ("unknown", 2.0),
            ("concept", 2),
        ],
    )
    def test_a_user_that_makes_no_sense_is_refused(self, name: str, value: Any) -> None:
        market = synthetic_market(60, random_state=0)
        for method in ("user", "planted") if name not in ("unknown", "concept") else ("user",):
            with pytest.raises(InvalidParameter, match=f"'{name}' parameter of SyntheticMarket.{method}"):
                getattr(market, method)(**{name: value}, random_state=0)

    def test_too_large_a_team_is_refused(self) -> None:
        with pytest.raises(InvalidParameter, match=r"5 members.*Found [1-4] among 60: ask for fewer"):
            synthetic_market(60, random_state=0).user(5)
        with pytest.raises(InvalidParameter, match="Found 0"):
            synthetic_market(60, corrupted=1.0, random_state=0).user(1)

    def test_outputs_that_are_not_drawn_cannot_be_planted(self) -> None:
        with pytest.raises(InvalidParameter, match="'labelled'"):
            synthetic_market(60, labels=False, random_state=0).planted(labelled=True)
