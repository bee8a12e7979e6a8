"""``learnware.yaml``: what a learnware's file holds and how to read it.

The manifest is data: it names a model format of the registry, never a Python object, and every other file with its size
and sha256. Unknown fields are errors, so nothing in it can be meant for another reader.
"""

from __future__ import annotations

import hashlib
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from learnware.bundle import strict_yaml
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
                "inputs": {
                    "columns": model.n_features,
                    "as": "frame" if model.frame else "array",
                    "categorical": list(model.categorical),
                },
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
            raise _wrong("format", f"{FORMAT}, in a mapping", content)
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
            name=_field(content, "name", str),
            model=_model(content),
            python=_field(content, "python", str),
            files=_files(content),
        )


_FIELDS = {
    "": {
        "format", "name", "task", "library", "model", "requirements", "python", "inputs", "outputs", "files"
    },
    "model": {"format", "files", "parameters"},
    "inputs": {"columns", "as", "categorical"},
    "outputs": {"columns", "classes", "probabilities"},
}  # fmt: skip


def _model(content: dict[str, Any]) -> ModelEntry:
    _require_fields(content, "")
    model, inputs, outputs = (_field(content, name, dict) for name in ("model", "inputs", "outputs"))
    for name in ("model", "inputs", "outputs"):
        _require_fields(content[name], name)
    task, classes = _field(content, "task", str), outputs["classes"]
    if task not in _TASKS or (classes is None) != (task == "Regression"):
        raise _wrong("task", f"one of {', '.join(_TASKS)}, with classes just for the first", task)
    if inputs["as"] not in ("array", "frame"):
        raise _wrong("inputs.as", "'array' or 'frame'", inputs["as"])
    parameters = _field(model, "parameters", dict)
    return ModelEntry(
        format=_field(model, "format", str),
        files=_texts(model, "files"),
        library=_field(content, "library", str),
        requirements=_requirements(content),
        task=task,
        classes=None if classes is None else _labels(classes),
        n_features=_positive(inputs, "columns"),
        n_outputs=_positive(outputs, "columns"),
        frame=inputs["as"] == "frame",
        categorical=_texts(inputs, "categorical"),
        probabilities=_field(outputs, "probabilities", bool),
        parameters={key: _label(value) for key, value in parameters.items()},
    )


def _requirements(content: dict[str, Any]) -> tuple[str, ...]:
    lines = _texts(content, "requirements")
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
        raise _wrong("requirements", "a list of packages, one each", odd[0], code="requirements")
    try:
        parse_requirements("\n".join(lines), file="the requirements")
    except MalformedManifest as error:
        raise MalformedManifest(f"{FILE_NAME} cannot be used. {error}", code="requirements", file=FILE_NAME) from error


def _files(content: dict[str, Any]) -> dict[str, FileRecord]:
    records = {}
    for path, record in _field(content, "files", dict).items():
        if not isinstance(record, dict) or set(record) != {"size", "sha256"}:
            raise _wrong(f"files.{path}", "a mapping of size and sha256", record)
        size, digest = record["size"], record["sha256"]
        if type(size) is not int or size < 0 or not isinstance(digest, str) or not _SHA256.fullmatch(digest):
            raise _wrong(f"files.{path}", "a size in bytes and a sha256", record)
        records[path] = FileRecord(size, digest)
    return records


_SHA256 = re.compile("[0-9a-f]{64}")


def _require_fields(content: dict[str, Any], place: str) -> None:
    absent, unknown = sorted(_FIELDS[place] - set(content)), sorted(set(content) - _FIELDS[place])
    if absent or unknown:
        named = [name[:60] for name in (unknown or absent)[:5]]
        raise MalformedManifest(
            f"{FILE_NAME}{' at ' + place if place else ''} must have the fields {', '.join(sorted(_FIELDS[place]))}. "
            f"{'Unknown' if unknown else 'Absent'}: {', '.join(named)}. Write it again with Learnware.save.",
            code="manifest-unknown-field" if unknown else "manifest-missing-field",
            file=FILE_NAME,
        )


def _field(content: dict[str, Any], name: str, kind: type) -> Any:
    value = content.get(name)
    if not isinstance(value, kind):
        raise _wrong(name, f"a {kind.__name__}", value)
    return value


def _texts(content: dict[str, Any], name: str) -> tuple[str, ...]:
    values = _field(content, name, list)
    if not all(isinstance(value, str) for value in values):
        raise _wrong(name, "a list of text", values)
    if len(set(values)) != len(values):
        raise _wrong(name, "a list of different texts", values)
    return tuple(values)


def _positive(content: dict[str, Any], name: str) -> int:
    value = content.get(name)
    if type(value) is not int or not 1 <= value <= LIMITS["point-numbers"]:
        raise _wrong(name, f"an int from 1 to {LIMITS['point-numbers']:,}", value)
    return value


def _labels(values: Any) -> tuple[Any, ...]:
    if not isinstance(values, list) or not values or len({type(_label(value)) for value in values}) != 1:
        raise _wrong("classes", "a list of labels of one type", values)
    if len(set(values)) != len(values):
        raise _wrong("classes", "a list of different labels", values)
    if isinstance(values[0], int) and not all(-(2**63) <= value < 2**63 for value in values):
        raise _wrong("classes", "a list of labels in 64 bits", values)
    return tuple(values)


def _label(value: Any) -> Any:
    if isinstance(value, bool | int | float | str):
        return value
    raise _wrong("classes or parameters", "text, numbers or truth values", value)


def _wrong(name: str, expected: str, got: object, *, code: str = "manifest-field") -> BundleError:
    return MalformedManifest(
        f"The field {name[:100]!r} of {FILE_NAME} must be {expected}. Got {str(got)[:100]!r}. "
        "Write it again with Learnware.save.",
        code=code,
        file=FILE_NAME,
    )
