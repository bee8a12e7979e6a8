"""Models stored as data, read by the package that stored them."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from . import skops_lists


def load(folder: str, entry: dict[str, Any], package: str) -> Any:
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
    from learnware.models.base import ModelEntry, load

    parts: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
    return load(folder, ModelEntry(**parts))


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
