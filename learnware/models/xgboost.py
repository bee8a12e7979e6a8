"""XGBoost models, in the JSON of XGBoost.

The JSON is parsed by the library, which follows its child and column numbers unchecked, so these are checked first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from learnware._optional import import_optional, loaded
from learnware.errors import BundleError, UnsupportedModel
from learnware.models.base import Label, ModelEntry, Predictor, requirements
from learnware.models.boosters import NO_CATEGORIES, Array, as_predictor, booster_of, classes_of, task_of
from learnware.models.bounds import check_children

_FILE = "model.json"
_TASKS = {
    **dict.fromkeys(("binary:logistic", "multi:softprob"), "Classification"),
    **dict.fromkeys(
        "reg:squarederror reg:squaredlogerror reg:pseudohubererror reg:absoluteerror reg:quantileerror reg:gamma "
        "reg:tweedie reg:logistic count:poisson".split(),
        "Regression",
    ),
}


class XGBoostFormat:
    """Stores XGBoost's Booster, XGBClassifier and XGBRegressor as JSON."""

    takes_frames = False
    tells_task = True

    def accepts(self, model: object) -> bool:
        """Tell whether `model` is one of XGBoost's."""
        library = loaded("xgboost")
        return library is not None and isinstance(model, library.Booster | library.XGBModel)

    def feature_names(self, model: Any) -> tuple[str, ...] | None:
        """Return the names of the columns of the data frame that it was fitted on."""
        names = _booster(model).feature_names
        return None if names is None else tuple(names)

    def save(
        self, model: Any, folder: Path, sample: Any, task: str | None, classes: Sequence[Label] | None
    ) -> ModelEntry:
        """Write the JSON, up to the best iteration if the wrapper stopped early."""
        booster = _booster(model)
        if "c" in (booster.feature_types or ()):
            raise UnsupportedModel(NO_CATEGORIES.format("XGBoost"))
        if not np.isnan(getattr(model, "missing", np.nan)):
            raise UnsupportedModel("XGBoost models must take NaN for missing values: fit again with missing=np.nan.")
        raw = bytes(booster.save_raw("json"))
        learner = json.loads(raw)["learner"]
        found = task_of(learner["objective"]["name"], _TASKS, model, task)
        sizes = learner["learner_model_param"]
        (folder / _FILE).write_bytes(raw)
        return ModelEntry(
            format="xgboost",
            files=(_FILE,),
            library="Others",
            requirements=requirements("numpy", "xgboost"),
            task=found,
            classes=classes_of(model, found, max(int(sizes["num_class"]), 2), classes),
            n_features=booster.num_features(),
            n_outputs=max(int(sizes.get("num_target", 1)), 1),
            probabilities=found == "Classification",
        )

    def load(self, folder: Path, entry: ModelEntry) -> Predictor:
        """Check the trees and let XGBoost read the JSON."""
        library = import_optional("xgboost", extra=None, purpose="An XGBoost model")
        try:
            raw = (folder / _FILE).read_bytes()
            for tree in _trees(json.loads(raw)["learner"]):
                _check_tree(tree, entry.n_features)
            booster = library.Booster(model_file=bytearray(raw))
        except BundleError:
            raise
        except Exception as error:
            raise BundleError(f"The XGBoost model cannot be read: {error}", code="model") from error
        if booster.num_features() != entry.n_features:
            raise BundleError("The XGBoost model is for another number of columns.", code="model")
        return as_predictor(_outputs(library, booster), entry)

    def given(self, model: Any, entry: ModelEntry) -> Predictor:
        """Return the model as it predicts on plain arrays."""
        if not hasattr(model, "get_booster"):
            return as_predictor(_outputs(loaded("xgboost"), model), entry)
        predictor: Predictor = model
        return predictor


def _booster(model: Any) -> Any:
    booster = booster_of(model, "get_booster")
    stopped = getattr(model, "early_stopping_rounds", None) is not None
    return booster[: model.best_iteration + 1] if stopped else booster


def _outputs(library: Any, booster: Any) -> Callable[[Array], Array]:
    def outputs(X: Array) -> Array:
        # Columns are in order already, and XGBoost would ask for their names.
        return np.asarray(booster.predict(library.DMatrix(X), validate_features=False))

    return outputs


def _trees(learner: Mapping[str, Any]) -> list[dict[str, Any]]:
    booster = learner["gradient_booster"]
    # Dropped trees (dart) wrap the usual ones; a linear booster has none.
    model = booster.get("gbtree", booster).get("model", {})
    trees: list[dict[str, Any]] = model.get("trees", [])
    return trees


def _check_tree(tree: Mapping[str, Any], n_features: int) -> None:
    names = ("left_children", "right_children", "split_indices", "split_conditions", "default_left", "parents")
    left, right, features, *others = (np.asarray(tree[name]) for name in names)
    n_nodes = int(tree["tree_param"]["num_nodes"])
    sized = n_nodes > 0 and all(array.shape == (n_nodes,) for array in (left, right, features, *others))
    inner = left != -1
    if not sized or bool(np.any((features[inner] < 0) | (features[inner] >= n_features))):
        raise BundleError("The XGBoost model is damaged: a tree points outside of its arrays.", code="model")
    check_children(left, right, inner, n_nodes)
