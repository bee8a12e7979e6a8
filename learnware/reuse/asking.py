"""How a reuser asks its learnwares for answers to the user's rows, in fit and later."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from learnware.reuse.members import MembersFailed, name_of
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

    Attributes
    ----------
    asked : bool
        Whether anybody has been asked.
    """

    def __init__(self, reuser: Reuser, X: Any, unlabelled: Any = None) -> None:
        self._reuser, self._X, self._unlabelled = reuser, X, unlabelled
        self.asked = False

    def __call__(self, index: Any = None) -> Array:
        self.asked = True
        return self._reuser._ask(self._X if index is None else take(self._X, index))

    def on(self, X: Any) -> Asking:
        """Return the same for some of the rows of ``fit`` and all without labels."""
        self.asked = True
        return Asking(self._reuser, X, self._unlabelled)

    @property
    def rows(self) -> Any:
        """The rows of ``fit``, and after them those without labels."""
        return self._X if self._unlabelled is None else join(self._X, self._unlabelled)

    def everywhere(self, index: Any = None) -> Array:
        """Return the answers to `rows`, or some of them."""
        self.asked = True
        return self._reuser._ask(self.rows if index is None else take(self.rows, index))


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
