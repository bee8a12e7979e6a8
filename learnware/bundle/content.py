"""The content of a learnware's file, checked on opening."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping

from learnware._once import once
from learnware.bundle.archive import Archive
from learnware.bundle.manifest import FILE_NAME, MODEL_FOLDER, SPECIFICATION, Manifest
from learnware.bundle.rows import Layout
from learnware.bundle.samples import Arrays, Images, Texts
from learnware.errors import (
    BundleError,
    InvalidSpecification,
    LimitExceeded,
    MalformedArchive,
    MalformedManifest,
    MalformedSpecification,
)
from learnware.limits import LIMITS
from learnware.models import Level, ModelEntry, level_of
from learnware.runtime import StoredModel
from learnware.specification import RKME, PointLabels, Specification

_TOO_LARGE = ("json-depth", "json-size", "spec-too-many")


class Content:
    """Manifest and specification of one learnware file, and the files of its model.

    Parameters
    ----------
    source : bytes
        The content of the file.

    Raises
    ------
    BundleError
        The file is damaged, incomplete, or of another format.
    """

    def __init__(self, source: bytes) -> None:
        self.archive = Archive(source)
        self.manifest = Manifest.from_yaml(self.archive.read(FILE_NAME, limit=LIMITS["manifest-bytes"]))
        self._check_names()
        self.specification = self._read_specification()
        self.rkme = self._agreeing_statistical()

    def _check_names(self) -> None:
        listed = {FILE_NAME, *self.manifest.files}
        expected = {
            FILE_NAME,
            SPECIFICATION,
            *(f"{MODEL_FOLDER}/{name}" for name in self.manifest.model.files),
        }
        if not set(self.archive.names) == listed == expected:
            odd = sorted(set(self.archive.names) ^ expected | listed ^ expected)
            raise MalformedArchive(
                f"The files of this learnware are not those of its manifest: {odd[:5]}. Fetch it again.",
                code="incomplete",
                file=odd[0],
            )

    def _read_checked(self, name: str, limit: int | None = None) -> bytes:
        content = self.archive.read(name, limit=limit)
        self.manifest.files[name].check(name, content)
        return content

    def _read_specification(self) -> Specification:
        try:
            return Specification.from_json(self._read_checked(SPECIFICATION, LIMITS["specification-bytes"]))
        except InvalidSpecification as error:
            kind = LimitExceeded if error.code in _TOO_LARGE else MalformedSpecification
            message = f"The specification of this learnware cannot be used. {error}"
            raise kind(message, code=error.code, file=SPECIFICATION) from error

    def _agreeing_statistical(self) -> RKME | None:
        rkme, semantic = self.specification.statistical, self.specification.semantic
        entry = self.manifest.model
        if semantic.name != self.manifest.name:
            raise _disagreement("name")
        # Of the tasks that are no classification, a model tells only that it answers with numbers.
        if (semantic.task == "Classification") != (entry.task == "Classification"):
            raise _disagreement("task")
        if rkme is None and entry.data == "table" and semantic.data not in (None, "Table"):
            return None
        if rkme is None or not _describes(rkme, entry):
            raise _disagreement("columns")
        if entry.data != "table" and semantic.data != entry.data.capitalize():
            raise _disagreement("data")
        if rkme.labels is not None and not _same_outputs(rkme.labels, entry):
            raise _disagreement("outputs")
        if not set(entry.categorical) <= set(rkme.space.names):
            raise MalformedManifest(
                "The manifest of this learnware names categorical columns that its specification lacks. "
                "Write it again with Learnware.save.",
                code="manifest-disagrees",
                file=FILE_NAME,
            )
        return rkme

    @once
    def layout(self) -> Layout | Texts | Images | Arrays:
        """How the model takes its samples."""
        model = self.manifest.model
        if self.rkme is None:
            return Texts() if self.specification.semantic.data == "Text" else Arrays()
        if model.data == "text":
            return Texts()
        if model.data == "image":
            return Images(model.shape, model.pixels)
        return Layout.of(self.rkme.space, frame=model.frame, categorical=model.categorical)

    @once
    def digest(self) -> str:
        """Sha256 of the whole file."""
        return hashlib.sha256(self.archive.read_all()).hexdigest()

    def read_all(self) -> bytes:
        """Return the bytes of the file."""
        return self.archive.read_all()

    def verify(self) -> None:
        """Read every file and compare it with the manifest."""
        for name in self.manifest.files:
            self._read_checked(name)

    def model_files(self) -> dict[str, bytes]:
        """Return the files of the model by name, each compared with the manifest."""
        return {name: self._model_file(name) for name in self.manifest.model.files}

    def _model_file(self, name: str) -> bytes:
        return self._read_checked(f"{MODEL_FOLDER}/{name}")

    @once
    def level(self) -> Level:
        """What running the model can do, by what its files are."""
        return level_of(self.manifest.model, _ReadWhenAsked(self.manifest.model.files, self._model_file))

    def stored_model(self) -> StoredModel:
        """Return the model as a runner takes it."""
        return StoredModel(self.manifest.name, self.manifest.model, self.level, self.model_files)


class _ReadWhenAsked(Mapping[str, bytes]):
    """The files of a model: most formats tell by their names what running it can do."""

    def __init__(self, names: tuple[str, ...], read: Callable[[str], bytes]) -> None:
        self._names = dict.fromkeys(names)
        self._read = read

    def __getitem__(self, name: str) -> bytes:
        if name not in self._names:
            raise KeyError(name)
        return self._read(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _describes(rkme: RKME, entry: ModelEntry) -> bool:
    """Tell whether points are of what the model takes; those of an encoder have numbers of their own."""
    if rkme.space.data != entry.data:
        return False
    return entry.data != "table" or len(rkme.space.columns) == entry.n_features


def _same_outputs(labels: PointLabels, entry: ModelEntry) -> bool:
    if labels.classes is None or entry.classes is None:
        return labels.classes is entry.classes and labels.values.shape[1] == entry.n_outputs
    # By their types too, since True is equal to 1.
    return [(type(c), c) for c in labels.classes] == [(type(c), c) for c in entry.classes]


def _disagreement(what: str) -> BundleError:
    return MalformedSpecification(
        f"The specification and the manifest of this learnware differ in the {what}. Write it again with "
        "Learnware.save.",
        code="spec-disagrees",
        file=SPECIFICATION,
    )
