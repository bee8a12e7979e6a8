"""LightGBM models, in the model text of LightGBM.

The text is checked and written again (`learnware.models.lightgbm_text`) before the library reads it.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from learnware._optional import import_optional, loaded
from learnware.errors import BundleError, LimitExceeded, UnsupportedModel
from learnware.limits import LIMITS
from learnware.models.base import Label, ModelEntry, Predictor, requirements
from learnware.models.boosters import NO_CATEGORIES, as_predictor, booster_of, classes_of, task_of
from learnware.models.level import Level
from learnware.models.lightgbm_text import FILE as _FILE
from learnware.models.lightgbm_text import checked, damaged

_TASKS = {
    **dict.fromkeys(("binary", "multiclass", "multiclassova"), "Classification"),
    **dict.fromkeys("regression regression_l1 huber fair poisson quantile mape gamma tweedie".split(), "Regression"),
}


class LightGBMFormat:
    """Stores LightGBM's Booster, LGBMClassifier and LGBMRegressor as model text."""

    files = (_FILE,)
    takes_frames = False
    tells_task = True

    def accepts(self, model: object) -> bool:
        """Tell whether `model` is one of LightGBM's."""
        library = loaded("lightgbm")
        return library is not None and isinstance(model, library.Booster | library.LGBMModel)

    def feature_names(self, model: Any) -> tuple[str, ...] | None:
        """Return the names of the columns, unless they are LightGBM's own numbering."""
        names = tuple(booster_of(model, "booster_").feature_name())
        return None if names == tuple(f"Column_{i}" for i in range(len(names))) else names

    def save(
        self, model: Any, folder: Path, sample: Any, task: str | None, classes: Sequence[Label] | None
    ) -> ModelEntry:
        """Write the model text, up to the best iteration if there is one."""
        booster = booster_of(model, "booster_")
        if getattr(booster, "pandas_categorical", None):
            raise UnsupportedModel(NO_CATEGORIES.format("LightGBM"))
        text = booster.model_to_string(num_iteration=booster.best_iteration or -1)
        header = _header(text)
        found = task_of(header.get("objective", "none").split()[0], _TASKS, model, task)
        (folder / _FILE).write_text(text, encoding="utf-8")
        return ModelEntry(
            format="lightgbm",
            files=self.files,
            library="Others",
            requirements=requirements("lightgbm", "numpy"),
            task=found,
            classes=classes_of(model, found, max(int(header["num_class"]), 2), classes),
            n_features=booster.num_feature(),
            probabilities=found == "Classification",
        )

    def load(self, folder: Path, entry: ModelEntry) -> Predictor:
        """Check the trees and let LightGBM read the text."""
        library = import_optional("lightgbm", extra=None, purpose="A LightGBM model")
        raw = (folder / _FILE).read_bytes()
        if len(raw) > LIMITS["booster-bytes"]:
            raise LimitExceeded(
                f"The LightGBM model has {len(raw):,} bytes, more than {LIMITS['booster-bytes']:,}. Use fewer trees.",
                code="booster-size",
                file=_FILE,
            )
        try:
            booster = library.Booster(model_str=checked(raw.decode("utf-8"), entry, _TASKS))
        except BundleError:
            raise
        except Exception as error:
            raise damaged(f"{error!s:.200}") from error
        if booster.num_feature() != entry.n_features:
            raise damaged("it is for another number of columns")
        return as_predictor(booster.predict, entry)

    def level(self, files: Mapping[str, bytes]) -> Level:
        """Return T1: compiled code follows the positions in its trees."""
        return Level.UNSAFE_MEMORY

    def given(self, model: Any, entry: ModelEntry) -> Predictor:
        """Return the model as it predicts on plain arrays."""
        if not hasattr(type(model), "booster_"):
            return as_predictor(model.predict, entry)
        return _Wrapped(model) if entry.classes is None else _WrappedClassifier(model)


class _Wrapped:
    """A scikit-learn wrapper that does not warn of columns without names: they are in order already."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def predict(self, X: Any) -> Any:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "X does not have valid feature names")
            return self._model.predict(X)


class _WrappedClassifier(_Wrapped):
    def predict_proba(self, X: Any) -> Any:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "X does not have valid feature names")
            return self._model.predict_proba(X)


def _header(text: str) -> dict[str, str]:
    lines = text.partition("\n\n")[0].splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)
