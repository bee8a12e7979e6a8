"""XGBoost models, in the JSON of XGBoost.

The JSON is checked (`learnware.models.xgboost_json`) before the library reads it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from learnware._optional import import_optional, loaded
from learnware.errors import UnsupportedModel
from learnware.models.base import Label, ModelEntry, Predictor, requirements
from learnware.models.boosters import NO_CATEGORIES, Array, as_predictor, booster_of, classes_of, task_of
from learnware.models.level import Level
from learnware.models.xgboost_json import FILE as _FILE
from learnware.models.xgboost_json import check, damaged

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

    files = (_FILE,)
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
            files=self.files,
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
        raw = (folder / _FILE).read_bytes()
        check(raw, entry, _TASKS)
        try:
            booster = library.Booster(model_file=bytearray(raw))
            n_features = booster.num_features()
        except Exception as error:
            raise damaged(f"{error!s:.200}") from error
        if n_features != entry.n_features:
            raise damaged("it is for another number of columns")
        return as_predictor(_outputs(library, booster), entry)

    def level(self, files: Mapping[str, bytes]) -> Level:
        """Return T1: compiled code follows the positions in its trees."""
        return Level.UNSAFE_MEMORY

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
