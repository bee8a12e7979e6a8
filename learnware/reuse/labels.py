"""Classes of different owners, matched by equality of their labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware.errors import InvalidData, InvalidParameter, ModelFailure


def join_classes(class_sets: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Return the sorted union of several sets of labels.

    Labels match by equality: 1, 1.0 and True are one class, "1" is another kind of label altogether.

    Raises
    ------
    InvalidParameter
        Some labels are text and others numbers, so that they can be neither matched nor sorted.

    Examples
    --------
    >>> import numpy as np
    >>> join_classes([np.array(["cat", "dog"]), np.array(["ant", "dog"])]).tolist()
    ['ant', 'cat', 'dog']
    """
    kinds = {kind_of_labels(labels) for labels in class_sets}
    if len(kinds) > 1:
        shown = "; ".join(f"{labels[:3].tolist()} ({kind_of_labels(labels)})" for labels in class_sets)
        raise InvalidParameter(
            f"The classes of the learnwares and of y must be labels of one kind. Got {shown}. "
            "Convert y, or leave out the learnwares that name their classes otherwise."
        )
    return np.unique(np.concatenate(class_sets))


def connected(class_sets: Sequence[npt.NDArray[Any]], labels: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Tell which sets of labels go together with `labels`: those that share one with them, or with such a set.

    Examples
    --------
    >>> import numpy as np
    >>> sets = [np.array([3, 4]), np.array([4, 5]), np.array([7, 8]), np.array(["3", "4"])]
    >>> connected(sets, np.array([3])).tolist()
    [True, True, False, False]
    """
    reached = set(np.ravel(labels).tolist())
    joined = np.zeros(len(class_sets), dtype=bool)
    waiting = {i: set(labels.tolist()) for i, labels in enumerate(class_sets)}
    while new := [i for i, own in waiting.items() if own & reached]:
        for i in new:
            reached |= waiting.pop(i)
            joined[i] = True
    return joined


def one_hot(labels: npt.NDArray[Any], classes: npt.NDArray[Any], name: str) -> npt.NDArray[np.float64]:
    """Return an indicator matrix of shape (n_samples, n_classes) for labels that must all be among `classes`."""
    place = places(labels, classes)
    if (place < 0).any():
        odd = labels[place < 0].tolist()[0]
        raise ModelFailure(f"{name} answered {odd!r}, which is none of its classes {classes.tolist()[:10]}.")
    return np.asarray(np.eye(len(classes))[place])


def places(labels: npt.NDArray[Any], classes: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Return the position of each label in `classes`, -1 where it is not among them."""
    table = {label: i for i, label in enumerate(classes.tolist())}
    return np.array([table.get(label, -1) for label in np.ravel(labels).tolist()], dtype=np.intp)


def kind_of_labels(labels: npt.NDArray[Any]) -> str:
    """Return "numbers" or "text"; labels of different kinds are never equal.

    Raises
    ------
    InvalidData
        They are of mixed or other types.
    """
    if labels.dtype.kind in "biuf":
        return "numbers"
    if labels.dtype.kind in "US":
        return "text"
    values = labels.tolist()
    if all(isinstance(value, str) for value in values):
        return "text"
    if all(isinstance(value, bool | int | float) for value in values):
        return "numbers"
    raise InvalidData(f"Labels must be all numbers or all text. Got {values[:5]}.")
