"""A call is given time for what it has to do: rows, images by their size, texts by their length."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from learnware.limits import Limits
from learnware.runtime.base import StoredModel
from learnware.runtime.station import Station


class Idle:
    """A worker that only notes how long it may take."""

    alive = True
    models = ("key",)
    name = "A"

    def call(self, *_: Any, seconds: float, **__: Any) -> None:
        self.seconds = seconds


TEXTS = np.array(["a", "b" * 99_998, "c"], dtype=object)


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        (np.zeros((7, 1000)), 7),
        (pd.DataFrame({"a": ["x" * 10_000] * 7}), 7),
        (np.zeros((7, 3, 4)), 7),
        (np.zeros((7, 3, 16, 16)), 21),
        (TEXTS, 100),
        (np.array(["a"] * 7, dtype=object), 7),
        (np.array([1, None, "a"], dtype=object), 3),
    ],
)
def test_time_is_given_by_what_there_is_to_do(table: Any, rows: int) -> None:
    worker = Idle()
    station = Station(cast(Any, lambda name: worker))
    limits = Limits(call_seconds=1.0, row_seconds=1.0)
    for method, seconds in (("predict", 1.0 + rows), ("fit", limits.longest_call_seconds)):
        station.call(cast(StoredModel, worker), "key", lambda _: None, method, [table], limits)
        assert worker.seconds == seconds
