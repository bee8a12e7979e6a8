"""What all reusers have in common: from other people's learnwares to predictions on one's own rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import ClassifierTags, RegressorTags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from learnware.errors import InvalidData
from learnware.reuse.asking import Asking, filled
from learnware.reuse.encoding import encoded_once
from learnware.reuse.hopeful import hopeful
from learnware.reuse.members import CLASSIFICATION, REGRESSION, Members, MembersFailed, Positions, peek_task
from learnware.reuse.rows import read_rows, read_target, take

if TYPE_CHECKING:
    from learnware.reuse.auto import AutoReuser

Array = npt.NDArray[np.float64]
Ask = Callable[..., Array]
SelfReuser = TypeVar("SelfReuser", bound="Reuser")

#: Rows are answered in blocks of about this many numbers, so that a million rows do not fill the memory.
_NUMBERS_PER_BLOCK = 16_000_000


def _is_classification(reuser: Reuser) -> bool:
    return getattr(reuser, "task_", None) == CLASSIFICATION or peek_task(reuser.learnwares) == CLASSIFICATION


class Reuser(BaseEstimator, ABC):  # type: ignore[misc]
    """Turn learnwares into predictions; a scikit-learn classifier or regressor, as the learnwares' task is.

    A subclass writes two methods: `_learn`, which sees the rows given to ``fit`` (and labels, if any), and
    `_combine`, which joins the answers of the learnwares into one.

    Parameters
    ----------
    learnwares : SearchResult, Mixture, or list of Hit or Learnware
        What to reuse. Of a search result the mixture and its weights are taken if there is one, else all hits.
    progress : bool, default=None
        Show a progress bar while learnwares are asked. None shows one when that takes long.

    Attributes
    ----------
    members_ : tuple of Learnware
        The learnwares.
    task_ : {"Classification", "Regression"}
        Their task.
    classes_ : ndarray of shape (n_classes,)
        Classification only: the sorted union of the classes of all learnwares and of the labels, if there are any.
    n_features_in_, feature_names_in_ : int, ndarray of str
        Columns seen in fit; names only where X has them.

    See Also
    --------
    AutoReuser : Chooses a method by what is given.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from learnware import Learnware, Reuser
    >>> X = np.arange(40.0).reshape(-1, 1)
    >>> model = LinearRegression().fit(X, 2.0 * X[:, 0])
    >>> found = [Learnware.from_model(model, X, name="Twice", task="regression")]
    >>> float(Reuser.auto(found).fit(X).predict([[10.0]])[0].round(6))
    20.0
    """

    #: Whether the method takes everything a search found rather than its mixture alone.
    _whole = False
    #: Whether learnwares are left out that the search expects to err far more than others.
    _hopeful = False
    #: Whether fit needs y.
    _supervised = False
    #: Whether labels, where there are any, serve to use learnwares that name their classes otherwise.
    _bridges = False

    def __init__(self, learnwares: Any, *, progress: bool | None = None) -> None:
        self.learnwares = learnwares
        self.progress = progress

    @staticmethod
    def auto(learnwares: Any, **kwargs: Any) -> AutoReuser:
        """Return the reuser that chooses a method by itself.

        Parameters
        ----------
        learnwares : SearchResult, Mixture, or list of Hit or Learnware
            What to reuse.
        **kwargs
            Parameters of `AutoReuser`.
        """
        from learnware.reuse.auto import AutoReuser

        return AutoReuser(learnwares, **kwargs)

    def fit(self: SelfReuser, X: Any, y: Any = None, *, unlabelled: Any = None) -> SelfReuser:
        """Learn how to combine the learnwares on these rows.

        Parameters
        ----------
        X : table of shape (n_samples, n_features), list of str, or array of images
            The user's rows: numpy, pandas, polars or torch, with the columns that the learnwares need; or texts or
            images, where the learnwares take those.
        y : array-like of shape (n_samples,), default=None
            Labels or values; methods that need none ignore them.
        unlabelled : as X, default=None
            Further rows of the user, without labels. What needs no labels learns from all rows.

        Returns
        -------
        self

        Raises
        ------
        NoLearnwares
            There is none.
        InvalidParameter
            The learnwares do not go together, in their task or in their kind of labels.
        InvalidData
            X or y cannot be used as they are.
        LearnwareError
            No learnware answers: what the first of them raised. One that fails among others is left out with a
            warning that names it.
        """
        members = self._choose()
        if y is None and self._bridges:
            members = members.of_one_kind()
        X = read_rows(self, X, reset=True, data=members.data)
        if y is None and self._supervised:
            raise InvalidData(
                f"{type(self).__name__} requires y to be passed, but the target y is None. Without labels use "
                "Reuser.auto, AveragingReuser, ConsensusReuser or JobSelectorReuser."
            )
        target = None if y is None else read_target(y, len(X), members.task)
        if unlabelled is not None:
            unlabelled = read_rows(self, unlabelled, reset=False, data=members.data)
        with encoded_once():
            self._fit_on(members, X, target, unlabelled)
        return self

    def _fit_on(self, members: Members, X: Any, y: npt.NDArray[Any] | None, unlabelled: Any) -> None:
        """Learn; where some members turn out to fail, again without them."""
        while True:
            if self._bridges and y is not None:
                members = self._apart(members, y)
            self._adopt(members, members.classes(y) if members.task == CLASSIFICATION else None)
            ask = Asking(self, X, unlabelled, y if self._supervised or self._bridges else None)
            try:
                if y is None and unlabelled is not None:
                    self._learn(ask.rows, None, ask.everywhere)
                else:
                    self._learn(X, y, ask)
                if not ask.asked and len(self._used):
                    # One that cannot answer is to be found now, not by the first prediction.
                    self._ask(take(X, slice(0, 1)), self._used)
                return
            except MembersFailed as failed:
                members = members.without(failed.failures)

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Predict labels or values.

        Parameters
        ----------
        X : table, list of str, or array of images
            Columns as in fit, in any order where they have names.

        Returns
        -------
        ndarray of shape (n_samples,), or (n_samples, n_outputs) if the learnwares predict several values a row
        """
        answer = self._answer(X)
        if self.task_ == CLASSIFICATION:
            return np.asarray(self.classes_[answer.argmax(axis=1)])
        return answer[:, 0] if answer.shape[1] == 1 else answer

    @available_if(_is_classification)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Array:
        """Predict the probability of each class, in the order of ``classes_``.

        Parameters
        ----------
        X : table, list of str, or array of images
            Columns as in fit.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        return self._answer(X)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy, or for regression the coefficient of determination.

        Parameters
        ----------
        X : table, list of str, or array of images
            Rows to predict.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their true labels or values.
        sample_weight : array-like of shape (n_samples,), default=None
            How much each row counts.
        """
        predicted = self.predict(X)
        measure = accuracy_score if self.task_ == CLASSIFICATION else r2_score
        return float(measure(y, predicted, sample_weight=sample_weight))

    @abstractmethod
    def _learn(self, X: Any, y: npt.NDArray[Any] | None, ask: Ask) -> None:
        """Learn from rows; ``ask()`` returns all members' answers to them, ``ask(index)`` to some of them."""

    @abstractmethod
    def _combine(self, X: Any, outputs: Array) -> Array:
        """Return one answer a row: probabilities of ``classes_``, or values.

        `outputs` has shape (n_used, n_samples, n_outputs): the answers of the members in ``_used``.
        """

    @property
    def _used(self) -> Positions:
        """Positions of the members that predictions need."""
        return range(len(self._members))

    def _choose(self) -> Members:
        members = Members.of(self.learnwares, whole=self._whole, mixed=self._bridges)
        return members.only(hopeful(members)) if self._hopeful else members

    def _apart(self, members: Members, y: npt.NDArray[Any]) -> Members:
        """Return the members with those marked as foreign whose classes are to be translated."""
        return members.apart(y)

    def _adopt(self, members: Members, classes: npt.NDArray[Any] | None) -> None:
        self._members = members
        self.members_ = members.learnwares
        self.task_ = members.task
        if classes is not None:
            self.classes_ = classes

    def _ask(self, X: Any, only: Positions | None = None) -> Array:
        classes = self.classes_ if self.task_ == CLASSIFICATION else None
        return self._members.ask(X, classes, only=only, progress=self.progress)

    def _answer(self, X: Any) -> Array:
        check_is_fitted(self, "task_")
        X = read_rows(self, X, reset=False)
        block = max(1, _NUMBERS_PER_BLOCK // self._numbers_per_row())
        if len(X) <= block:
            return self._answer_block(X)
        parts = [slice(start, start + block) for start in range(0, len(X), block)]
        return np.concatenate([self._answer_block(take(X, part)) for part in parts])

    def _numbers_per_row(self) -> int:
        n_outputs = len(self.classes_) if self.task_ == CLASSIFICATION else 1
        space = None if self._members.data == "table" else self._members.space
        return max(max(1, len(self._used)) * n_outputs, 0 if space is None else space.n_features)

    def _answer_block(self, X: Any) -> Array:
        # Points of texts and images are kept until they have been answered, so for a block, not for all rows.
        with encoded_once():
            if not len(self._used):
                width = self._members.width(self.classes_) if self.task_ == CLASSIFICATION else 1
                return self._combine(X, np.empty((0, len(X), width)))
            try:
                outputs = self._ask(X, self._used)
            except MembersFailed as failed:
                outputs = filled(self, X, failed)
            return self._combine(X, outputs)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        task = getattr(self, "task_", None) or peek_task(self.learnwares)
        if task == CLASSIFICATION:
            tags.estimator_type, tags.classifier_tags = "classifier", ClassifierTags()
        elif task == REGRESSION:
            tags.estimator_type, tags.regressor_tags = "regressor", RegressorTags()
        tags.target_tags.required = self._supervised
        tags.input_tags.allow_nan = tags.input_tags.categorical = tags.input_tags.string = True
        return tags
