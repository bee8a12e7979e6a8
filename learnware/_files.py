"""Tables and stored models as the command line reads them; none of these files is executed or unpickled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from learnware._optional import import_optional
from learnware.errors import BundleError, InvalidParameter


def existing(file: Path) -> Path:
    """Return `file` if it is one, or raise FileNotFoundError."""
    if not file.is_file():
        raise FileNotFoundError(f"There is no file {str(file)!r}.")
    return file


def read_table(file: Path, *, header: bool) -> Any:
    """Read a .csv or .npy file; a header gives a pandas DataFrame, for the sake of its names."""
    if existing(file).suffix not in (".csv", ".npy"):
        raise InvalidParameter(f"Data must be a .csv or .npy file. Got {str(file)!r}.")
    try:
        if file.suffix == ".npy":
            return np.load(file, allow_pickle=False)
        pandas = import_optional("pandas", extra=None, purpose="Reading a .csv file")
        table = pandas.read_csv(file, header=0 if header else None)
    except ValueError as error:
        raise InvalidParameter(f"{str(file)!r} cannot be read as a table: {error}") from error
    return table if header else table.to_numpy()


def split_target(table: Any, target: str | None) -> tuple[Any, Any]:
    """Return a table without the column `target`, and that column."""
    if target is None:
        return table, None
    if target not in getattr(table, "columns", ()):
        raise InvalidParameter(f"--target must name a column of the data. There is no column {target!r}.")
    return table.drop(columns=target), table[target].to_numpy()


def labels(texts: Sequence[str] | None) -> list[int] | list[str] | None:
    """Return class labels from the command line, as integers if all of them are."""
    if texts is None:
        return None
    try:
        return [int(text) for text in texts]
    except ValueError:
        return list(texts)


def read_model(file: Path) -> Any:
    """Read a stored model, by a reader that its suffix names."""
    read = _READERS.get(existing(file).suffix)
    if read is None:
        raise InvalidParameter(
            f"A model must be a file of type {', '.join(_READERS)}. Got {str(file)!r}. Pickles and joblib files run "
            "code when they are read: write scikit-learn models with skops.io.dump, or use Learnware.from_model."
        )
    try:
        return read(file)
    except (BundleError, ImportError, OSError):
        raise
    except Exception as error:
        raise BundleError(f"{str(file)!r} cannot be read as a model: {error}", code="model-damaged") from error


def _read_skops(file: Path) -> Any:
    from learnware.models.skops_file import loads, rewritten

    return loads(rewritten(file.read_bytes()))


def _read_lightgbm(file: Path) -> Any:
    return import_optional("lightgbm", extra=None, purpose="A LightGBM model").Booster(model_file=file)


def _read_xgboost(file: Path) -> Any:
    return import_optional("xgboost", extra=None, purpose="An XGBoost model").Booster(model_file=str(file))


def _read_onnx(file: Path) -> Any:
    # Weights may lie in files beside it, which become part of the model here.
    return import_optional("onnx", extra="onnx", purpose="An ONNX model").load(str(file))


_READERS: dict[str, Callable[[Path], Any]] = {
    ".skops": _read_skops,
    ".onnx": _read_onnx,
    ".txt": _read_lightgbm,
    ".json": _read_xgboost,
    ".ubj": _read_xgboost,
}
