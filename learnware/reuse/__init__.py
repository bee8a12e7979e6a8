"""Reuse: from the learnwares that a search found to predictions on the user's own rows.

Every reuser is a scikit-learn estimator, ``Reuser(learnwares).fit(X)`` or ``.fit(X, y)``, and works as a classifier
or regressor as its learnwares do. One algorithm, one file: `averaging`, `consensus` and `job_selector` need no
labels, `single` and `feature_augment` learn from a few, and `auto` chooses. `members` reads what was handed over
and asks the learnwares; `pooling` joins their answers.
"""

from __future__ import annotations

from learnware.reuse.auto import AutoReuser
from learnware.reuse.averaging import AveragingReuser
from learnware.reuse.base import Reuser
from learnware.reuse.consensus import ConsensusReuser
from learnware.reuse.feature_augment import FeatureAugmentReuser
from learnware.reuse.job_selector import JobSelectorReuser
from learnware.reuse.leaderboard import Leaderboard
from learnware.reuse.single import SingleBestReuser

__all__ = [
    "AutoReuser",
    "AveragingReuser",
    "ConsensusReuser",
    "FeatureAugmentReuser",
    "JobSelectorReuser",
    "Leaderboard",
    "Reuser",
    "SingleBestReuser",
]
