"""Sound packages to start from, and how to change one of their files."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import yaml
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

from learnware import Learnware
from learnware.bundle.archive import Archive, pack
from learnware.bundle.manifest import FileRecord, Manifest
from learnware.specification import FunctionEncoder

MANIFEST, SPECIFICATION = "learnware.yaml", "specification.json"

_RNG = np.random.default_rng(0)
X = _RNG.normal(size=(120, 3)).round(6)
Y = (X[:, 0] + X[:, 1] > 0).astype(int) + (X[:, 2] > 0)


def packed(model: Any, X: Any = X, y: Any = Y, **words: Any) -> bytes:
    """Pack a fitted model."""
    options = {"name": "A model", "random_state": 0, "n_points": 5, "share_training_rows": True, **words}
    return Learnware.from_model(model, X, y, **options).to_bytes()


@functools.cache
def plain() -> bytes:
    """Return a small package of a linear model."""
    return packed(LogisticRegression().fit(X, Y))


TEXTS = [" ".join(f"word{(i * j) % 97}" for j in range(1, 4 + i % 5)) for i in range(1, 121)]
IMAGES = _RNG.integers(0, 256, size=(120, 3, 4, 5), dtype=np.uint8)


@functools.cache
def of_texts() -> bytes:
    """Return a package of a model of texts."""
    encoder = FunctionEncoder("lengths-1", "text", lambda texts: [[len(text), text.count("1")] for text in texts])
    model = make_pipeline(TfidfVectorizer(), MultinomialNB()).fit(TEXTS, Y)
    return packed(model, TEXTS, data="text", encoder=encoder)


@functools.cache
def of_images() -> bytes:
    """Return a package of a model of images."""
    encoder = FunctionEncoder("means-1", "image", lambda images: np.asarray(images, float).mean(axis=(2, 3)))
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(12, 3))
    return packed(net, IMAGES, data="image", encoder=encoder)


def files_of(data: bytes) -> dict[str, bytes]:
    """Return all files of a package."""
    archive = Archive(data)
    return {name: archive.read(name) for name in archive.names}


def with_files(data: bytes, changes: Mapping[str, bytes], *, entry: Mapping[str, Any] | None = None) -> bytes:
    """Return a package with other files, listed rightly in its manifest, as somebody who wants to mislead would."""
    files = {**files_of(data), **changes}
    manifest = Manifest.from_yaml(files.pop(MANIFEST))
    records = {name: FileRecord.of(content) for name, content in files.items()}
    manifest = replace(manifest, files=records, model=replace(manifest.model, **(entry or {})))
    return pack({MANIFEST: manifest.to_yaml(), **files})


def with_manifest(text: bytes, data: bytes | None = None) -> bytes:
    """Return a package with another text of its manifest."""
    return pack({**files_of(data or plain()), MANIFEST: text})


def changed_manifest(change: Callable[[dict[str, Any]], Any], data: bytes | None = None) -> bytes:
    """Return a package whose manifest was changed as a mapping."""
    content = yaml.safe_load(files_of(data or plain())[MANIFEST])
    change(content)
    return with_manifest(yaml.safe_dump(content, sort_keys=False).encode(), data)


def with_specification(text: bytes, data: bytes | None = None) -> bytes:
    """Return a package with another text of its specification."""
    return with_files(data or plain(), {SPECIFICATION: text})


def changed_specification(change: Callable[[dict[str, Any]], Any], data: bytes | None = None) -> bytes:
    """Return a package whose specification was changed as a mapping."""
    content = json.loads(files_of(data or plain())[SPECIFICATION])
    change(content)
    return with_specification(json.dumps(content).encode(), data)


def changed_statistical(**changes: Any) -> bytes:
    """Return a package whose statistical specification has other fields, and no labels unless they are given."""
    return changed_specification(lambda content: content["statistical"].update({"labels": None, **changes}))
