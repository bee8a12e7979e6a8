"""A market in which 30 % of the learnwares learned from shuffled labels is hardly worse than a clean one."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from learnware import Learnware, Market, Specification
from learnware.market.searcher import loss

N_REGIONS, N_LEARNWARES = 3, 18
# Among them are those that lie nearest to the users.
CORRUPTED = (0, 5, 8, 12, 16)


def draw(region: int, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    fixed = np.random.default_rng(8)
    centres, rules = fixed.normal(0.0, 2.0, (N_REGIONS, 4)), fixed.normal(size=(N_REGIONS, 4))
    X = np.random.default_rng(seed).normal(centres[region], 1.0, (n, 4))
    return X, ((X - centres[region]) @ rules[region] > 0).astype(int)


@pytest.fixture(scope="module")
def submitted() -> tuple[Market, dict[str, Learnware]]:
    learnwares = []
    for i in range(N_LEARNWARES):
        X, y = draw(i % N_REGIONS, 120, seed=i)
        if i in CORRUPTED:
            y = np.random.default_rng(i).permutation(y)
        model = LogisticRegression().fit(X, y)
        learnwares.append(Learnware.from_model(model, X, y, name=str(i), n_points=25, random_state=0))
    market = Market.open()
    return market, dict(zip(market.submit(learnwares, progress=False), learnwares, strict=True))


def errors(market: Market, learnwares: dict[str, Learnware]) -> tuple[float, float]:
    """Return the mean error of the first hit, and the mean share of corrupted learnwares in the mixture."""
    wrong, weights = [], []
    for user in range(6):
        X, y = draw(user % N_REGIONS, 200, seed=100 + user)
        result = market.search(Specification.from_data(X, n_points=40, random_state=0))
        wrong.append(np.mean(learnwares[result.hits[0].id].predict(X) != y))
        pairs = zip(result.mixture.hits, result.mixture.weights, strict=True)
        weights.append(sum(weight for hit, weight in pairs if int(hit.name) in CORRUPTED))
    return float(np.mean(wrong)), float(np.mean(weights))


def test_corrupted_learnwares_are_neither_first_nor_in_the_mixture(
    submitted: tuple[Market, dict[str, Learnware]],
) -> None:
    wrong, weight = errors(*submitted)
    assert wrong < 0.05
    assert weight == 0.0


def test_distance_alone_falls_for_them(
    submitted: tuple[Market, dict[str, Learnware]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loss, "groups", lambda members: [])
    wrong, weight = errors(*submitted)
    assert wrong > 0.1
    assert weight > 0.05
