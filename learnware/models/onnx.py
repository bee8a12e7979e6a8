"""ONNX graphs that take one table of numbers, run by onnxruntime on the processor.

What is stored is the graph without its comments. Reading checks it (`learnware.models.onnx_graph`) before onnxruntime
sees it, and onnxruntime then sees nothing but what was checked: no other files, no operators of other libraries.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from learnware._optional import loaded
from learnware.errors import ColumnMismatch, InvalidData, InvalidParameter, MalformedModel, UnsupportedModel
from learnware.models.base import Label, ModelEntry, Predictor, as_labels, requirements
from learnware.models.level import Level
from learnware.models.onnx_graph import FILE, check_graph, import_onnx, parts, read_graph, refused
from learnware.models.onnx_session import Session, predictor
from learnware.models.onnx_signature import Signature, signature_of, without_dictionaries

_COMMENTS = ("doc_string", "metadata_props")


class OnnxFormat:
    """Stores ``onnx.ModelProto`` graphs of standard operators."""

    files = (FILE,)
    takes_frames = False
    tells_task = False

    def accepts(self, model: object) -> bool:
        """Tell whether `model` is an ONNX model."""
        onnx = loaded("onnx")
        return onnx is not None and isinstance(model, onnx.ModelProto)

    def feature_names(self, model: Any) -> tuple[str, ...] | None:
        """Return the names that the model's metadata gives as ``feature_names``, a JSON list."""
        said = {pair.key: pair.value for pair in model.metadata_props}.get("feature_names", "null")
        try:
            names = json.loads(said)
        except ValueError:
            return None
        return tuple(names) if isinstance(names, list) and all(isinstance(name, str) for name in names) else None

    def level(self, files: Mapping[str, bytes]) -> Level:
        """Return T1: compiled code follows positions in the graph."""
        return Level.UNSAFE_MEMORY

    def save(
        self, model: Any, folder: Path, sample: Any, task: str | None, classes: Sequence[Label] | None
    ) -> ModelEntry:
        """Write the graph, with probabilities as one table instead of a dictionary for each row."""
        raw, session = _stored(model, sample)
        signature = session.signature
        found = _task(signature, task)
        width = 1 if signature.numbers is None else _answers(session, sample[:2]).shape[1]
        labels = _labels(session, sample, width, classes) if found == "Classification" else None
        (folder / FILE).write_bytes(raw)
        return ModelEntry(
            format="onnx",
            files=self.files,
            library="Others",
            requirements=requirements("numpy", "onnx", "onnxruntime"),
            task=found,
            classes=labels,
            n_features=signature.n_features,
            n_outputs=1 if labels is not None else width,
            probabilities=labels is not None and signature.numbers is not None,
            parameters={"outputs": _kind(signature, found)},
        )

    def load(self, folder: Path, entry: ModelEntry) -> Predictor:
        """Check the graph and let onnxruntime read what was checked."""
        model = read_graph((folder / FILE).read_bytes())
        signature = signature_of(model.graph)
        if signature.n_features != entry.n_features:
            raise refused("it is for another number of columns", "onnx-input")
        return predictor(Session(model.SerializeToString(deterministic=True), signature), entry)

    def given(self, model: Any, entry: ModelEntry) -> Predictor:
        """Return the graph as it was given, with its dictionaries."""
        signature = signature_of(_tidied(model).graph)
        asked = [output.name for output in model.graph.output]
        if signature.labels is not None and not entry.probabilities:
            signature, asked = replace(signature, numbers=None), asked[:1]
        return predictor(Session(model.SerializeToString(), signature, asked), entry)


def _tidied(model: Any) -> Any:
    """Return a checked copy without comments, which may tell of paths and source code, and without doubles."""
    check_graph(model)
    copy = import_onnx().ModelProto()
    copy.CopyFrom(model)
    for part in parts(copy):
        for name in _COMMENTS:
            if name in part.DESCRIPTOR.fields_by_name:
                part.ClearField(name)
    without_dictionaries(copy.graph)
    return copy


def _stored(model: Any, sample: Any) -> tuple[bytes, Session]:
    """Return the graph as it is stored, and at work."""
    try:
        tidied = _tidied(model)
        session = Session(tidied.SerializeToString(deterministic=True), signature_of(tidied.graph))
    except MalformedModel as error:
        raise UnsupportedModel(str(error)) from error
    n_features = session.signature.n_features
    if np.shape(sample)[1] != n_features:
        raise ColumnMismatch(f"X must have the {n_features} columns of the model. Got {np.shape(sample)[1]}.")
    both = session.signature.labels is not None and session.signature.numbers is not None
    if both and not _are_probabilities(_answers(session, sample)):
        # Some converters call the scores of a margin probabilities.
        del tidied.graph.output[1]
        session = Session(tidied.SerializeToString(deterministic=True), signature_of(tidied.graph))
    return tidied.SerializeToString(deterministic=True), session


def _answers(session: Session, sample: Any) -> Any:
    """Return the numbers for the sample, as a table."""
    try:
        numbers = session.numbers(sample)
    except InvalidData:
        raise
    except Exception as error:
        raise UnsupportedModel(f"onnxruntime cannot run the ONNX model: {error}") from error
    return numbers if numbers.ndim == 2 else numbers.reshape(len(numbers), -1)


def _are_probabilities(numbers: Any) -> bool:
    bounded = bool(np.all((numbers >= -1e-6) & (numbers <= 1 + 1e-6)))
    return bounded and (numbers.shape[1] == 1 or bool(np.allclose(numbers.sum(axis=1), 1.0, atol=1e-3)))


def _task(signature: Signature, said: str | None) -> str:
    told = None if signature.labels is None else "Classification"
    if told is not None and said not in (told, None):
        raise InvalidParameter(
            "The ONNX model answers with labels, so its task is Classification. Got task='regression', or y of numbers "
            "with decimals: pass y as labels, or leave both out."
        )
    if told is None and said is None:
        raise UnsupportedModel(
            "An ONNX model that answers with numbers does not tell what they are: pass y, or task='classification' "
            "with classes, or task='regression'."
        )
    return str(told or said)


def _kind(signature: Signature, task: str) -> str:
    if signature.labels is not None:
        return "labels" if signature.numbers is None else "labels and probabilities"
    if task == "Regression":
        return "values"
    return "probabilities" if signature.probable else "logits"


def _labels(session: Session, sample: Any, width: int, said: Sequence[Label] | None) -> tuple[Label, ...]:
    """Return the labels: the graph's own, else those that were said, else numbers from 0."""
    own, numbers = session.signature.classes, session.signature.numbers
    labels = as_labels(list(own or said or range(max(width, 2))))
    if said is not None and not set(said) <= set(labels):
        raise InvalidParameter(f"The ONNX model tells {list(labels)!r} apart. Got the classes {list(said)!r}.")
    if numbers is not None and width not in (len(labels), 1 if len(labels) == 2 else len(labels)):
        raise InvalidParameter(
            f"The ONNX model answers with {width} numbers per row, which must be one per class. Got the classes "
            f"{list(labels)!r}: pass all of them, in the order of its outputs, as classes=[...]."
        )
    if session.signature.labels is not None:
        _require_order(session, sample, labels)
    return labels


def _require_order(session: Session, sample: Any, labels: tuple[Label, ...]) -> None:
    """Refuse labels that are not those which the graph answers with, or in another order than its probabilities."""
    answered = session.labels(sample)
    known = set(answered.tolist()) <= set(labels)
    if known and session.signature.numbers is not None:
        numbers = _answers(session, sample)
        if numbers.shape[1] == len(labels):
            # Equal probabilities, and margins that disagree with them, may name another label now and then.
            known = bool(np.mean(np.asarray(labels)[np.argmax(numbers, axis=1)] == answered) >= 0.5)
    if not known:
        raise InvalidParameter(
            f"The ONNX model answers with labels such as {answered[0].item()!r}. Got the classes {list(labels)!r}: "
            "pass all of them, in the order of its probabilities, as classes=[...]."
        )
