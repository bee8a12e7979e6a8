"""Files of synthetic learnwares, made without fitting anything: one small model under the words of each."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import numpy as np

from learnware.bundle import Learnware
from learnware.bundle.archive import Archive, pack
from learnware.bundle.manifest import FILE_NAME, SPECIFICATION
from learnware.specification import RKME, SemanticSpecification, Specification
from learnware.testing.synthetic_plan import Plan

_NAME = "Synthetic"
_PLACE = '"words"'


@dataclass(frozen=True)
class Template:
    """The file of a learnware with places for its words.

    Parameters
    ----------
    files : dict of str to bytes
        What all files have in common.
    manifest, specification : str
        Texts of the first file; in the specification, words are to be put at a mark.
    """

    files: dict[str, bytes]
    manifest: str
    specification: str

    @classmethod
    def of(cls, plan: Plan) -> Template:
        """Make the template of a plan, by the real way of packing a model."""
        from sklearn.dummy import DummyClassifier, DummyRegressor

        X, y = np.zeros((plan.n_classes, plan.n_features)), np.arange(plan.n_classes)
        model = DummyRegressor() if plan.classes is None else DummyClassifier()
        point = RKME(X[:1], np.ones(1), plan.space, n_samples=plan.n_samples)
        learnware = Learnware.from_model(model.fit(X, y), X, name=_NAME, specification=Specification(statistical=point))
        archive = Archive(learnware.to_bytes())
        files = {name: archive.read(name) for name in archive.names}
        manifest, specification = files.pop(FILE_NAME).decode(), json.loads(files.pop(SPECIFICATION))
        # Exact sizes and digests follow with the words.
        before = archive.read(SPECIFICATION)
        manifest = manifest.replace(f"\nname: {_NAME}\n", "\nname: {name}\n")
        manifest = manifest.replace(
            f"size: {len(before)}\n    sha256: {hashlib.sha256(before).hexdigest()}", "{record}"
        )
        return cls(files, manifest, json.dumps({**specification, "semantic": json.loads(_PLACE)}))

    def filled(self, words: SemanticSpecification) -> bytes:
        """Return the file of a learnware with these words."""
        semantic = json.dumps(words.to_dict(), ensure_ascii=False)
        specification = self.specification.replace(_PLACE, semantic, 1).encode()
        record = f"size: {len(specification)}\n    sha256: {hashlib.sha256(specification).hexdigest()}"
        manifest = self.manifest.replace("{name}", words.name, 1).replace("{record}", record, 1)
        return pack({FILE_NAME: manifest.encode(), SPECIFICATION: specification, **self.files})
