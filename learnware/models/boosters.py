"""What LightGBM and XGBoost models share: a bare booster, its task, and the labels of its classes.

Both libraries have a format of their own that holds trees and numbers and executes nothing. What is loaded is the bare
booster with the labels around it, since the scikit-learn wrappers store their labels by pickle only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware.errors import InvalidParameter, UnsupportedModel
from learnware.models.base import Label, ModelEntry, Predictor, as_labels

Array = npt.NDArray[Any]

NO_CATEGORIES = (
    "{} models fitted on pandas categories cannot be shared, since the codes of the categories would not travel along. "
    "Encode them first, for example with sklearn.preprocessing.OrdinalEncoder, and pass numbers."
)


class BoostedRegressor:
    """A booster whose outputs are the predictions."""

    def __init__(self, outputs: Callable[[Array], Array]) -> None:
        self._outputs = outputs

    def predict(self, X: Any) -> Array:
        """Return the outputs, of shape (n,) or (n, n_outputs)."""
        return np.asarray(self._outputs(np.asarray(X)))


class BoostedClassifier(BoostedRegressor):
    """A booster whose outputs are probabilities: of the second class, or one per class."""

    def __init__(self, outputs: Callable[[Array], Array], classes: Sequence[Label]) -> None:
        super().__init__(outputs)
        self.classes_ = np.asarray(classes)

    def predict_proba(self, X: Any) -> Array:
        """Return probabilities of shape (n, n_classes)."""
        outputs = super().predict(X)
        return np.column_stack([1.0 - outputs, outputs]) if outputs.ndim == 1 else outputs

    def predict(self, X: Any) -> Array:
        """Return the label of the largest probability."""
        return np.asarray(self.classes_[np.argmax(self.predict_proba(X), axis=1)])


def as_predictor(outputs: Callable[[Array], Array], entry: ModelEntry) -> Predictor:
    """Return a predictor on the outputs of a booster."""
    return BoostedRegressor(outputs) if entry.classes is None else BoostedClassifier(outputs, entry.classes)


def booster_of(model: Any, attribute: str) -> Any:
    """Return the booster inside a scikit-learn wrapper, or the booster itself."""
    if not hasattr(type(model), attribute):
        return model
    try:
        booster = getattr(model, attribute)
        return booster() if attribute.startswith("get_") else booster
    except Exception as error:
        raise UnsupportedModel(f"{type(model).__name__} is not fitted yet. Call fit(X, y) on it first.") from error


def task_of(objective: str, tasks: Mapping[str, str], model: Any, said: str | None) -> str:
    """Return the task of an objective, which must be the one that was said, if any was."""
    if callable(getattr(model, "objective", None)) or objective not in tasks:
        raise UnsupportedModel(
            f"Boosters of the objective {objective!r} cannot be shared, only of one of: {', '.join(sorted(tasks))}. "
            "A custom objective is code, which does not travel with a model."
        )
    if said is not None and said != tasks[objective]:
        raise InvalidParameter(f"The task is said to be {said}, but {objective!r} is for {tasks[objective]}.")
    return tasks[objective]


def classes_of(model: Any, task: str, width: int, said: Sequence[Label] | None) -> tuple[Label, ...] | None:
    """Return the labels: the wrapper's own, else those that were said, else numbers from 0."""
    if task != "Classification":
        return None
    own = getattr(model, "classes_", None)
    labels = as_labels(own if own is not None else list(range(width) if said is None else said))
    if len(labels) != width or (said is not None and set(as_labels(list(said))) != set(labels)):
        raise InvalidParameter(f"The booster tells {width} classes apart: {labels}. Got classes={said!r}.")
    return labels
