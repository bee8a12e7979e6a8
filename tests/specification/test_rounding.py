"""What is published fits in single precision, wherever that does no harm."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from learnware import RKME, Specification
from learnware.kernels.privacy_floor import uphold
from learnware.specification.encoders import encode_rows, read_table
from learnware.specification.measuring import framed
from learnware.specification.rounding import MOST_MOVED, in_shares, in_single, is_single, rounded_points, rounded_rest


def arrays_of(rkme: RKME) -> list[np.ndarray]:
    told = [] if rkme.labels is None else [rkme.labels.values]
    return [rkme.points, rkme.weights, rkme.location, rkme.scale, *told]


def fits(rkme: RKME) -> bool:
    return all(map(is_single, arrays_of(rkme)))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(10, 60), st.integers(1, 5), st.sampled_from([1e-6, 1.0, 1e4]), st.booleans())
def test_all_arrays_equal_their_single_precision(seed: int, n: int, d: int, scale: float, classes: bool) -> None:
    rng = np.random.default_rng(seed)
    X = scale * (rng.normal(size=(n, d)) + 30.0 * rng.normal(size=d))
    X[:, 0] = rng.integers(0, 3, n) if seed % 2 else X[:, 0]
    y = rng.integers(0, 3, n).astype(str) if classes else rng.normal(size=n)
    rkme = Specification.from_data(X, y, random_state=0).statistical
    assert rkme is not None
    assert fits(rkme) or not rkme.scale.all()
    assert rkme.weights.sum() == pytest.approx(1.0, abs=1e-6)
    assert RKME.from_dict(rkme.to_dict()) == rkme
    assert rkme.weights.sum() == 1.0 or not fits(rkme)
    if classes and fits(rkme):
        assert (rkme.labels.values.sum(axis=1) == 1.0).all()


def test_moments_in_seconds_stay_as_they_are() -> None:
    rng = np.random.default_rng(0)
    seconds = 1.7e9 + rng.uniform(0.0, 3600.0, 400)
    rkme = RKME.from_data(np.column_stack([seconds, rng.normal(size=400)]), random_state=0)
    assert not fits(rkme)
    assert abs(rkme.location[0] - seconds.mean()) < 20.0
    assert np.ptp(rkme.points[:, 0]) > 1000.0
    assert len(np.unique(rkme.points[:, 0])) == len(rkme.points)
    dates = pd.DataFrame({"day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, 400), "D")})
    assert fits(RKME.from_data(dates, random_state=0))


@pytest.mark.parametrize("constant", [0.1, 7.3, 16_777_217.0])
def test_a_constant_is_told_as_it_is(constant: float) -> None:
    X = np.column_stack([np.full(60, constant), np.arange(60.0)])
    rkme = RKME.from_data(X, random_state=0)
    assert (rkme.points[:, 0] == constant).all()
    assert rkme.location[0] == pytest.approx(constant, rel=1e-15)


@pytest.mark.parametrize("unit", [1e-60, 1e60])
def test_values_beyond_single_precision_stay_as_they_are(unit: float) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2))
    rkme = RKME.from_data(X, outputs=unit * X[:, 0], random_state=0)
    assert rkme.labels is not None
    assert not fits(rkme)
    assert np.corrcoef(rkme.labels.values[:, 0], rkme.points[:, 0])[0, 1] > 0.9


def test_rounding_moves_points_by_little_and_keeps_the_floor() -> None:
    rng = np.random.default_rng(1)
    for n, d in ((400, 2), (30_000, 1)):
        # In one dimension rows lie so dense that a coarse grid would meet them.
        X = np.round(rng.normal(size=(n, d)), 6)
        rkme = RKME.from_data(X, random_state=0)
        assert fits(rkme)
        frame = rkme.frame
        inside = framed(encode_rows(read_table(X), rkme.space), frame, rkme.scale)
        points = frame.apply(rkme.points)
        assert np.array_equal(uphold(inside, points, 5, rng), points)


def test_the_grid_gets_finer_where_the_floor_needs_it() -> None:
    rng = np.random.default_rng(0)
    rkme = RKME(np.array([[0.400000003], [3.0]]), np.array([0.5, 0.5]), location=[0.0], scale=[1.0])
    frame, floor = rkme.frame, 5
    wide = np.concatenate([np.full(7, 3.0), np.linspace(0.0, 0.2, 50), np.full(50, 0.8)])[:, None]
    around = np.concatenate([wide, [[6554 / 2**14]]])
    rounded = [
        rounded_points(rkme.points, frame.apply(rows), frame, rkme.scale, floor, rng)[0, 0] for rows in (wide, around)
    ]
    assert rounded[0] * 2**14 % 1.0 == 0.0
    assert rounded[1] * 2**14 % 1.0 != 0.0
    assert abs(rounded[0] - 0.4) <= MOST_MOVED
    assert abs(rounded[1] - 0.4) <= 1e-6


@given(
    hnp.arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 200)), elements=st.floats(0.0, 1.0)).filter(
        lambda masses: (masses.sum(axis=1) > 1e-3).all()
    )
)
def test_shares_are_near_and_sum_to_one(masses: np.ndarray) -> None:
    shares = in_shares(masses, 2**16)
    assert (shares.sum(axis=1) == 1.0).all()
    assert (shares >= 0.0).all()
    assert np.abs(shares - masses / masses.sum(axis=1, keepdims=True)).max() <= 2.0**-16
    assert is_single(shares)


def test_what_single_precision_cannot_hold_is_told() -> None:
    assert is_single(np.array([0.5, -3.0, 0.0]))
    assert not is_single(np.array([0.1]))
    assert not is_single(np.array([1e300]))
    assert not is_single(np.array([1e-300]))
    assert in_single(np.array([0.1]))[0] == np.float32(0.1)


@pytest.mark.parametrize(("location", "scale"), [(2.0**24 + 1.0, 1.0), (0.0, 1e-60), (0.1, 0.0)])
def test_nothing_is_rounded_where_location_or_scale_would_move(location: float, scale: float) -> None:
    points, weights = np.array([[0.5], [1.5]]), np.array([0.1, 0.9])
    _, *rest = rounded_rest(points, weights, np.array([location]), np.array([scale]), None)
    assert (rest[0][0], rest[1][0]) == (location, scale)
    assert rounded_rest(points, weights, np.array([location]), np.array([scale]), None)[0] is weights
