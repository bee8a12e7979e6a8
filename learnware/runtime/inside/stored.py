"""Models stored as data, read by the package that stored them."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from . import skops_lists


class DataModel:
    """A model of data, whose calls start neither processes nor threads by joblib: the worker would be left with them.

    Parameters
    ----------
    model : object
        The predictor.
    """

    def __init__(self, model: Any) -> None:
        self._model = model

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._model, name)

        def call(*arguments: Any) -> Any:
            joblib = sys.modules.get("joblib")
            if joblib is None:
                return method(*arguments)
            with joblib.parallel_backend("sequential"):
                return method(*arguments)

        return call


def load(folder: str, entry: dict[str, Any], package: str) -> DataModel:
    """Return the predictor of a stored model.

    Parameters
    ----------
    folder : str
        Where its files are.
    entry : dict
        The fields of its `learnware.models.ModelEntry`.
    package : str
        The folder of the `learnware` package, as the worker sees it.
    """
    _provide(package)
    skops_lists.provide()
    from learnware.models.base import ModelEntry
    from learnware.models.base import load as load_model

    parts: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
    return DataModel(load_model(folder, ModelEntry(**parts)))


def _provide(package: str) -> None:
    # By its own folder instead of the path for modules, where its neighbours could be taken for other packages.
    if "learnware" in sys.modules:
        return
    place = Path(package)
    spec = spec_from_file_location("learnware", place / "__init__.py", submodule_search_locations=[str(place)])
    if spec is None or spec.loader is None:
        raise ImportError(f"no package in {place}")
    sys.modules["learnware"] = module = module_from_spec(spec)
    spec.loader.exec_module(module)
