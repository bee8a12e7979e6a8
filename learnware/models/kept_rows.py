"""Find models that carry rows of their training data within them.

Some methods are made of the rows they saw: nearest neighbours keep all of them, support vector machines some. Whoever
gets such a model gets those rows, possibly scaled, whatever its specification hides.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from learnware._optional import loaded
from learnware.models.onnx_graph import parts

#: Fitted attributes in which scikit-learn's estimators keep rows.
_KEPT = ("_fit_X", "support_vectors_", "X_train_", "X_fit_", "X_")
#: Attributes that hold rows in these classes only; other classes compute what they keep under that name.
_KEPT_BY_CLASS = {"Nystroem": ("components_",)}
#: Operators of ONNX that hold rows.
_KEPT_BY_OPERATOR = frozenset({"SVMClassifier", "SVMRegressor"})


def keepers_of_rows(model: Any) -> tuple[str, ...]:
    """Return the names of the parts of a model that keep rows of their training data.

    Parameters
    ----------
    model : object
        A fitted scikit-learn estimator, whose steps and members are looked at too, or an ONNX model, in which only
        support vectors can be told from other numbers. Models of other libraries keep no rows.

    Examples
    --------
    >>> from sklearn.neighbors import KNeighborsRegressor
    >>> keepers_of_rows(KNeighborsRegressor(1).fit([[0.0], [1.0]], [0.0, 1.0]))
    ('KNeighborsRegressor',)
    """
    onnx = loaded("onnx")
    if onnx is not None and isinstance(model, onnx.ModelProto):
        operators = {part.op_type for part in parts(model.graph) if isinstance(part, onnx.NodeProto)}
        return tuple(sorted(operators & _KEPT_BY_OPERATOR))
    found: dict[str, None] = {}
    seen: set[int] = set()
    waiting: list[Any] = [model]
    while waiting:
        part = waiting.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, list | tuple):
            waiting.extend(part)
        elif isinstance(part, dict):
            waiting.extend(part.values())
        elif isinstance(part, np.ndarray) and part.dtype == object:
            waiting.extend(part.ravel())
        elif type(part).__module__.startswith("sklearn."):
            state = getattr(part, "__dict__", {})
            names = (*_KEPT, *_KEPT_BY_CLASS.get(type(part).__name__, ()))
            if any(state.get(name) is not None for name in names):
                found[type(part).__name__] = None
            waiting.extend(state.values())
    return tuple(sorted(found))
