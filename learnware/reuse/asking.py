"""How a reuser asks its learnwares for answers to the user's rows, in fit and later."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from learnware.errors import InvalidData
from learnware.reuse.members import CLASSIFICATION, MembersFailed, name_of
from learnware.reuse.rows import join, take

if TYPE_CHECKING:
    from learnware.reuse.base import Reuser

Array = npt.NDArray[np.float64]


class Asking:
    """The members' answers to the rows of ``fit``: ``ask()`` to all, ``ask(index)`` to some.

    Parameters
    ----------
    reuser : Reuser
        Whose members are asked.
    X : samples
        The rows of ``fit``.
    unlabelled : samples, default=None
        Further rows.
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs), default=None
        Labels that the answers will be compared with.

    Attributes
    ----------
    asked : bool
        Whether anybody has been asked.
    """

    def __init__(self, reuser: Reuser, X: Any, unlabelled: Any = None, y: npt.NDArray[Any] | None = None) -> None:
        self._reuser, self._X, self._unlabelled, self._y = reuser, X, unlabelled, y
        self.asked = False

    def __call__(self, index: Any = None) -> Array:
        return self._answers(self._X, index)

    def on(self, X: Any) -> Asking:
        """Return the same for some of the rows of ``fit`` and all without labels."""
        self.asked = True
        return Asking(self._reuser, X, self._unlabelled, self._y)

    @property
    def rows(self) -> Any:
        """The rows of ``fit``, and after them those without labels."""
        return self._X if self._unlabelled is None else join(self._X, self._unlabelled)

    def everywhere(self, index: Any = None) -> Array:
        """Return the answers to `rows`, or some of them."""
        return self._answers(self.rows, index)

    def _answers(self, rows: Any, index: Any) -> Array:
        self.asked = True
        answers = self._reuser._ask(rows if index is None else take(rows, index))
        if self._y is not None and self._reuser.task_ != CLASSIFICATION:
            n_values = 1 if self._y.ndim == 1 else self._y.shape[1]
            if n_values != answers.shape[2]:
                raise InvalidData(
                    f"y must have as many values a row as the learnwares predict, {answers.shape[2]}. "
                    f"Got {n_values}: give y in that form, or other learnwares."
                )
        return answers


def filled(reuser: Reuser, X: Any, failed: MembersFailed) -> Array:
    """Return the answers of the members in use where some fail: those of a failing one are the mean of the others.

    So a learnware that breaks after ``fit`` counts like the rest of its team; a warning names it.

    Raises
    ------
    LearnwareError
        All of them fail: what the first raised.
    """
    used = [int(i) for i in reuser._used]
    working = [i for i in used if i not in failed.failures]
    if not working:
        raise next(iter(failed.failures.values()))
    answers = reuser._ask(X, working)
    outputs = np.repeat(answers.mean(axis=0, keepdims=True), len(used), axis=0)
    outputs[[i in working for i in used]] = answers
    for i, error in failed.failures.items():
        name = name_of(reuser.members_[i])
        warnings.warn(f"Answered without {name}: {type(error).__name__}: {error}", stacklevel=2)
    return outputs
