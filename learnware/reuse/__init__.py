"""Reuse: from the learnwares that a search found to predictions on the user's own rows.

Every reuser is a scikit-learn estimator, ``Reuser(learnwares).fit(X)`` or ``.fit(X, y)``, and works as a classifier
or regressor as its learnwares do. One algorithm, one file: `averaging`, `consensus` and `job_selector` need no
labels; `single`, `feature_augment`, `ensemble_selection`, `stacking` and `bridging` learn from a few; `auto` blends
them. `members` asks the learnwares, `pooling` joins their answers, and `level_one` makes of them, of the label-free
answer and of the user's own models the `evidence` that combinations are learned from.
"""

from __future__ import annotations

from learnware.reuse.auto import AutoReuser
from learnware.reuse.averaging import AveragingReuser
from learnware.reuse.base import Reuser
from learnware.reuse.bridging import LabelBridgeReuser
from learnware.reuse.consensus import ConsensusReuser
from learnware.reuse.ensemble_selection import EnsembleSelectionReuser
from learnware.reuse.feature_augment import FeatureAugmentReuser
from learnware.reuse.job_selector import JobSelectorReuser
from learnware.reuse.leaderboard import Leaderboard
from learnware.reuse.single import SingleBestReuser
from learnware.reuse.stacking import StackingReuser

__all__ = [
    "AutoReuser",
    "AveragingReuser",
    "ConsensusReuser",
    "EnsembleSelectionReuser",
    "FeatureAugmentReuser",
    "JobSelectorReuser",
    "LabelBridgeReuser",
    "Leaderboard",
    "Reuser",
    "SingleBestReuser",
    "StackingReuser",
]
