"""The common ruler."""

from __future__ import annotations

import numpy as np
import pytest

from learnware.specification import RKME, Frame
from learnware.specification.frame import FAR


def rkme(points, **options):
    points = np.asarray(points, dtype=float)
    return RKME(points, np.full(len(points), 1 / len(points)), **options)


def normal(seed, location=0.0, scale=1.0, d=2):
    return rkme(np.random.default_rng(seed).normal(location, scale, (40, d)))


def test_frame_of_one_is_its_own_location_and_scale():
    own = normal(0, 3.0, 2.0)
    frame = Frame.pool([own])
    np.testing.assert_allclose(frame.location, own.location)
    np.testing.assert_allclose(frame.scale, own.scale)


def test_apply_and_undo_are_inverse_and_leave_the_argument_alone():
    own = normal(0, 3.0, 2.0)
    points = own.points.copy()
    framed = own.frame.apply(own.points)
    np.testing.assert_array_equal(own.points, points)
    np.testing.assert_allclose(own.frame.undo(framed), own.points)


def test_units_do_not_matter():
    a, b = normal(0), normal(1, 0.5)
    factor, shift = np.array([1e6, 1e-3]), np.array([5.0, -1e3])
    scaled = [rkme(s.points * factor + shift) for s in (a, b)]
    assert a.distance(b) == pytest.approx(scaled[0].distance(scaled[1]), rel=1e-6)


def test_scale_grows_with_the_spread_between_specifications():
    together = Frame.pool([normal(i) for i in range(5)])
    apart = Frame.pool([normal(i, 10.0 * i) for i in range(5)])
    assert (apart.scale > 5 * together.scale).all()


def test_one_forged_specification_hardly_moves_the_frame():
    honest = [normal(i) for i in range(9)]
    before, after = Frame.pool(honest), Frame.pool([*honest, rkme([[1e9, 1e9], [-1e9, 3.0]])])
    np.testing.assert_allclose(after.scale, before.scale, rtol=0.25)
    np.testing.assert_allclose(after.kernel.gammas, before.kernel.gammas, rtol=0.5)


def test_constant_columns_get_a_scale_of_one_or_of_what_parts_them():
    alike = Frame.pool([rkme([[1.0, 0.0], [1.0, 2.0]]), rkme([[1.0, 1.0], [1.0, 4.0]])])
    assert alike.scale[0] == 1.0
    apart = Frame.pool([rkme([[1.0, 0.0], [1.0, 2.0]]), rkme([[9.0, 1.0], [9.0, 4.0]])])
    assert apart.scale[0] == pytest.approx(1.4826 * 4.0)


def test_far_coordinates_are_drawn_in_but_kept_apart():
    frame = normal(0).frame
    far = frame.apply(np.array([[1e4, -1e4], [1e5, -1e5], [1e300, -1e300]]))
    assert (np.abs(far) > FAR).all()
    assert np.abs(far).max() < 1e5
    assert (np.diff(np.abs(far), axis=0) > FAR).all()
    np.testing.assert_allclose(frame.undo(far[:2]), [[1e4, -1e4], [1e5, -1e5]])


def test_far_is_not_mistaken_for_farther():
    market, user = rkme([[1e3, 1e3]]), rkme([[5e4, 5e4]])
    frame = normal(0).frame
    near, far = (frame.apply(s.points) for s in (market, user))
    assert frame.kernel(near, far).item() < 1e-6


def test_gammas_stand_at_the_documented_ratio_to_the_median():
    gammas = np.array(normal(0).frame.kernel.gammas)
    np.testing.assert_allclose(gammas / gammas[0], [1, 4, 16])
