"""The content of a learnware's file: checked on opening, its model built on first use."""

from __future__ import annotations

import hashlib
import tempfile
from functools import cached_property
from pathlib import Path
from threading import Lock

from learnware.bundle.archive import Archive
from learnware.bundle.manifest import FILE_NAME, MODEL_FOLDER, SPECIFICATION, Manifest
from learnware.bundle.rows import Layout
from learnware.bundle.strict_yaml import MAX_BYTES
from learnware.errors import BundleError, ChecksumMismatch, InvalidSpecification, LearnwareError
from learnware.models import load
from learnware.models.base import Predictor
from learnware.specification import RKME, Specification

MAX_SPECIFICATION = 64 * 2**20


class Content:
    """Manifest and specification of one learnware file, and its model on first use.

    Parameters
    ----------
    source : bytes
        The content of the file.

    Raises
    ------
    BundleError
        The file is damaged, incomplete, or of another format.
    """

    def __init__(self, source: bytes, *, model: Predictor | None = None) -> None:
        self.archive = Archive(source)
        self.manifest = Manifest.from_yaml(self.archive.read(FILE_NAME, limit=MAX_BYTES))
        self._check_names()
        self.specification = self._read_specification()
        self.rkme = self._require_statistical()
        self._model = model
        self._lock = Lock()

    def _check_names(self) -> None:
        listed = {FILE_NAME, *self.manifest.files}
        expected = {
            FILE_NAME,
            SPECIFICATION,
            *(f"{MODEL_FOLDER}/{name}" for name in self.manifest.model.files),
        }
        if not set(self.archive.names) == listed == expected:
            odd = sorted(set(self.archive.names) ^ expected | listed ^ expected)
            raise BundleError(
                f"The files of this learnware are not those of its manifest: {odd[:5]}.", code="incomplete"
            )

    def _read_checked(self, name: str, limit: int | None = None) -> bytes:
        content = self.archive.read(name, limit=limit)
        self.manifest.files[name].check(name, content)
        return content

    def _read_specification(self) -> Specification:
        try:
            return Specification.from_json(self._read_checked(SPECIFICATION, MAX_SPECIFICATION))
        except InvalidSpecification as error:
            raise BundleError(f"The specification of this learnware is wrong: {error}", code="specification") from error

    def _require_statistical(self) -> RKME:
        rkme = self.specification.statistical
        entry = self.manifest.model
        if rkme is None or len(rkme.space.columns) != entry.n_features:
            raise BundleError(
                "The specification of this learnware is not of the model's columns.", code="specification"
            )
        if not set(entry.categorical) <= set(rkme.space.names):
            raise BundleError("The manifest of this learnware names columns that the model lacks.", code="manifest")
        if self.specification.semantic.name != self.manifest.name:
            raise BundleError(
                "The specification and the manifest of this learnware differ in the name.", code="specification"
            )
        if self.specification.semantic.task != entry.task:
            raise BundleError("The specification and the manifest of this learnware differ in the task.", code="task")
        return rkme

    @cached_property
    def layout(self) -> Layout:
        """How the model takes its rows."""
        model = self.manifest.model
        return Layout.of(self.rkme.space, frame=model.frame, categorical=model.categorical)

    @cached_property
    def digest(self) -> str:
        """Sha256 of the whole file."""
        return hashlib.sha256(self.archive.read_all()).hexdigest()

    def read_all(self) -> bytes:
        """Return the bytes of the file; `ChecksumMismatch` if it changed since its digest was taken."""
        data = self.archive.read_all()
        if hashlib.sha256(data).hexdigest() != self.digest:
            raise ChecksumMismatch("The file of this learnware was changed after it had been opened.")
        return data

    def verify(self) -> None:
        """Read every file and compare it with the manifest."""
        for name in self.manifest.files:
            self._read_checked(name)

    def model(self) -> Predictor:
        """Return the model, built once however many threads ask."""
        if self._model is None:
            with self._lock:
                if self._model is None:
                    self._model = self._load_model()
        return self._model

    def _load_model(self) -> Predictor:
        entry = self.manifest.model
        with tempfile.TemporaryDirectory(prefix="learnware-") as folder:
            try:
                for name in entry.files:
                    path = Path(folder) / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(self._read_checked(f"{MODEL_FOLDER}/{name}"))
                return load(folder, entry)
            except LearnwareError:
                raise
            except Exception as error:  # a library that reads a damaged file may raise anything
                raise BundleError(
                    f"The model of this learnware cannot be read as {entry.format!r}: {type(error).__name__}: {error}. "
                    "Fetch the learnware again, or tell its developer.",
                    code="model",
                ) from error
