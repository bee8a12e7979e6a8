"""The class that uploaded model code inherits from: ``from learnware.model import BaseModel``."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class BaseModel:
    """A model made of code.

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one row.
    output_shape : tuple of int
        Shape of one answer; for a classifier the number of its classes.
    """

    def __init__(self, input_shape: Any = None, output_shape: Any = None) -> None:
        self.input_shape = input_shape
        self.output_shape = output_shape

    def predict(self, X: Any) -> Any:
        """Return one answer per row."""
        raise NotImplementedError("the model defines no predict")

    def fit(self, X: Any, y: Any) -> None:
        """Learn from rows and targets."""
        raise NotImplementedError("the model defines no fit")

    def finetune(self, X: Any, y: Any) -> None:
        """Go on learning from rows and targets."""
        raise NotImplementedError("the model defines no finetune")


def provide() -> None:
    """Let ``import learnware.model`` and its like find `BaseModel`, and nothing else."""
    for name in ("learnware", "learnware.model", "learnware.model.base"):
        module = sys.modules[name] = ModuleType(name)
        module.__path__ = []
        if name != "learnware":
            module.BaseModel = BaseModel  # type: ignore[attr-defined]
    sys.modules["learnware"].model = sys.modules["learnware.model"]  # type: ignore[attr-defined]
    sys.modules["learnware.model"].base = sys.modules["learnware.model.base"]  # type: ignore[attr-defined]
