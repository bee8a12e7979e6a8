"""Read the X and y that a reuser is fitted on: kept in the form they came in, since the learnwares read them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, check_consistent_length, column_or_1d, validate_data

from learnware._optional import import_optional, loaded
from learnware.errors import ColumnMismatch, InvalidData
from learnware.reuse.members import CLASSIFICATION
from learnware.specification.encoders import read_samples, read_table


def read_rows(reuser: Any, X: Any, *, reset: bool, data: str | None = None) -> Any:
    """Return X as a data frame (if it is one) or array, after noting or comparing its columns.

    Texts become a list of str, images an array; they have no columns, and no ``n_features_in_`` is noted.

    A data frame's columns are matched by name: another order is put right, further columns are left out.

    Parameters
    ----------
    reuser : Reuser
        Takes ``n_features_in_`` and ``feature_names_in_``.
    X : table of shape (n_samples, n_features), list of str, or array of images
    reset : bool
        True in ``fit``, which learns the columns; False where they must be the same.
    data : {"table", "text", "image"}, default=None
        Which of them the learnwares take; None asks those of a fitted reuser.

    Raises
    ------
    InvalidData
        X is something else, is empty, or holds infinite values.
    ColumnMismatch
        Columns are missing, or their number is another than in fit.
    """
    data = reuser._members.data if data is None else data
    if data != "table":
        return read_samples(X, data)
    torch = loaded("torch")
    if torch is not None and isinstance(X, torch.Tensor):
        X = X.detach().cpu().numpy()
    try:
        if hasattr(X, "columns"):
            X = X if reset else _in_fitted_order(reuser, X)
            validate_data(reuser, X, reset=reset, skip_check_array=True)
        else:
            X = validate_data(reuser, X, reset=reset, dtype=None, ensure_all_finite="allow-nan")
    except InvalidData:
        raise
    except TypeError as error:
        raise InvalidData(f"The columns of X must all have names that are text: {error}") from error
    except ValueError as error:
        kind = ColumnMismatch if "features" in str(error) and "expecting" in str(error) else InvalidData
        raise kind(str(error)) from error
    if not hasattr(X, "dtype") or X.dtype.kind not in "fiub":
        read_table(X)
    return X


def read_target(y: Any, n_samples: int, task: str) -> npt.NDArray[Any]:
    """Return y as an array of shape (n_samples,), or (n_samples, n_outputs) for several values a row.

    Raises
    ------
    InvalidData
        y has another length than X, misses values, or does not suit the task.
    """
    refuse_missing(y)
    try:
        if task == CLASSIFICATION:
            labels = column_or_1d(y, warn=True)
            check_array(labels, ensure_2d=False, dtype=None, input_name="y")
            check_classification_targets(labels)
        else:
            labels = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
            if labels.ndim == 1 or labels.shape[1] == 1:
                labels = column_or_1d(y, warn=True).astype(np.float64)
        check_consistent_length(np.empty(n_samples), labels)
    except ValueError as error:
        raise InvalidData(str(error)) from error
    return np.asarray(labels)


def refuse_missing(y: Any) -> None:
    """Raise InvalidData where rows have no label, and say where such rows belong."""
    labels = np.asarray(y)
    if labels.dtype.kind == "O":
        missing = np.array([label is None or label != label for label in labels.ravel()], dtype=bool)
    else:
        missing = np.isnan(labels.ravel()) if labels.dtype.kind == "f" else np.zeros(0, dtype=bool)
    if missing.any():
        raise InvalidData(
            f"Every row of X must have its label in y. Got None or NaN for {int(missing.sum())} of {missing.size}: "
            "leave these rows out of X and y and pass them as fit(X, y, unlabelled=rows)."
        )


def take(X: Any, index: Any) -> Any:
    """Return some rows of a data frame, array or list, by positions or a slice."""
    if hasattr(X, "iloc"):
        return X.iloc[index]
    if isinstance(X, list):
        return X[index] if isinstance(index, slice) else [X[i] for i in index]
    return X[index]


def join(X: Any, further: Any) -> Any:
    """Return rows and further rows of the same kind as one.

    Raises
    ------
    InvalidData
        One is a data frame and the other is not, or one of another library or of other types; or images differ in size.
    """
    if isinstance(X, list):
        return X + further
    if hasattr(X, "columns") != hasattr(further, "columns"):
        raise InvalidData("'unlabelled' must be of the same type as X: both data frames, or both arrays. Convert one.")
    if hasattr(X, "columns"):
        return _joined_frames(X, further)
    if X.shape[1:] != further.shape[1:]:
        raise InvalidData(f"'unlabelled' must be like X, samples of shape {X.shape[1:]}. Got {further.shape[1:]}.")
    return np.concatenate([X, further])


def _joined_frames(X: Any, further: Any) -> Any:
    if hasattr(X, "iloc") != hasattr(further, "iloc"):
        raise InvalidData(
            f"'unlabelled' must be a data frame of the same library as X, {_library(X)}. Got one of "
            f"{_library(further)}. Convert one."
        )
    if hasattr(X, "iloc"):
        pandas = import_optional("pandas", extra=None, purpose="Joining data frames")
        return pandas.concat([X, further], ignore_index=True)
    polars = import_optional("polars", extra=None, purpose="Joining data frames")
    told = "'unlabelled' must have columns of the types that X has. Got"
    try:
        joined = polars.concat([X, further], how="vertical_relaxed")
    except polars.exceptions.PolarsError as error:
        raise InvalidData(f"{told} other ones: {error}. Cast them.") from error
    texts = (polars.String, polars.Categorical, polars.Enum, polars.Null)
    for name, *types in zip(X.columns, X.dtypes, further.dtypes, strict=True):
        # Polars would make texts of numbers and dates.
        if joined.schema[name] == polars.String and any(kind not in texts for kind in types):
            raise InvalidData(f"{told} {types[1]} instead of {types[0]} in {name!r}. Cast it.")
    return joined


def _library(frame: Any) -> str:
    return type(frame).__module__.partition(".")[0]


def _in_fitted_order(reuser: Any, X: Any) -> Any:
    names = getattr(reuser, "feature_names_in_", None)
    if names is None:
        return X
    given = [str(name) for name in X.columns]
    missing = [name for name in names if name not in set(given)]
    if missing:
        raise ColumnMismatch(
            f"X lacks the column(s) {', '.join(map(repr, missing))}, which it had in fit.", missing=missing
        )
    return X if given == list(names) else X[list(names)]
