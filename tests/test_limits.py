"""One table of limits, and what a running model is held to."""

from __future__ import annotations

import pytest

from learnware.errors import InvalidParameter
from learnware.limits import LIMITS, Limits, table


def test_the_table_has_every_limit_once() -> None:
    rows = table()
    assert len({name for name, _, _ in rows}) == len(rows)
    assert {name: value for name, value, _ in rows if name in LIMITS} == dict(LIMITS)
    assert {name for name, _, _ in rows if name not in LIMITS} == set(vars(Limits()))
    assert all(value > 0 and meaning for _, value, meaning in rows)


@pytest.mark.parametrize("value", [0, -1, True, "1", None, float("nan"), 2**60])
def test_what_cannot_limit_is_refused(value: object) -> None:
    with pytest.raises(InvalidParameter, match="memory"):
        Limits(memory=value)  # type: ignore[arg-type]


def test_time_grows_with_rows_up_to_a_bound() -> None:
    limits = Limits(call_seconds=10, row_seconds=0.01, longest_call_seconds=20)
    assert [limits.seconds(n) for n in (0, 500, 10**6)] == [10, 15, 20]
    assert limits.answer_bytes(1) == limits.output
    assert limits.answer_bytes(10**7) == 512 * 10**7
