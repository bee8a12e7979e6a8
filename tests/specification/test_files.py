"""Whatever specification a file can hold, its distances to others are distances."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from learnware import RKME, Specification
from learnware.specification.frame import Frame

NUMBERS = st.floats(-1e100, 1e100) | st.sampled_from([0.0, 1.0, -1e100, 1e100, 5e-324, 1e-160, 1e8])
SCALES = st.floats(0, 1e100) | st.sampled_from([0.0, 5e-324, 1e-160, 1.0, 1e100])


@st.composite
def specifications(draw: st.DrawFn, n_columns: int = 2) -> Specification:
    n_points = draw(st.integers(1, 4))
    shares = draw(st.lists(st.integers(0, 5), min_size=n_points, max_size=n_points).filter(any))
    content: dict[str, Any] = RKME([[0.0] * n_columns], [1.0]).to_dict()
    content["points"] = [[draw(NUMBERS) for _ in range(n_columns)] for _ in range(n_points)]
    content["weights"] = [share / sum(shares) for share in shares]
    content["location"] = [draw(NUMBERS) for _ in range(n_columns)]
    content["scale"] = [draw(SCALES) for _ in range(n_columns)]
    whole = {"format": "learnware-specification", "version": 1, "semantic": {}, "statistical": content}
    return Specification.from_json(json.dumps(whole))


@settings(max_examples=400)
@given(specifications(), specifications())
def test_distances_of_what_is_read_are_distances(first: Specification, second: Specification) -> None:
    one, other = first.statistical, second.statistical
    assert one is not None
    assert other is not None
    assert 0.0 <= one.distance(other) ** 2 <= 2.0 + 1e-6
    assert abs(one.distance(other) - other.distance(one)) <= 1e-6
    assert one.distance(one) <= 1e-3


@settings(max_examples=100)
@given(st.lists(specifications(), min_size=3, max_size=5))
def test_a_pooled_frame_of_what_is_read_is_finite(read: list[Specification]) -> None:
    frame = Frame.pool([specification.statistical for specification in read])  # type: ignore[misc]
    for specification in read:
        assert (abs(frame.apply(specification.statistical.points)) < 1e9).all()  # type: ignore[union-attr]


def test_points_that_are_all_but_equal_have_a_frame() -> None:
    content: dict[str, Any] = RKME([[0.0, 0.0], [0.0, 0.0]], [0.5, 0.5]).to_dict()
    content["points"], content["scale"] = [[0.0, 0.0], [1e-160, 0.0]], [1.0, 1.0]
    whole = {"format": "learnware-specification", "version": 1, "semantic": {}, "statistical": content}
    statistical = Specification.from_json(json.dumps(whole)).statistical
    assert statistical is not None
    assert statistical.distance(statistical) == 0.0
