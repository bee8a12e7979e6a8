"""Products of sketches in half precision."""

from __future__ import annotations

import numpy as np
import pytest

from learnware.market.organizer.sketches import Sketches


@pytest.mark.parametrize("n_rows", [3, 50])
def test_products_of_sketches_in_half_precision(n_rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    half = rng.normal(0, 0.05, (64, 256)).astype(np.float16)
    vectors = rng.normal(0, 0.05, (3, 256)).astype(np.float32)
    wanted = half[:n_rows].astype(np.float64) @ vectors.T.astype(np.float64)
    for most in (1000, 2):
        monkeypatch.setattr("learnware.market.organizer.sketches.MOST_PLAIN", most)
        sketches = Sketches(half)
        np.testing.assert_allclose(sketches.products(n_rows, vectors[0]), wanted[:, 0], atol=1e-3)
        np.testing.assert_allclose(sketches.products_with(n_rows, vectors), wanted.T, atol=1e-5)


def test_rows_appended_later_are_multiplied_too() -> None:
    half = np.zeros((64, 256), np.float16)
    half[:2] = 1.0
    sketches = Sketches(half)
    ones = np.ones(256, np.float32)
    assert sketches.products(2, ones).tolist() == [256.0] * 2
    half[2] = 2.0
    assert sketches.products(3, ones).tolist() == [256.0, 256.0, 512.0]
    assert sketches.products(2, ones).tolist() == [256.0] * 2
