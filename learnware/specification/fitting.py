"""From raw samples to the parts of an embedding: points, weights, and what is known at the points."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware._progress import progress_bar
from learnware._validation import complain
from learnware.errors import InvalidData, TooFewRows
from learnware.kernels import fit_reduced_set
from learnware.specification.encoders import Encoder, encode_rows, encoder_for, infer_space, read_table
from learnware.specification.labels import Label, labels_at
from learnware.specification.measuring import framed, own_frame
from learnware.specification.rounding import rounded_points, rounded_rest
from learnware.specification.space import Space

Array = npt.NDArray[np.float64]


def fit_parts(
    X: Any,
    n_points: int,
    *,
    data: str,
    encoder: Encoder | str | None,
    outputs: Any,
    output_rows: Any,
    classes: tuple[Label, ...] | None,
    score: float | None,
    min_rows: int,
    generator: np.random.Generator,
    device: str | None,
    progress: bool | None,
) -> dict[str, Any]:
    """Fit points and weights to samples; return the arguments of an `RKME`.

    Parameters are those of `RKME.from_data`.
    """
    space, rows = _encoded(X, data, encoder, min_rows, device, progress)
    location, scale, frame = own_frame(rows, space, min_rows, generator)
    inside = framed(rows, frame, scale)
    with _reporting(progress) as report:
        reduced = fit_reduced_set(
            inside,
            frame.kernel,
            n_points,
            min_rows=min_rows,
            random_state=generator,
            device=device or _device_of(X),
            progress=report,
        )
    labels = None
    if outputs is not None:
        known = inside if output_rows is None else inside[_as_positions(output_rows, len(rows))]
        told = _as_outputs(outputs, len(known))
        labels = labels_at(reduced.points, known, told, classes=classes, score=score, min_rows=min_rows)
    points = rounded_points(frame.undo(reduced.points), inside, frame, scale, min_rows, generator)
    weights, location, scale, labels = rounded_rest(points, reduced.weights, location, scale, labels)
    return {
        "points": points,
        "weights": weights,
        "space": space,
        "location": location,
        "scale": scale,
        "n_samples": len(rows),
        "squared_error": float(reduced.squared_error),
        "labels": labels,
    }


def _encoded(
    X: Any, data: str, encoder: Encoder | str | None, min_rows: int, device: str | None, progress: bool | None
) -> tuple[Space, Array]:
    if data == "table":
        if encoder is not None:
            raise InvalidData("Tables have no encoder. Pass data='text' or data='image' with it, or leave it out.")
        table = read_table(X)
        _require_rows(table.n_samples, min_rows)
        space = infer_space(table, min_rows=min_rows)
        return space, encode_rows(table, space)
    chosen = encoder_for(data, encoder)
    rows = chosen.encode(X, device=device or _device_of(X), progress=progress)
    _require_rows(len(rows), min_rows)
    return Space.encoded(data, chosen.id, rows.shape[1]), rows


def _require_rows(n_samples: int, min_rows: int) -> None:
    if n_samples < min_rows:
        raise TooFewRows(
            f"X must have at least {min_rows} rows, so that no published point stands for fewer. Got {n_samples}."
        )


def _as_outputs(outputs: Any, n_samples: int) -> Array:
    try:
        values = np.asarray(outputs, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidData(f"The outputs must be numbers, with NaN where they are not known: {error}.") from error
    if np.isinf(values).any():
        raise InvalidData("The outputs must be finite numbers, with NaN where they are not known. Got infinite ones.")
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or len(values) != n_samples:
        raise InvalidData(f"The outputs must have one row for each of the {n_samples} samples. Got {values.shape}.")
    return values


def _as_positions(positions: Any, n_samples: int) -> npt.NDArray[np.intp]:
    places = np.asarray(positions)
    if places.ndim != 1 or places.dtype.kind not in "iu" or not ((places >= 0) & (places < n_samples)).all():
        raise complain("output_rows", "RKME.from_data", f"positions of samples, from 0 to {n_samples - 1}", positions)
    return places.astype(np.intp)


def _device_of(X: Any) -> str | None:
    """Return where a tensor lives, if that is not the processor."""
    device = getattr(X, "device", None)
    kind = getattr(device, "type", "cpu")
    return None if kind == "cpu" else str(device)


@contextmanager
def _reporting(shown: bool | None) -> Iterator[Callable[[int, int], None] | None]:
    if not shown:
        yield None
        return
    with progress_bar(desc="fitting the specification", leave=False, shown=True) as bar:

        def report(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield report
