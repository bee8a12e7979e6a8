"""scikit-learn classifiers, regressors and pipelines of these, as skops files (`learnware.models.skops_file`)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from learnware._optional import loaded
from learnware.errors import InvalidParameter, MalformedModel, UnsupportedModel
from learnware.models.base import Label, ModelEntry, Predictor, as_labels, requirements
from learnware.models.level import Level
from learnware.models.skops_audit import audit
from learnware.models.skops_file import dumps, loads

_FILE = "model.skops"


class SkopsFormat:
    """Stores fitted scikit-learn classifiers and regressors, pipelines included."""

    files = (_FILE,)
    takes_frames = True
    tells_task = True

    def accepts(self, model: object) -> bool:
        """Tell whether `model` is a scikit-learn estimator that is not another library's wrapper."""
        base = loaded("sklearn.base")
        if base is None or not isinstance(model, base.BaseEstimator):
            return False
        return type(model).__module__.partition(".")[0] not in ("lightgbm", "xgboost")

    def feature_names(self, model: Any) -> tuple[str, ...] | None:
        """Return the names of the columns of the data frame that the model was fitted on."""
        names = getattr(_refitted(model), "feature_names_in_", None)
        return None if names is None else tuple(str(name) for name in names)

    def save(
        self, model: Any, folder: Path, sample: Any, task: str | None, classes: Sequence[Label] | None
    ) -> ModelEntry:
        """Write the estimator; of a fitted search the best estimator is stored."""
        model = _refitted(model)
        _require_fitted(model)
        found = _task_of(model)
        own_classes = _classes_of(model) if found == "Classification" else None
        _require_agreement(model, found, own_classes, task, classes)
        (folder / _FILE).write_bytes(dumps(model))
        return ModelEntry(
            format="skops",
            files=self.files,
            library="Scikit-learn",
            requirements=requirements("numpy", "scikit-learn", "scipy", "skops"),
            task=found,
            classes=own_classes,
            n_features=_n_features(model, sample),
            n_outputs=1 if found == "Classification" else _n_outputs(model, sample),
            frame=self.feature_names(model) is not None,
            categorical=_categorical(sample),
            probabilities=found == "Classification" and hasattr(model, "predict_proba"),
        )

    def load(self, folder: Path, entry: ModelEntry) -> Predictor:
        """Audit the file, build the estimator, and check the positions that compiled code will follow."""
        model = loads((folder / _FILE).read_bytes())
        if not hasattr(model, "predict"):
            raise MalformedModel(
                f"The stored {type(model).__name__} does not predict. Tell its developer.",
                code="model-damaged",
                file=_FILE,
            )
        predictor: Predictor = model
        return predictor

    def level(self, files: Mapping[str, bytes]) -> Level:
        """Return T1 if compiled code follows positions that the model holds, else T0."""
        found = audit(files[_FILE])
        return Level.UNSAFE_MEMORY if found.follows_positions else Level.DATA

    def given(self, model: Any, entry: ModelEntry) -> Predictor:
        """Return the estimator as it is."""
        predictor: Predictor = _refitted(model)
        return predictor


def _refitted(model: Any) -> Any:
    # A search carries timings and scorers that users have no use for, and predicts as its best estimator does.
    return (
        getattr(model, "best_estimator_", model) if hasattr(model, "cv_results_") and hasattr(model, "refit") else model
    )


def _require_fitted(model: Any) -> None:
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    try:
        check_is_fitted(model)
    except (NotFittedError, TypeError) as error:
        raise UnsupportedModel(f"{type(model).__name__} is not fitted yet. Call fit(X, y) on it first.") from error


def _task_of(model: Any) -> str:
    from sklearn.base import is_classifier, is_regressor

    if is_classifier(model):
        return "Classification"
    if is_regressor(model):
        return "Regression"
    raise UnsupportedModel(
        f"{type(model).__name__} is neither a classifier nor a regressor. Put a transformer before one in a Pipeline."
    )


def _classes_of(model: Any) -> tuple[Label, ...]:
    classes = getattr(model, "classes_", None)
    if classes is None or isinstance(classes, list) or np.ndim(classes) != 1 or _predicts_sets(model):
        raise UnsupportedModel(
            f"{type(model).__name__} predicts several labels per row. Share one classifier per output instead."
        )
    return as_labels(classes)


def _predicts_sets(model: Any) -> bool:
    return bool(getattr(model, "multilabel_", False)) or type(model).__name__ == "ClassifierChain"


def _require_agreement(
    model: Any, found: str, own: tuple[Label, ...] | None, task: str | None, classes: Sequence[Label] | None
) -> None:
    if task is not None and task != found:
        raise InvalidParameter(f"The task is said to be {task}, but {type(model).__name__} is made for {found}.")
    if classes is not None and (own is None or set(as_labels(list(classes))) != set(own)):
        raise InvalidParameter(f"{type(model).__name__} has the classes {own}. Got classes={list(classes)!r}.")


def _categorical(sample: Any) -> tuple[str, ...]:
    dtypes = getattr(sample, "dtypes", {})
    return tuple(str(name) for name, dtype in dtypes.items() if str(dtype) == "category")


def _n_features(model: Any, sample: Any) -> int:
    # Text vectorizers and the like accept anything, so they know no number of columns.
    return int(getattr(model, "n_features_in_", math.prod(np.shape(sample)[1:])))


def _n_outputs(model: Any, sample: Any) -> int:
    shape = np.shape(model.predict(sample))
    return 1 if len(shape) == 1 else int(shape[1])
