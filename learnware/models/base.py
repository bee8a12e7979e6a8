"""What a model format is, and the choice among them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from learnware.errors import InvalidParameter, LearnwareError, MalformedModel, UnsupportedModel
from learnware.models.level import Level
from learnware.registry import Registry

#: The formats by name. Other packages add theirs under the entry-point group.
FORMATS = Registry(
    "learnware.models",
    {
        "lightgbm": "learnware.models.lightgbm:LightGBMFormat",
        "onnx": "learnware.models.onnx:OnnxFormat",
        "python": "learnware.models.python:PythonFormat",
        "skops": "learnware.models.skops:SkopsFormat",
        "torch": "learnware.models.torch:TorchFormat",
        "xgboost": "learnware.models.xgboost:XGBoostFormat",
    },
)

Label = bool | int | float | str


@dataclass(frozen=True)
class ModelEntry:
    """What must be known to load a stored model and to check what it answers.

    Parameters
    ----------
    format : str
        Name of the format in `FORMATS`.
    files : tuple of str
        Names of its files, relative to the model's folder.
    library : {"Scikit-learn", "PyTorch", "Others"}
        The library as the vocabulary of semantic specifications calls it.
    requirements : tuple of str
        ``package==version`` of what is needed to load it.
    task : {"Classification", "Regression"}
        What it predicts.
    classes : tuple of bool, int, float or str, optional
        Labels in the order of the columns of ``predict_proba``; None for regression.
    n_features : int
        Number of input columns; of an image its numbers, of a text 1.
    n_outputs : int, default=1
        Numbers predicted per row.
    frame : bool, default=False
        Whether it wants a data frame (its columns by name) instead of an array.
    categorical : tuple of str, default=()
        Columns of the data frame that are of the category type.
    probabilities : bool, default=False
        Whether it tells the probability of each class.
    data : {"table", "text", "image"}, default="table"
        What a sample is.
    shape : tuple of int, default=()
        Shape of an image.
    pixels : {"", "bool", "int", "float"}, default=""
        Kind of the numbers in an image.
    parameters : mapping of str to bool, int, float or str
        What its format needs besides.
    """

    format: str
    files: tuple[str, ...]
    library: str
    requirements: tuple[str, ...]
    task: str
    classes: tuple[Label, ...] | None
    n_features: int
    n_outputs: int = 1
    frame: bool = False
    categorical: tuple[str, ...] = ()
    probabilities: bool = False
    data: str = "table"
    shape: tuple[int, ...] = ()
    pixels: str = ""
    parameters: Mapping[str, Label] = field(default_factory=dict)


class Predictor(Protocol):
    """A loaded model; a classifier may offer ``predict_proba`` too."""

    def predict(self, X: Any) -> Any:
        """Return one answer per row."""


class ModelFormat(Protocol):
    """One way to store models. A format holds no state: it is created, used and dropped.

    Attributes
    ----------
    files : tuple of str or None
        Names of the files that each of its models has, no more and no less; None where they differ from model to model.
    takes_frames : bool
        Whether models that know column names take data frames.
    tells_task : bool
        Whether a model says by itself what it predicts; if not, `task` and `classes` must be given.
    """

    files: tuple[str, ...] | None
    takes_frames: bool
    tells_task: bool

    def accepts(self, model: object) -> bool:
        """Tell whether this format stores models of that type, without importing their library."""

    def feature_names(self, model: Any) -> tuple[str, ...] | None:
        """Return the column names that the model was fitted with, if it knows any."""

    def save(
        self, model: Any, folder: Path, sample: Any, task: str | None, classes: Sequence[Label] | None
    ) -> ModelEntry:
        """Write the model's files; raise `UnsupportedModel` for one that cannot be stored safely."""

    def load(self, folder: Path, entry: ModelEntry) -> Predictor:
        """Read the files; raise `BundleError` for any that `save` cannot have written."""

    def given(self, model: Any, entry: ModelEntry) -> Predictor:
        """Return the unsaved model as a predictor, to compare the loaded one with."""

    def level(self, files: Mapping[str, bytes]) -> Level:
        """Tell what running the model can do; a file is only read, and checked, when it is asked for."""


def format_of(model: object) -> tuple[str, ModelFormat]:
    """Return name and format for `model`.

    Raises
    ------
    UnsupportedModel
        No format takes models of its type.
    """
    for name in FORMATS:
        chosen: ModelFormat = FORMATS[name]()
        if chosen.accepts(model):
            return name, chosen
    raise UnsupportedModel(
        f"A model must be a fitted scikit-learn estimator or pipeline, a torch.nn.Module, an ONNX model, or a LightGBM "
        f"or XGBoost model. Got {type(model).__module__}.{type(model).__qualname__}. Wrap or convert it to one of "
        "these."
    )


def save(
    model: Any,
    folder: str | Path,
    *,
    sample: Any,
    task: str | None = None,
    classes: Sequence[Label] | None = None,
) -> ModelEntry:
    """Write a fitted model into `folder`, in the format for its type.

    Parameters
    ----------
    model : object
        A fitted scikit-learn estimator, torch module, ONNX model, or LightGBM or XGBoost model.
    folder : path
        An existing folder; the files of the entry are created in it.
    sample : array or data frame of shape (n, n_features), texts of shape (n,), or images of shape (n, ...)
        A few samples as the model takes them.
    task : {"Classification", "Regression"}, optional
        Needed where the model does not tell itself.
    classes : sequence of labels, optional
        Needed where the model does not tell them: one per logit of a torch classifier.

    Returns
    -------
    ModelEntry

    Raises
    ------
    UnsupportedModel
        The model cannot be stored safely; the message says what to change.
    InvalidParameter
        `task` or `classes` are not those of the model.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> from sklearn.linear_model import LogisticRegression
    >>> from learnware.models import load, save
    >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array(["no", "no", "yes", "yes"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     entry = save(LogisticRegression().fit(X, y), folder, sample=X)
    ...     print(entry.format, entry.classes, load(folder, entry).predict([[0.5]]))
    skops ('no', 'yes') ['no']
    """
    _, chosen = format_of(model)
    return chosen.save(model, Path(folder), sample, task, classes)


def load(folder: str | Path, entry: ModelEntry) -> Predictor:
    """Read a stored model back.

    Raises
    ------
    MalformedModel
        The format is not known here, or the files are not what it writes.
    """
    chosen = _format_of_entry(entry)
    try:
        return chosen.load(Path(folder), entry)
    except (LearnwareError, MemoryError):
        raise
    except Exception as error:  # a library that reads a damaged file may raise anything
        # The text of an error of the system holds the path, which is nobody else's business.
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise MalformedModel(
            f"The model cannot be read as {entry.format!r}: {type(error).__name__}: {reason!s:.200}. Fetch the "
            "learnware again, or tell its developer.",
            code="model-damaged",
            file=next(iter(entry.files), entry.format),
        ) from error


def level_of(entry: ModelEntry, files: Mapping[str, bytes]) -> Level:
    """Tell what running a stored model can do, from what its files hold.

    Parameters
    ----------
    entry : ModelEntry
    files : mapping of str to bytes
        Content by name; it may read a file only when it is asked for.

    Raises
    ------
    MalformedModel
        The format is not known here or does not tell the level of its models (code ``"model-format"``), or the files
        are not what it writes.
    """
    return _format_of_entry(entry).level(files)


def _format_of_entry(entry: ModelEntry) -> ModelFormat:
    try:
        chosen: ModelFormat = FORMATS[entry.format]()
    except InvalidParameter as error:
        message = f"The model is stored in a format that is not installed: {error} Install the package that offers it."
        raise MalformedModel(message, code="model-format", file=_MANIFEST) from error
    if not hasattr(chosen, "files") or not callable(getattr(chosen, "level", None)):
        raise MalformedModel(
            f"The format {entry.format!r} must define 'files' and 'level', as learnware.models.ModelFormat says. "
            f"{type(chosen).__name__} does not: get a newer version of the package that offers it.",
            code="model-format",
            file=_MANIFEST,
        )
    if chosen.files is not None and sorted(entry.files) != sorted(chosen.files):
        raise wrong_files(entry.format, ", ".join(chosen.files), entry.files)
    return chosen


def wrong_files(name: str, expected: str, got: Iterable[str]) -> MalformedModel:
    """Return the error for a model whose files are not those of its format."""
    return MalformedModel(
        f"A model of the format {name!r} must have the files {expected}. Got {', '.join(got)!s:.200}. Fetch the "
        "learnware again, or tell its developer.",
        code="model-files",
        file=_MANIFEST,
    )


_MANIFEST = "learnware.yaml"


def requirements(*packages: str) -> tuple[str, ...]:
    """Return ``package==version`` for those of `packages` that are installed."""
    found = []
    for package in packages:
        try:
            found.append(f"{package}=={version(package).partition('+')[0]}")
        except PackageNotFoundError:
            continue
    return tuple(found)


def as_labels(classes: Any) -> tuple[Label, ...]:
    """Return class labels as plain Python values.

    Raises
    ------
    UnsupportedModel
        Labels are not text, integers, truth values or finite numbers, or occur twice.
    """
    labels = np.asarray(classes).tolist() if not isinstance(classes, list | tuple) else [_plain(c) for c in classes]
    odd = [label for label in labels if not isinstance(label, bool | int | float | str) or label != label]
    if odd:
        raise UnsupportedModel(
            f"Class labels must be text, integers, truth values or numbers. Got {odd[0]!r}: relabel y and fit again."
        )
    if len({type(label) for label in labels}) > 1 or len(set(labels)) != len(labels):
        raise UnsupportedModel(f"Class labels must be of one type, each once. Got {labels!r}.")
    return tuple(labels)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
