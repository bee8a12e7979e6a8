"""Models that are source code: a class with ``predict`` in a folder of files."""

from __future__ import annotations

import importlib
import json
import re
import sys
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from . import base_model

_PACKAGE = "submitted_model"


class Unreadable(ValueError):
    """The files of a model are not what they claim to be."""


class CodeModel:
    """A model made of code, with its answers in the form that the market knows.

    Parameters
    ----------
    model : object
        An instance of the uploaded class.
    entry : dict
        What is known of the model.
    """

    def __init__(self, model: Any, entry: dict[str, Any]) -> None:
        self._model = model
        self._classes: Any = None if entry["classes"] is None else np.asarray(entry["classes"])

    def predict(self, X: Any) -> Any:
        """Return labels or numbers; of scores for each class, the label of the largest."""
        answer = self._model.predict(X)
        return answer if self._classes is None else self._as_labels(answer)

    def __getattr__(self, name: str) -> Any:
        if name in ("predict_proba", "fit", "finetune") and _defines(self._model, name):
            return getattr(self._model, name)
        raise AttributeError(name)

    def _as_labels(self, answer: Any) -> Any:
        from .answers import NotAnArray, as_array

        values, classes = as_array(answer), self._classes
        if values.ndim == 2 and values.shape[1] == 1:
            values = values[:, 0]
        if values.ndim == 2 and values.shape[1] == len(classes) and values.dtype.kind in "fiu":
            if not np.isfinite(values).all():
                raise NotAnArray("must answer with finite scores")
            return classes[np.argmax(values, axis=1)]
        whole = values.dtype.kind == "f" and bool(np.isfinite(values).all() and (values == np.floor(values)).all())
        return values.astype(np.int64) if whole and classes.dtype.kind in "iu" else values


def load(folder: str, entry: dict[str, Any]) -> CodeModel:
    """Import the module of a model and create an instance of its class.

    Raises
    ------
    Unreadable
        There is no such file or class, or the class does not predict.
    """
    base_model.provide()
    sys.path.insert(0, folder)
    importlib.invalidate_caches()
    parameters = entry["parameters"]
    module = _imported(Path(folder), str(parameters.get("module_path", "__init__.py")))
    name = str(parameters.get("class_name", "Model"))
    found = getattr(module, name, None)
    if not isinstance(found, type):
        raise Unreadable(f"The code of the model has no class {name!r}.")
    _show_in_main(module)
    model = found(**_arguments(parameters))
    if not _defines(model, "predict"):
        raise Unreadable(f"The class {name!r} of the model defines no predict.")
    return CodeModel(model, entry)


def _arguments(parameters: dict[str, Any]) -> dict[str, Any]:
    try:
        arguments = json.loads(str(parameters.get("kwargs", "{}")))
    except ValueError as error:
        raise Unreadable(f"The arguments of the model's class are no JSON: {error}.") from error
    if not isinstance(arguments, dict):
        raise Unreadable("The arguments of the model's class must be a mapping of names to values.")
    return arguments


def _imported(folder: Path, module_path: str) -> ModuleType:
    if not module_path.endswith(".py"):
        return importlib.import_module(module_path)
    file = folder.joinpath(*module_path.split("/"))
    if not file.is_file():
        raise Unreadable(f"The model has no file {module_path!r}.")
    if file == folder / "__init__.py":
        return _executed(_PACKAGE, file)
    package = sys.modules[_PACKAGE] = module_from_spec(ModuleSpec(_PACKAGE, None, is_package=True))
    package.__path__ = [str(folder)]
    above = ".".join([_PACKAGE, *file.relative_to(folder).parts[:-1]])
    importlib.import_module(above)
    if file.name == "__init__.py":
        return sys.modules[above]
    return _executed(f"{above}.{re.sub('[^0-9A-Za-z_]', '_', file.stem)}", file)


def _executed(name: str, file: Path) -> ModuleType:
    search = [str(file.parent)] if file.name == "__init__.py" else None
    spec = spec_from_file_location(name, file, submodule_search_locations=search)
    if spec is None or spec.loader is None:
        raise Unreadable(f"The file {file.name!r} of the model is no Python module.")
    module = sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _show_in_main(module: ModuleType) -> None:
    # A pickle made in a script says that its classes live in __main__.
    main = sys.modules["__main__"]
    for name, value in vars(module).items():
        if getattr(value, "__module__", None) == module.__name__ and not hasattr(main, name):
            setattr(main, name, value)


def _defines(model: Any, method: str) -> bool:
    found = getattr(type(model), method, None) or vars(model).get(method)
    return callable(found) and found is not getattr(base_model.BaseModel, method, None)
