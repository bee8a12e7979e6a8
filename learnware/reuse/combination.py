"""What the reusers that learn a combination from labels have in common."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from learnware._validation import RandomState, as_generator
from learnware.reuse.base import Array, Ask, Reuser
from learnware.reuse.evidence import Evidence
from learnware.reuse.labels import places
from learnware.reuse.level_one import LevelOne

_ROWS_FOR_THREADS = 2_000
_FLOOR = 1e-12


class LearnedCombination(Reuser):
    """Combine the label-free answer, the learnwares and the user's own models by what labels say about them.

    A subclass writes `_weigh`, which learns from evidence, and `_blend`, which applies it.

    Parameters
    ----------
    learnwares : SearchResult, Mixture, or list of Hit or Learnware
        What to reuse. Of a search result all hits enter.
    own_model : scikit-learn estimator, default=None
        What the user would train without learnwares; it takes X as it is. None: a few that suit the number of
        labels. False: none.
    random_state : None, int or generator, default=None
        Seeds what is drawn.
    progress : bool, default=None
        Show a progress bar while learnwares are asked. None shows one when that takes long.
    """

    _whole = True
    _supervised = True
    _bridges = True

    def __init__(
        self,
        learnwares: Any,
        *,
        own_model: Any = None,
        random_state: RandomState = None,
        progress: bool | None = None,
    ) -> None:
        super().__init__(learnwares, progress=progress)
        self.own_model = own_model
        self.random_state = random_state

    def _learn(self, X: Any, y: npt.NDArray[Any] | None, ask: Ask) -> None:
        target, classes = np.asarray(y), getattr(self, "classes_", None)
        generator = as_generator(self.random_state, type(self).__name__)
        # Fits on few rows take longer with several threads than with one, much longer on a busy machine.
        with threadpool_limits(1 if len(target) < _ROWS_FOR_THREADS else None):
            level, evidence, _ = LevelOne.learn(
                self._members, classes, X, target, ask, own_model=self.own_model, generator=generator
            )
            self._learn_from(level, evidence, target, generator)

    def _learn_from(
        self, level: LevelOne, evidence: Evidence, y: npt.NDArray[Any], generator: np.random.Generator
    ) -> None:
        """Learn from evidence that is at hand already."""
        self._level = level
        self._weigh(evidence, y, generator)

    @property
    def _used(self) -> list[int]:
        needed = [i for i, weight in enumerate(self.weights_) if weight > 0]
        return sorted({*needed, *self._level.prior.used})

    def _combine(self, X: Any, outputs: Array) -> Array:
        everyone = np.zeros((len(self._members), *outputs.shape[1:]))
        everyone[self._used] = outputs
        return self._blend(self._level.answer(X, everyone))

    def _hold_back(self, y: npt.NDArray[Any]) -> None:
        r"""Learn which classes the user hardly has: n labels of C classes scale class y by
        :math:`\min(1, C (n_y + 1/2) / (n + C/2))`.
        """
        self._shares: Array | None = None
        classes = getattr(self, "classes_", None)
        if classes is not None:
            counts = np.bincount(places(y, classes), minlength=len(classes))
            self._shares = np.minimum(1.0, len(classes) * (counts + 0.5) / (counts.sum() + 0.5 * len(classes)))

    def _answers(self, evidence: Evidence, only: npt.NDArray[np.intp]) -> tuple[Array, Array]:
        """Return the label-free answer, and those of some members and all own models, rare classes held back."""
        prior, answers = evidence.prior, evidence.completed(only)
        if self._shares is None:
            return prior, answers
        return _renewed(prior * self._shares), _renewed(answers * self._shares)

    def _order(self) -> npt.NDArray[np.intp]:
        """Return the positions of the members, the nearest first."""
        distances = self._members.distances
        return np.arange(len(self._members)) if distances is None else np.argsort(distances, kind="stable")

    @abstractmethod
    def _weigh(self, evidence: Evidence, y: npt.NDArray[Any], generator: np.random.Generator) -> None:
        """Learn from evidence on labelled rows; sets ``weights_``, 0 for members that predictions do not need."""

    @abstractmethod
    def _blend(self, evidence: Evidence) -> Array:
        """Return one answer a row."""


def _renewed(answers: Array) -> Array:
    return np.asarray(answers / np.maximum(answers.sum(axis=-1, keepdims=True), _FLOOR))
