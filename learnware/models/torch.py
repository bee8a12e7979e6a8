"""torch modules, as a list of tensor operations in JSON and weights in the safetensors layout.

Why not torch's own files: ``torch.save`` of a module is a pickle and needs the author's classes; a state dict needs the
author's source; TorchScript is deprecated and its files may hold any code; reading a ``torch.export`` file evaluates
text as expressions and falls back to unpickling. So the module is recorded with ``torch.export`` once, on the author's
side, and its operators are stored as data (`learnware.models.graph`). Reading executes only operators of a fixed list.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware._optional import loaded
from learnware.errors import BadPrediction, InvalidData, InvalidParameter, MalformedModel, UnsupportedModel
from learnware.models.base import Label, ModelEntry, Predictor, requirements
from learnware.models.graph import Graph, from_json, last_operator, record, to_json
from learnware.models.level import Level
from learnware.models.tensors import pack_tensors, unpack_tensors

Array = npt.NDArray[Any]
_GRAPH, _WEIGHTS = "graph.json", "weights.safetensors"
_BATCH = 65_536
# Layers of a convolution take many times the memory of the images themselves.
_NUMBERS_AT_ONCE = 2**20
_DTYPES = ("float32", "float64", "float16", "bfloat16", "int64")


class TorchRegressor:
    """A module whose outputs are the predictions."""

    def __init__(self, forward: Callable[[Any], Any], dtype: str) -> None:
        self._forward = forward
        self._dtype = dtype

    def outputs(self, X: Any) -> Array:
        """Return the module's outputs, of shape (n, width)."""
        import torch

        rows = torch.as_tensor(_numbers(X)).to(getattr(torch, self._dtype))
        with torch.no_grad():
            parts = [self._forward(block).double().numpy() for block in torch.split(rows, _at_once(rows.shape))]
        return np.concatenate(parts).reshape(len(rows), -1)

    def predict(self, X: Any) -> Array:
        """Return the outputs, of shape (n,) or (n, n_outputs)."""
        outputs = self.outputs(X)
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs


class TorchClassifier(TorchRegressor):
    """A module whose outputs are logits or probabilities, one per class or one for the second of two."""

    def __init__(self, forward: Callable[[Any], Any], dtype: str, classes: Sequence[Label], kind: str) -> None:
        super().__init__(forward, dtype)
        self.classes_ = np.asarray(classes)
        self._logits = kind == "logits"

    def predict_proba(self, X: Any) -> Array:
        """Return probabilities of shape (n, n_classes)."""
        outputs = self.outputs(X)
        if outputs.shape[1] == 1:
            second = _sigmoid(outputs[:, 0]) if self._logits else outputs[:, 0]
            return np.column_stack([1.0 - second, second])
        return _softmax(outputs) if self._logits else outputs

    def predict(self, X: Any) -> Array:
        """Return the label of the largest probability."""
        probabilities = self.predict_proba(X)
        # Else a row of NaN would get the first label, as if the module had chosen it.
        if not np.isfinite(probabilities).all():
            rows = np.flatnonzero(~np.isfinite(probabilities).all(axis=1))
            raise BadPrediction(
                f"The module's outputs are not finite for {len(rows)} row(s), the first being row {rows[0]}. Fill "
                "missing values in X first."
            )
        return np.asarray(self.classes_[np.argmax(probabilities, axis=1)])


class TorchFormat:
    """Stores any module that turns one tensor of rows or images into one tensor by common operators."""

    files = (_GRAPH, _WEIGHTS)
    takes_frames = False
    tells_task = False

    def accepts(self, model: object) -> bool:
        """Tell whether `model` is a torch module."""
        torch = loaded("torch")
        return torch is not None and isinstance(model, torch.nn.Module)

    def feature_names(self, model: Any) -> tuple[str, ...] | None:
        """Return None: modules know no names of columns."""
        return None

    def save(
        self, model: Any, folder: Path, sample: Any, task: str | None, classes: Sequence[Label] | None
    ) -> ModelEntry:
        """Record the module in evaluation mode; the module itself is left as it is."""
        if task is None:
            raise UnsupportedModel(
                "A torch module does not tell what it predicts: pass y, or task='classification' with classes, or "
                "task='regression'."
            )
        module = _still(model)
        content, tensors, dtype = _recorded(module, _numbers(sample))
        kind = "values" if task == "Regression" else _kind(content)
        width = TorchRegressor(Graph(content, tensors), dtype).outputs(sample[:2]).shape[1]
        labels = _labels(width, classes) if task == "Classification" else None
        (folder / _GRAPH).write_bytes(to_json(content))
        (folder / _WEIGHTS).write_bytes(pack_tensors(tensors))
        return ModelEntry(
            format="torch",
            files=self.files,
            library="PyTorch",
            requirements=requirements("numpy", "torch"),
            task=task,
            classes=labels,
            n_features=math.prod(np.shape(sample)[1:]),
            n_outputs=1 if labels is not None else width,
            probabilities=labels is not None,
            parameters={"dtype": dtype, "outputs": kind},
        )

    def load(self, folder: Path, entry: ModelEntry) -> Predictor:
        """Read operations and weights; every operator is looked up in the fixed list."""
        tensors = unpack_tensors((folder / _WEIGHTS).read_bytes())
        return _predictor(Graph(from_json((folder / _GRAPH).read_bytes()), tensors), entry)

    def level(self, files: Mapping[str, bytes]) -> Level:
        """Return T0: operators of a fixed table and numbers."""
        return Level.DATA

    def given(self, model: Any, entry: ModelEntry) -> Predictor:
        """Return the module, in evaluation mode, with its labels around it."""
        return _predictor(_still(model), entry)


def _predictor(forward: Callable[[Any], Any], entry: ModelEntry) -> Predictor:
    dtype, kind = entry.parameters.get("dtype"), entry.parameters.get("outputs")
    if dtype not in _DTYPES or kind not in ("values", "logits", "probabilities"):
        raise MalformedModel(
            "The manifest does not say how to use the torch module. Write it again with Learnware.save.",
            code="model-parameters",
            file=_GRAPH,
        )
    if entry.classes is None:
        return TorchRegressor(forward, str(dtype))
    return TorchClassifier(forward, str(dtype), entry.classes, str(kind))


def _still(model: Any) -> Any:
    try:
        return copy.deepcopy(model).cpu().eval()
    except Exception as error:
        raise UnsupportedModel(f"{type(model).__name__} cannot be copied: {error}") from error


def _recorded(module: Any, sample: Array) -> tuple[dict[str, Any], dict[str, Any], str]:
    import torch

    # Three rows, so that the recorder cannot take the number of rows for a size of one.
    rows = torch.as_tensor(np.resize(sample, (3, *sample.shape[1:])))
    weights = next((p for p in module.parameters() if p.is_floating_point()), None)
    dtype = str(torch.float32 if weights is None else weights.dtype).removeprefix("torch.")
    try:
        return *record(module, rows.to(getattr(torch, dtype))), dtype
    except UnsupportedModel:
        if rows.is_floating_point():
            raise
        # Whole numbers may be meant as such, as by an embedding.
        return *record(module, rows.to(torch.int64)), "int64"


def _kind(content: dict[str, Any]) -> str:
    return "probabilities" if last_operator(content) in ("softmax", "sigmoid") else "logits"


def _labels(width: int, classes: Sequence[Label] | None) -> tuple[Label, ...]:
    labels = tuple(range(max(width, 2))) if classes is None else tuple(classes)
    if width not in (len(labels), 1 if len(labels) == 2 else len(labels)):
        raise InvalidParameter(
            f"The module answers with {width} numbers per row, which must be one logit per class. Got the classes "
            f"{list(labels)!r}: pass all of them, in the order of the logits, as classes=[...]."
        )
    return labels


def _at_once(shape: Sequence[int]) -> int:
    return _BATCH if len(shape) <= 2 else max(1, min(_BATCH, _NUMBERS_AT_ONCE // math.prod(shape[1:])))


def _numbers(X: Any) -> Array:
    values = np.asarray(X)
    if values.dtype.kind not in "biuf":
        raise InvalidData(f"A torch module takes numbers. Got values of type {values.dtype}: encode them first.")
    return values


def _sigmoid(values: Array) -> Array:
    return 0.5 * (1.0 + np.tanh(0.5 * values))


def _softmax(values: Array) -> Array:
    shifted = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))
