"""Zips of learnwares as Beimingwu has them, made here: their form is public, their content is ours."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
import yaml

N_FEATURES = 3
N_CLASSES = 4
COEF = np.array([[1.0, -2.0, 0.5]])
INTERCEPT = np.array([0.25])

REGRESSION = """
import os
import numpy as np
from learnware.model import BaseModel

HERE = os.path.dirname(os.path.abspath(__file__))

def read_weights():
{reading}

class MyModel(BaseModel):
    def __init__(self, scale=1.0):
        super().__init__(input_shape=({n_features},), output_shape=(1,))
        self.weights = read_weights() * scale

    def predict(self, X):
        return np.asarray(X) @ self.weights[:-1] + self.weights[-1]

    def fit(self, X, y):
        rows = np.column_stack([np.asarray(X), np.ones(len(X))])
        self.weights = np.linalg.lstsq(rows, np.asarray(y), rcond=None)[0]

    def finetune(self, X, y):
        self.fit(X, y)
"""

CLASSIFICATION = """
import numpy as np
from learnware.model import BaseModel

class MyModel(BaseModel):
    def __init__(self):
        super().__init__(input_shape=({n_features},), output_shape=({n_classes},))
        self.weights = np.random.RandomState(0).normal(size=({n_features}, {n_classes}))

    def predict(self, X):
        scores = np.asarray(X) @ self.weights
        return {answer}

    def fit(self, X, y):
        pass

    def finetune(self, X, y):
        pass
"""

_READING = {
    "npy": ("weights.npy", "    return np.load(os.path.join(HERE, 'weights.npy'))"),
    "pickle": (
        "model.pkl",
        "    import pickle\n"
        "    with open(os.path.join(HERE, 'model.pkl'), 'rb') as file:\n"
        "        return pickle.load(file)",
    ),
    "joblib": ("model.joblib", "    import joblib\n    return joblib.load(os.path.join(HERE, 'model.joblib'))"),
}


def make_upstream_zip(
    *,
    task: str = "Regression",
    source: str | None = None,
    prelude: str = "",
    weights: str = "npy",
    scores: bool = False,
    top_folder: str = "",
    spec_class: str = "RKMETableSpecification",
    stat: Any = None,
    legacy: bool = False,
    requirements: str | None = "numpy\n",
    environment: str | None = None,
    semantic: Any = "default",
    semantic_in_yaml: bool = True,
    kwargs: Mapping[str, Any] | None = None,
    module_path: str | None = "__init__.py",
    manifest: Any = "default",
    files: Mapping[str, bytes | str] | None = None,
    without: tuple[str, ...] = (),
    compression: int = zipfile.ZIP_DEFLATED,
) -> bytes:
    """Return a zip; equal options give equal bytes.

    Parameters
    ----------
    task : str
        "Classification" gives a classifier of four classes, anything else a linear regression of three columns.
    source, prelude : str
        The whole of ``__init__.py``, or what stands before the default source.
    weights : {"npy", "pickle", "joblib"}
        How the regression keeps its weights.
    scores : bool
        Whether a classifier answers with scores of classes instead of labels.
    top_folder : str
        The folder that holds everything; "" for a flat zip.
    spec_class, stat : str, object
        Class of the statistical specification and content of its JSON; None: points of ordinary data.
    legacy : bool
        Write the statistical specification as old versions did: without type, with the device.
    requirements, environment : str or None
        Content of ``requirements.txt`` and ``environment.yaml``.
    semantic : dict or None
        Content of ``semantic_specification.json``; None: not there, as before Beimingwu has taken the learnware.
    semantic_in_yaml, kwargs, module_path, manifest
        What stands in ``learnware.yaml``; the last replaces it: a mapping, or the text itself.
    files : mapping
        Further files, which take precedence.
    without : tuple of str
        Files to leave out.
    compression : int
        A constant of `zipfile`.
    """
    if semantic == "default":
        semantic = semantic_dict(task)
    if manifest == "default":
        manifest = manifest_dict(spec_class, kwargs, module_path, told=semantic is not None and semantic_in_yaml)
    code, kept = _model(task, source, weights, scores)
    content: dict[str, bytes | str] = {
        "learnware.yaml": manifest if isinstance(manifest, str) else _yaml(manifest),
        "__init__.py": prelude + code,
        "stat.json": _json(stat_dict(spec_class, legacy=legacy) if stat is None else stat),
        **kept,
    }
    if requirements is not None:
        content["requirements.txt"] = requirements
    if environment is not None:
        content["environment.yaml"] = environment
    if semantic is not None:
        content["semantic_specification.json"] = _json(semantic)
    content.update(files or {})
    prefix = f"{top_folder}/" if top_folder else ""
    chosen = {prefix + name: value for name, value in content.items() if name not in without}
    return zipped(chosen, compression=compression)


def zipped(files: Mapping[str, bytes | str], *, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip as Python writes it, at one moment in time."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, value in files.items():
            info = zipfile.ZipInfo(name, (2024, 1, 31, 12, 30, 0))
            info.compress_type = compression
            info.external_attr = 0o100644 << 16 if not name.endswith("/") else 0o40755 << 16 | 0x10
            archive.writestr(info, value)
    return buffer.getvalue()


def manifest_dict(
    spec_class: str = "RKMETableSpecification",
    kwargs: Mapping[str, Any] | None = None,
    module_path: str | None = "__init__.py",
    *,
    told: bool = True,
) -> dict[str, Any]:
    """Return the content of ``learnware.yaml``, as uploaded, or as the server completes it."""
    model: dict[str, Any] = {"class_name": "MyModel"}
    if module_path is not None:
        model["module_path"] = module_path
    if kwargs is not None:
        model["kwargs"] = dict(kwargs)
    spec = {"module_path": "learnware.specification", "class_name": spec_class, "file_name": "stat.json", "kwargs": {}}
    content: dict[str, Any] = {"model": model, "stat_specifications": [spec]}
    if told:
        content["id"] = "00000082"
        content["semantic_specification"] = {"file_name": "semantic_specification.json"}
    return content


def stat_dict(spec_class: str = "RKMETableSpecification", *, legacy: bool = False, **changes: Any) -> dict[str, Any]:
    """Return the content of ``stat.json``: twenty points of standard normal data, or a few images or texts."""
    rng = np.random.RandomState(0)
    content: dict[str, Any] = {"beta": [0.05] * 20}
    if spec_class == "RKMEImageSpecification":
        content.update(RKME_IMAGE_VERSION=1, msg=None, z=rng.normal(size=(20, 1, 4, 4)).round(3).tolist(), n_models=16)
        content["model_config"] = {"k": 2, "mu": 0, "sigma": None, "net_width": 128, "net_depth": 3}
    elif spec_class == "RKMETextSpecification":
        content.update(z=rng.normal(size=(20, 8)).round(3).tolist(), gamma=0.1, num_points=20, language=["zh-cn"])
    else:
        content.update(z=rng.normal(size=(20, N_FEATURES)).round(6).tolist(), gamma=0.1, num_points=20)
    content.update({"cuda_idx": -1, "device": "cpu"} if legacy else {"type": spec_class})
    return {**content, **changes}


def semantic_dict(task: str = "Regression", **changes: Any) -> dict[str, Any]:
    """Return the content of ``semantic_specification.json``; None for a key leaves it out."""
    content: dict[str, Any] = {
        "Data": {"Type": "Class", "Values": ["Table"]},
        "Task": {"Type": "Class", "Values": [task]},
        "Library": {"Type": "Class", "Values": ["Others"]},
        "Scenario": {"Type": "Tag", "Values": ["Business"]},
        "License": {"Type": "Class", "Values": ["MIT"]},
        "Name": {"Type": "String", "Values": "Linear model of three columns"},
        "Description": {"Type": "String", "Values": "Made for tests. 仅供测试。"},
        "Input": {"Dimension": N_FEATURES, "Description": {"0": "first", "2": "third"}},
        "Output": {"Dimension": N_CLASSES if task == "Classification" else 1, "Description": {"0": "answer"}},
    }
    content.update(changes)
    return {key: value for key, value in content.items() if value is not None}


def _model(task: str, source: str | None, weights: str, scores: bool) -> tuple[str, dict[str, bytes]]:
    """Return the code of the model, and the files that it reads."""
    if source is not None:
        return source, {}
    if task == "Classification":
        answer = "scores" if scores else "scores.argmax(axis=1)"
        return CLASSIFICATION.format(n_features=N_FEATURES, n_classes=N_CLASSES, answer=answer), {}
    file, reading = _READING[weights]
    values, buffer = np.append(COEF, INTERCEPT), io.BytesIO()
    if weights == "npy":
        np.save(buffer, values, allow_pickle=False)
    elif weights == "pickle":
        pickle.dump(values, buffer, protocol=4)
    else:
        import joblib

        joblib.dump(values, buffer)
    return REGRESSION.format(reading=reading, n_features=N_FEATURES), {file: buffer.getvalue()}


def _yaml(content: Any) -> str:
    # A copy, in which no part occurs twice: YAML would write the second as an alias of the first.
    return yaml.safe_dump(json.loads(json.dumps(content)), sort_keys=False)


def _json(content: Any) -> bytes | str:
    return content if isinstance(content, bytes | str) else json.dumps(content, separators=(",", ":"))
