"""Make a learnware's file from a fitted model and the data it is for."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from learnware._optional import loaded
from learnware._validation import RandomState, complain
from learnware.bundle.archive import pack
from learnware.bundle.content import Content
from learnware.bundle.manifest import FILE_NAME, MODEL_FOLDER, SPECIFICATION, Manifest
from learnware.bundle.rows import Layout
from learnware.errors import ColumnMismatch, IncomparableSpaces, InvalidData, LearnwareError, UnsupportedModel
from learnware.models import ModelEntry, ModelFormat, format_of, verify
from learnware.models.base import Label, Predictor, as_labels
from learnware.models.kept_rows import keepers_of_rows
from learnware.specification import Fields, Space, Specification
from learnware.specification.encoders import infer_space, read_table
from learnware.specification.measuring import LEAST_MIN_ROWS

_CALLER = "Learnware.from_model"
_SAMPLE_ROWS = 64


@dataclass(frozen=True)
class StoredModel:
    """The files of a model, and what was loaded from them."""

    entry: ModelEntry
    files: dict[str, bytes]
    predictor: Predictor


def build(
    model: Any,
    X: Any,
    y: Any,
    *,
    name: str,
    task: str | None,
    description: str,
    scenarios: str | Iterable[str],
    license: str | None,
    library: str | None,
    classes: Iterable[Label] | None,
    n_points: int,
    random_state: RandomState,
    progress: bool | None,
    specification: Specification | None,
    share_training_rows: bool,
) -> tuple[Content, Predictor]:
    """Store `model`, specify its data, and pack both; see `Learnware.from_model`.

    Returns
    -------
    (Content, Predictor)
        The file, and the model that was loaded back from it.
    """
    if not isinstance(name, str) or not name.strip():
        raise complain("name", _CALLER, "a text that is not empty", name)
    _, chosen = format_of(model)
    if not share_training_rows:
        _refuse_kept_rows(model)
    names = chosen.feature_names(model)
    X = _named_as(names, X, chosen)
    stored = _store(model, chosen, X, y, _task(task), classes, frame=chosen.takes_frames and names is not None)
    if specification is None:
        specification = Specification.from_data(
            X, task=stored.entry.task, n_points=n_points, random_state=random_state, progress=progress
        )
    words = {"description": description, "scenarios": scenarios, "license": license}
    said: dict[str, Any] = {key: value for key, value in words.items() if value}
    semantic = replace(
        specification.semantic,
        name=name,
        task=stored.entry.task,
        library=library or stored.entry.library,
        outputs=_outputs(stored.entry),
        **said,
    )
    space = infer_space(read_table(X), min_rows=LEAST_MIN_ROWS)
    content = _pack(stored, replace(_in_order_of(space, specification), semantic=semantic))
    return content, stored.predictor


def _in_order_of(space: Space, specification: Specification) -> Specification:
    """Put the columns of a specification in the order in which the model takes them."""
    if specification.statistical is None:
        raise complain("specification", _CALLER, "one with a statistical part", specification)
    try:
        return replace(specification, statistical=specification.statistical.aligned_to(space))
    except IncomparableSpaces as error:
        raise ColumnMismatch(f"The specification must be of the columns of X. {error}") from error


def _pack(stored: StoredModel, specification: Specification) -> Content:
    files = {SPECIFICATION: specification.to_json().encode()}
    files.update({f"{MODEL_FOLDER}/{path}": content for path, content in stored.files.items()})
    manifest = Manifest.of(specification.semantic.name, stored.entry, files)
    return Content(pack({FILE_NAME: manifest.to_yaml(), **files}))


def _store(
    model: Any,
    chosen: ModelFormat,
    X: Any,
    y: Any,
    task: str | None,
    classes: Iterable[Label] | None,
    *,
    frame: bool,
) -> StoredModel:
    table = read_table(X)
    labels = None if classes is None else as_labels(list(classes))
    targets = None if y is None else as_targets(y, table.n_samples)
    if targets is not None and not chosen.tells_task:
        task, labels = _told_by(targets, task, labels)
    numeric = isinstance(table.columns, np.ndarray) or all(column.kind == "number" for column in table.columns)
    sample = Layout(table.names, table.named, numeric, frame).arrange(_some_rows(X, table.n_samples))
    with tempfile.TemporaryDirectory(prefix="learnware-") as folder:
        try:
            entry = chosen.save(model, Path(folder), sample, task, labels)
            if entry.n_features != len(table.names):
                raise ColumnMismatch(
                    f"X must have the {entry.n_features} columns of the model. Got {len(table.names)}."
                )
            predictor = chosen.load(Path(folder), entry)
            verify(model, predictor, entry, sample)
        except LearnwareError:
            raise
        except Exception as error:
            raise InvalidData(
                f"The model itself fails on rows of X: {type(error).__name__}: {error} Pass X as the model takes it."
            ) from error
        files = {path: (Path(folder) / path).read_bytes() for path in entry.files}
    if targets is not None and entry.classes is not None:
        _require_known(targets, entry.classes)
    return StoredModel(entry, files, predictor)


def _refuse_kept_rows(model: Any) -> None:
    keepers = keepers_of_rows(model)
    if keepers:
        raise UnsupportedModel(
            f"{', '.join(keepers)} keeps rows of its training data, so whoever gets the learnware gets those rows. "
            "Use one that does not (a linear model, trees, a network), or pass share_training_rows=True if they may "
            "become public."
        )


def _task(task: object) -> str | None:
    known = {"classification": "Classification", "regression": "Regression"}
    if task is None:
        return None
    if isinstance(task, str) and task.lower() in known:
        return known[task.lower()]
    raise complain("task", _CALLER, "'classification', 'regression' or None", task)


def _named_as(names: Sequence[str] | None, X: Any, chosen: ModelFormat) -> Any:
    """Give X the model's columns: selected by name from a data frame, or named by the model where X has no names."""
    columns = getattr(X, "columns", None)
    if names is None:
        return X
    if columns is not None:
        own = [str(column) for column in columns]
        missing = [name for name in names if name not in own]
        if missing and chosen.takes_frames:
            raise ColumnMismatch(
                f"X lacks columns that the model was fitted on: {', '.join(missing)}.", missing=missing
            )
        if missing:
            return X
        places = [own.index(name) for name in names]
        return X.iloc[:, places] if hasattr(X, "iloc") else X[:, places]
    pandas = loaded("pandas")
    if pandas is None or np.ndim(X) != 2 or np.shape(X)[1] != len(names):
        return X
    torch = loaded("torch")
    values = X.detach().cpu().numpy() if torch is not None and isinstance(X, torch.Tensor) else np.asarray(X)
    return pandas.DataFrame(values, columns=list(names)).infer_objects()


def _some_rows(X: Any, n_samples: int) -> Any:
    places = np.unique(np.linspace(0, n_samples - 1, min(_SAMPLE_ROWS, n_samples)).astype(int))
    if hasattr(X, "iloc"):
        return X.iloc[places]
    return [X[i] for i in places] if isinstance(X, list | tuple) else X[places]


def as_targets(y: Any, n_samples: int) -> Any:
    """Return targets as an array with one value, or one row, for each sample."""
    torch = loaded("torch")
    if torch is not None and isinstance(y, torch.Tensor):
        y = y.detach().cpu().numpy()
    targets = np.asarray(y)
    if targets.ndim == 0 or len(targets) != n_samples:
        raise InvalidData(f"y must have one value for each of the {n_samples} rows of X. Got shape {targets.shape}.")
    return targets


def _told_by(targets: Any, task: str | None, labels: tuple[Label, ...] | None) -> tuple[str, tuple[Label, ...] | None]:
    if task is None:
        task = "Regression" if targets.dtype.kind == "f" and labels is None else "Classification"
    if task == "Classification" and labels is None:
        labels = as_labels(np.unique(targets))
    return task, labels


def _require_known(targets: Any, classes: tuple[Label, ...]) -> None:
    unknown = [label for label in np.unique(targets).tolist() if label not in classes]
    if unknown:
        raise InvalidData(f"y has the label {unknown[0]!r}, which is none of the model's classes {list(classes)!r}.")


def _outputs(entry: ModelEntry) -> Fields:
    return Fields(entry.n_outputs) if entry.classes is None else Fields.named(entry.classes)
