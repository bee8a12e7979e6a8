"""As many values a row in y as the learnwares predict, or a complaint that says so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from learnware.errors import InvalidData
from learnware.reuse import (
    AutoReuser,
    AveragingReuser,
    EnsembleSelectionReuser,
    FeatureAugmentReuser,
    SingleBestReuser,
    StackingReuser,
)

from .doubles import constants

X = np.arange(24.0).reshape(12, 2)
KINDS = [AutoReuser, EnsembleSelectionReuser, FeatureAugmentReuser, SingleBestReuser, StackingReuser]


@pytest.mark.parametrize("unlabelled", [None, X])
@pytest.mark.parametrize("kind", KINDS)
def test_other_than_the_learnwares(kind: Any, unlabelled: Any) -> None:
    with pytest.raises(InvalidData, match="as many values a row as the learnwares predict, 1. Got 2"):
        kind(constants(1.0, 2.0)).fit(X, X, unlabelled=unlabelled)
    with pytest.raises(InvalidData, match="as many values a row as the learnwares predict, 2. Got 1"):
        kind(constants([1.0, 2.0], [3.0, 4.0])).fit(X, X[:, 0], unlabelled=unlabelled)


def test_who_needs_no_labels_ignores_them() -> None:
    assert AveragingReuser(constants(1.0)).fit(X, X).predict(X).tolist() == [1.0] * 12
