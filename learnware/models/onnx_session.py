"""An ONNX graph at work in onnxruntime, as a predictor."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware._optional import import_optional
from learnware.errors import InvalidData
from learnware.models.base import Label, ModelEntry, Predictor
from learnware.models.boosters import BoostedClassifier, as_predictor
from learnware.models.onnx_graph import refused
from learnware.models.onnx_signature import Signature

Array = npt.NDArray[Any]
_BATCH = 65_536
_MAX_THREADS = 4


class Session:
    """A graph that onnxruntime has loaded; it is asked in batches of rows.

    Parameters
    ----------
    raw : bytes
        The graph; only what has been checked.
    signature : Signature
        Its input and outputs.
    asked : sequence of str, optional
        Names of the outputs, where they are not those of the signature.
    """

    def __init__(self, raw: bytes, signature: Signature, asked: Sequence[str] | None = None) -> None:
        self.signature = signature
        self._asked = asked or [name for name in (signature.labels, signature.numbers) if name is not None]
        runtime = import_optional("onnxruntime", extra="onnx", purpose="An ONNX model")
        try:
            self._session = runtime.InferenceSession(raw, _options(runtime), providers=["CPUExecutionProvider"])
        except Exception as error:
            raise refused(f"onnxruntime cannot run it: {' '.join(str(error).split())[:500]}", "onnx") from error

    def labels(self, X: Any) -> Array:
        """Return one label for each row."""
        labels = np.concatenate([np.reshape(block[0], -1) for block in self._blocks(X)])
        return labels.astype(str) if labels.dtype == object else labels

    def numbers(self, X: Any) -> Array:
        """Return values, logits or probabilities, of shape (n,) or (n, k)."""
        numbers = np.concatenate([self._table(block[-1]) for block in self._blocks(X)])
        return numbers[:, 0] if numbers.ndim == 2 and numbers.shape[1] == 1 else numbers

    def _blocks(self, X: Any) -> list[list[Any]]:
        rows = _cast(np.asarray(X), self.signature.dtype)
        starts = range(0, max(len(rows), 1), _BATCH)
        return [self._session.run(self._asked, {self.signature.name: rows[i : i + _BATCH]}) for i in starts]

    def _table(self, block: Any) -> Array:
        """Return probabilities as a table, which may come as one dictionary per row."""
        if isinstance(block, list):
            return np.array([[row[label] for label in self.signature.classes or ()] for row in block])
        return np.asarray(block)


class _Labelled:
    """A graph that answers with labels."""

    def __init__(self, session: Session, classes: Sequence[Label]) -> None:
        self.predict = session.labels
        self.classes_ = np.asarray(classes)


class _LabelledWithProbabilities(BoostedClassifier):
    """A graph that answers with labels and probabilities; the label need not be that of the largest one."""

    def __init__(self, session: Session, classes: Sequence[Label]) -> None:
        super().__init__(session.numbers, classes)
        self._labels = session.labels

    def predict(self, X: Any) -> Array:
        """Return the labels."""
        return self._labels(X)


def predictor(session: Session, entry: ModelEntry) -> Predictor:
    """Return a predictor on the outputs of a graph.

    Raises
    ------
    MalformedModel
        The graph has no such outputs as the manifest says.
    """
    labels, numbers = session.signature.labels is not None, session.signature.numbers is not None
    classes = entry.classes or ()
    # Which outputs each needs: labels, numbers, and labels of the classes.
    kinds: dict[object, tuple[tuple[bool, bool, bool], Callable[[], Predictor]]] = {
        "values": ((False, True, False), lambda: as_predictor(session.numbers, entry)),
        "probabilities": ((False, True, True), lambda: as_predictor(session.numbers, entry)),
        "logits": ((False, True, True), lambda: as_predictor(lambda X: _normalised(session.numbers(X)), entry)),
        "labels": ((True, False, True), lambda: _Labelled(session, classes)),
        "labels and probabilities": ((True, True, True), lambda: _LabelledWithProbabilities(session, classes)),
    }
    needs, make = kinds.get(entry.parameters.get("outputs"), (None, None))
    if make is None or needs != (labels, numbers, entry.classes is not None):
        raise refused("its outputs are not those that the manifest says", "onnx-output")
    return make()


def _options(runtime: Any) -> Any:
    options = runtime.SessionOptions()
    options.intra_op_num_threads = min(_MAX_THREADS, os.cpu_count() or 1)
    options.inter_op_num_threads = 1
    # Waiting threads would otherwise keep a core busy, and memory of a large call would never be given back.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = False
    # Errors are raised; the rest is of no use to those who only predict.
    options.log_severity_level = 4
    # Enough to fuse and to drop what is unused, without the rewriting that changes answers in the last digits.
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    return options


def _cast(values: Array, dtype: str) -> Array:
    if values.dtype.kind not in "biuf":
        raise InvalidData(f"An ONNX model takes numbers. Got values of type {values.dtype}: encode them first.")
    whole = dtype.startswith("int") and values.dtype.kind == "f"
    if whole and not bool(np.all(np.isfinite(values) & (values == np.rint(values)))):
        raise InvalidData("This ONNX model takes whole numbers. Got fractions, or values that are not finite.")
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(values, dtype=dtype)


def _normalised(logits: Array) -> Array:
    """Return probabilities, of the second class or of each."""
    values = logits.astype(np.float64)
    if values.ndim == 1:
        return 0.5 * (1.0 + np.tanh(0.5 * values))
    shifted = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))
