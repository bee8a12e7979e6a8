"""Make a learnware's file from a fitted model and the data it is for."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from learnware._optional import loaded
from learnware._validation import RandomState, check_option, complain
from learnware.bundle.archive import pack
from learnware.bundle.content import Content
from learnware.bundle.given import Given
from learnware.bundle.manifest import FILE_NAME, MODEL_FOLDER, SPECIFICATION, Manifest
from learnware.bundle.specifying import checked_score, fitted_to, specify
from learnware.errors import ColumnMismatch, InvalidData, InvalidParameter, LearnwareError, UnsupportedModel
from learnware.models import ModelEntry, ModelFormat, format_of, verify
from learnware.models.base import Label, Predictor, as_labels
from learnware.models.kept_rows import keepers_of_rows
from learnware.specification import Fields, Specification
from learnware.specification.encoders import Encoder
from learnware.specification.space import DATA

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
    data: str,
    encoder: Encoder | str | None,
    score: float | None,
) -> tuple[Content, Predictor]:
    """Store `model`, specify its data, and pack both; see `Learnware.from_model`.

    Returns
    -------
    (Content, Predictor)
        The file, and the model that was loaded back from it.
    """
    if not isinstance(name, str) or not name.strip():
        raise complain("name", _CALLER, "a text that is not empty", name)
    kind = check_option(data.lower() if isinstance(data, str) else data, DATA, "data", _CALLER)
    if specification is not None and (score is not None or encoder is not None):
        raise InvalidParameter(
            f"The parameters 'score' and 'encoder' of {_CALLER} are for a specification that is built here. Leave them "
            "out, or leave out 'specification'."
        )
    _, chosen = format_of(model)
    if not share_training_rows:
        _refuse_kept_rows(model)
    names = chosen.feature_names(model) if kind == "table" else None
    given = Given.read(_named_as(names, X, chosen), kind, frame=chosen.takes_frames and names is not None)
    stored = _store(model, chosen, given, y, _task(task), classes)
    score = checked_score(score, stored.entry.task)
    if specification is None:
        specification = specify(
            given,
            stored.entry,
            stored.predictor,
            encoder=encoder,
            score=score,
            n_points=n_points,
            random_state=random_state,
            progress=progress,
        )
    else:
        specification = fitted_to(given, stored.entry, specification)
    words = {"description": description, "scenarios": scenarios, "license": license}
    said: dict[str, Any] = {key: value for key, value in words.items() if value}
    semantic = replace(
        specification.semantic,
        name=name,
        data=kind,
        task=stored.entry.task,
        library=library or stored.entry.library,
        outputs=_outputs(stored.entry),
        **said,
    )
    return _pack(stored, replace(specification, semantic=semantic)), stored.predictor


def _pack(stored: StoredModel, specification: Specification) -> Content:
    files = {SPECIFICATION: specification.to_json().encode()}
    files.update({f"{MODEL_FOLDER}/{path}": content for path, content in stored.files.items()})
    manifest = Manifest.of(specification.semantic.name, stored.entry, files)
    return Content(pack({FILE_NAME: manifest.to_yaml(), **files}))


def _store(
    model: Any, chosen: ModelFormat, given: Given, y: Any, task: str | None, classes: Iterable[Label] | None
) -> StoredModel:
    labels = None if classes is None else as_labels(list(classes))
    targets = None if y is None else as_targets(y, given.n_samples)
    if targets is not None and not chosen.tells_task:
        task, labels = _told_by(targets, task, labels)
    _, sample = given.rows(_SAMPLE_ROWS)
    with tempfile.TemporaryDirectory(prefix="learnware-") as folder:
        try:
            entry = given.completed(chosen.save(model, Path(folder), sample, task, labels))
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
