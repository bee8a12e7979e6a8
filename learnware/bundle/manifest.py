"""``learnware.yaml``: what a learnware's file holds and how to read it.

The manifest is data: it names a model format of the registry, never a Python object, and every other file with its size
and sha256. Unknown fields are errors, so nothing in it can be meant for another reader.
"""

from __future__ import annotations

import hashlib
import math
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from learnware.bundle import strict_yaml
from learnware.bundle.fields import as_label, as_labels, field_of, positive_of, texts_of, wrong
from learnware.errors import (
    BundleError,
    ChecksumMismatch,
    LimitExceeded,
    MalformedManifest,
    UnsupportedModel,
)
from learnware.limits import LIMITS
from learnware.models import ModelEntry
from learnware.runtime.environment.requirements import parse_requirements

FORMAT = 2
FILE_NAME = strict_yaml.FILE_NAME
SPECIFICATION = "specification.json"
MODEL_FOLDER = "model"

_TASKS = ("Classification", "Regression")


@dataclass(frozen=True)
class FileRecord:
    """Size and sha256 of one file."""

    size: int
    sha256: str

    @classmethod
    def of(cls, content: bytes) -> FileRecord:
        """Measure `content`."""
        return cls(len(content), hashlib.sha256(content).hexdigest())

    def check(self, name: str, content: bytes) -> None:
        """Raise `ChecksumMismatch` if `content` is not what was measured."""
        if len(content) != self.size or hashlib.sha256(content).hexdigest() != self.sha256:
            raise ChecksumMismatch(
                f"The file {name!r} of this learnware is not the one that was written: its sha256 differs from the "
                "manifest. Fetch the learnware again.",
                file=name,
            )


@dataclass(frozen=True)
class Manifest:
    """The content of ``learnware.yaml``.

    Parameters
    ----------
    name : str
        Title of the learnware.
    model : ModelEntry
        How the model is stored and what it answers.
    python : str
        Version of Python that wrote it, such as ``"3.11"``.
    files : mapping of str to FileRecord
        Every file of the archive but the manifest.
    """

    name: str
    model: ModelEntry
    python: str
    files: Mapping[str, FileRecord]

    @classmethod
    def of(cls, name: str, model: ModelEntry, files: Mapping[str, bytes]) -> Manifest:
        """Describe `files` as written by this Python."""
        records = {path: FileRecord.of(files[path]) for path in sorted(files)}
        return cls(name, model, ".".join(platform.python_version_tuple()[:2]), records)

    def to_yaml(self) -> bytes:
        """Return the text of the file.

        Raises
        ------
        UnsupportedModel
            It would exceed the limits of the reader, because of very many classes.
        """
        model = self.model
        text = strict_yaml.dump(
            {
                "format": FORMAT,
                "name": self.name,
                "task": model.task,
                "library": model.library,
                "model": {
                    "format": model.format,
                    "files": list(model.files),
                    "parameters": dict(model.parameters),
                },
                "requirements": list(model.requirements),
                "python": self.python,
                "inputs": _inputs(model),
                "outputs": {
                    "columns": model.n_outputs,
                    "classes": None if model.classes is None else list(model.classes),
                    "probabilities": model.probabilities,
                },
                "files": {path: {"size": r.size, "sha256": r.sha256} for path, r in self.files.items()},
            }
        ).encode()
        try:
            Manifest.from_yaml(text)
        except BundleError as error:
            raise UnsupportedModel(f"The manifest of this learnware could not be read back: {error}") from error
        return text

    @classmethod
    def from_yaml(cls, text: bytes) -> Manifest:
        """Read the file.

        Raises
        ------
        MalformedManifest
            It is of another format (code ``"format"``), or its fields are not what `to_yaml` writes (``code`` begins
            with ``"manifest-"``), or it is not plain YAML (``"yaml-"``).
        LimitExceeded
            It is too large.
        """
        content = strict_yaml.parse(text)
        if not isinstance(content, dict) or type(content.get("format")) is not int:
            raise wrong("format", f"{FORMAT}, in a mapping", content)
        if content["format"] != FORMAT:
            newer = content["format"] > FORMAT
            advice = (
                "A newer version of learnware reads it: upgrade." if newer else "Write it again with Learnware.save."
            )
            raise MalformedManifest(
                f"This version of learnware reads learnwares of format {FORMAT}. Got {content['format']}. {advice}",
                code="format",
                file=FILE_NAME,
            )
        return cls(
            name=field_of(content, "name", str),
            model=_model(content),
            python=field_of(content, "python", str),
            files=_files(content),
        )


def _inputs(model: ModelEntry) -> dict[str, Any]:
    kind = {"text": "texts", "image": "images"}.get(model.data, "frame" if model.frame else "array")
    said: dict[str, Any] = {"columns": model.n_features, "as": kind, "categorical": list(model.categorical)}
    return {**said, "shape": list(model.shape), "pixels": model.pixels} if model.data == "image" else said


_FIELDS = {
    "": {
        "format", "name", "task", "library", "model", "requirements", "python", "inputs", "outputs", "files"
    },
    "model": {"format", "files", "parameters"},
    "inputs": {"columns", "as", "categorical"},
    "inputs of images": {"columns", "as", "categorical", "shape", "pixels"},
    "outputs": {"columns", "classes", "probabilities"},
}  # fmt: skip


def _model(content: dict[str, Any]) -> ModelEntry:
    _require_fields(content, "")
    model, inputs, outputs = (field_of(content, name, dict) for name in ("model", "inputs", "outputs"))
    images = inputs.get("as") == "images"
    for name in ("model", "inputs", "outputs"):
        _require_fields(content[name], name, "inputs of images" if images and name == "inputs" else name)
    task, classes = field_of(content, "task", str), outputs["classes"]
    if task not in _TASKS or (classes is None) != (task == "Regression"):
        raise wrong("task", f"one of {', '.join(_TASKS)}, with classes just for the first", task)
    if not isinstance(inputs["as"], str) or inputs["as"] not in _DATA:
        raise wrong("inputs.as", "'array', 'frame', 'texts' or 'images'", inputs["as"])
    _check_samples(inputs)
    parameters = field_of(model, "parameters", dict)
    return ModelEntry(
        format=field_of(model, "format", str),
        files=texts_of(model, "files"),
        library=field_of(content, "library", str),
        requirements=_requirements(content),
        task=task,
        classes=None if classes is None else as_labels(classes),
        n_features=positive_of(inputs, "columns"),
        n_outputs=positive_of(outputs, "columns"),
        frame=inputs["as"] == "frame",
        categorical=texts_of(inputs, "categorical"),
        probabilities=field_of(outputs, "probabilities", bool),
        data=_DATA[inputs["as"]],
        shape=tuple(inputs.get("shape", ())),
        pixels=inputs.get("pixels", ""),
        parameters={key: as_label(value) for key, value in parameters.items()},
    )


_DATA = {"array": "table", "frame": "table", "texts": "text", "images": "image"}


def _check_samples(inputs: dict[str, Any]) -> None:
    if inputs["as"] in ("texts", "images") and inputs["categorical"]:
        raise wrong("inputs.categorical", "an empty list, where there are no columns", inputs["categorical"])
    if inputs["as"] == "texts" and inputs["columns"] != 1:
        raise wrong("inputs.columns", "1 for texts", inputs["columns"])
    if inputs["as"] != "images":
        return
    shape = field_of(inputs, "shape", list)
    sized = len(shape) in (2, 3) and all(type(n) is int and 1 <= n <= LIMITS["point-numbers"] for n in shape)
    if not sized or math.prod(shape) != inputs["columns"]:
        raise wrong("inputs.shape", "two or three sizes that multiply to the columns", shape)
    if inputs["pixels"] not in ("bool", "int", "float"):
        raise wrong("inputs.pixels", "'bool', 'int' or 'float'", inputs["pixels"])


def _requirements(content: dict[str, Any]) -> tuple[str, ...]:
    lines = texts_of(content, "requirements")
    if len(lines) > LIMITS["requirements-lines"]:
        raise LimitExceeded(
            f"A model may need at most {LIMITS['requirements-lines']} packages. Got {len(lines)}: name only those that "
            "it imports.",
            code="too-many-requirements",
            file=FILE_NAME,
        )
    _check_packages(lines)
    return lines


def _check_packages(lines: tuple[str, ...]) -> None:
    # Users install what stands there, whatever the level of the model.
    odd = [line for line in lines if not line.isprintable() or "#" in line or not line.strip()]
    if odd:
        raise wrong("requirements", "a list of packages, one each", odd[0], code="requirements")
    try:
        parse_requirements("\n".join(lines), file="the requirements")
    except MalformedManifest as error:
        raise MalformedManifest(f"{FILE_NAME} cannot be used. {error}", code="requirements", file=FILE_NAME) from error


def _files(content: dict[str, Any]) -> dict[str, FileRecord]:
    records = {}
    for path, record in field_of(content, "files", dict).items():
        if not isinstance(record, dict) or set(record) != {"size", "sha256"}:
            raise wrong(f"files.{path}", "a mapping of size and sha256", record)
        size, digest = record["size"], record["sha256"]
        if type(size) is not int or size < 0 or not isinstance(digest, str) or not _SHA256.fullmatch(digest):
            raise wrong(f"files.{path}", "a size in bytes and a sha256", record)
        records[path] = FileRecord(size, digest)
    return records


_SHA256 = re.compile("[0-9a-f]{64}")


def _require_fields(content: dict[str, Any], place: str, fields: str = "") -> None:
    known = _FIELDS[fields or place]
    absent, unknown = sorted(known - set(content)), sorted(set(content) - known)
    if absent or unknown:
        named = [name[:60] for name in (unknown or absent)[:5]]
        raise MalformedManifest(
            f"{FILE_NAME}{' at ' + place if place else ''} must have the fields {', '.join(sorted(known))}. "
            f"{'Unknown' if unknown else 'Absent'}: {', '.join(named)}. Write it again with Learnware.save.",
            code="manifest-unknown-field" if unknown else "manifest-missing-field",
            file=FILE_NAME,
        )
