"""The one learnware that does best on the labelled rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from learnware.reuse.base import Array, Ask, Reuser
from learnware.reuse.labels import places
from learnware.reuse.members import CLASSIFICATION


class SingleBestReuser(Reuser):
    r"""Use the learnware with the least loss on the labelled rows, alone.

    .. math:: k^* = \arg\min_k \frac1n \sum_i \ell\big(f_k(x_i), y_i\big)

    with the squared error, or for classes the share of errors; ties go to the higher mean probability of the true
    class, then to the learnware that comes first. The baseline that every combination has to beat.

    Parameters
    ----------
    learnwares : SearchResult, Mixture, or list of Hit or Learnware
        Candidates. Of a search result all hits enter.
    progress : bool, default=None
        Show a progress bar while learnwares are asked. None shows one when that takes long.

    Attributes
    ----------
    best_index_ : int
        Position of the one chosen.
    losses_ : ndarray of shape (n_members,)
        Loss of each on the labelled rows.
    members_, task_, classes_, n_features_in_, feature_names_in_
        See `Reuser`.
    """

    _whole = True
    _supervised = True

    def _learn(self, X: Any, y: npt.NDArray[Any] | None, ask: Ask) -> None:
        outputs, target = ask(), np.asarray(y)
        self.losses_ = np.array(
            [row_losses(answer, target, getattr(self, "classes_", None)).mean() for answer in outputs]
        )
        doubt = np.zeros(len(outputs))
        if self.task_ == CLASSIFICATION:
            true = places(target, self.classes_)
            doubt = -outputs[:, np.arange(len(true)), true].mean(axis=1)
        self.best_index_ = int(np.lexsort((doubt, self.losses_))[0])

    @property
    def _used(self) -> list[int]:
        return [self.best_index_]

    def _combine(self, X: Any, outputs: Array) -> Array:
        return np.asarray(outputs[0])


def row_losses(answer: Array, y: npt.NDArray[Any], classes: npt.NDArray[Any] | None) -> Array:
    """Return the loss of each row: whether the label is wrong, or the squared error (mean over outputs).

    Parameters
    ----------
    answer : ndarray of shape (n_samples, n_outputs)
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
    classes : ndarray, default=None
        What the columns of `answer` stand for, for classification.
    """
    if classes is not None:
        return np.asarray(classes[answer.argmax(axis=1)] != y, dtype=np.float64)
    return np.asarray(((answer - y.reshape(len(y), -1)) ** 2).mean(axis=1))
