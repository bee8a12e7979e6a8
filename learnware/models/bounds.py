"""Check positions inside a loaded scikit-learn model before compiled code follows them.

Prediction walks tree nodes, neighbour indices and sparse matrices without looking whether they exist: a file with a
child number out of range crashes the process, one with a loop hangs it. A tree is sound when every inner node's
children come after it and within the array, and its feature is one of X's columns; the checks are array comparisons,
far cheaper than loading.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware.errors import BundleError, MalformedModel

_FILE = "model.skops"
_LEAF = -1
_PLAIN = (str, bytes, int, float, bool, type(None), np.generic)


def check_bounds(model: Any) -> None:
    """Raise `BundleError` if a tree, neighbour index or sparse matrix of `model` points outside its arrays."""
    for part in parts_of(model):
        check = _CHECKS.get(type(part).__name__)
        if check is not None:
            check(part)
        if hasattr(part, "check_format"):
            _sparse(part)
        if hasattr(part, "tree_"):
            _require(part.tree_.n_features == part.n_features_in_, "a tree is for another number of columns")


def check_children(
    left: npt.NDArray[Any], right: npt.NDArray[Any], inner: npt.NDArray[np.bool_], n_nodes: int, file: str = _FILE
) -> None:
    """Check that the children of inner nodes lie after their parent and before `n_nodes`; `file` is for the message."""
    own = np.arange(n_nodes)[inner]
    for children in (left[inner], right[inner]):
        _require(bool(np.all((children > own) & (children < n_nodes))), "a tree node has a child out of range", file)


def parts_of(model: Any) -> Iterator[Any]:
    """Yield every object of scikit-learn and every sparse matrix inside `model` once."""
    stack, seen = [model], set[int]()
    while stack:
        value = stack.pop()
        if isinstance(value, _PLAIN) or id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, dict):
            stack.extend(value.values())
        elif isinstance(value, list | tuple | set):
            stack.extend(value)
        elif isinstance(value, np.ndarray):
            stack.extend(value.ravel().tolist() if value.dtype == object else [])
        elif type(value).__module__.startswith("scipy.sparse."):
            yield value
        elif type(value).__module__.startswith("sklearn."):
            yield value
            stack.extend(vars(value).values() if hasattr(value, "__dict__") else [])


def _sparse(matrix: Any) -> None:
    # Scipy itself looks only at the lengths of the arrays when it makes a matrix of them.
    try:
        matrix.check_format(full_check=True)
    except ValueError as error:
        raise _out_of_bounds(f"a sparse matrix: {error}") from error


def _tree(tree: Any) -> None:
    inner = tree.children_left != _LEAF
    check_children(tree.children_left, tree.children_right, inner, tree.node_count)
    _features_in_range(tree.feature[inner], tree.n_features)
    _require(tree.value.shape[0] == tree.node_count >= 1, "a tree lacks the values of its nodes")


def _gradient_boosting(model: Any) -> None:
    # Here the trees are walked directly, not through their estimators, and written into n_trees columns.
    trees = [estimator.tree_ for estimator in model.estimators_.ravel()]
    same = all(tree.n_features == model.n_features_in_ and tree.value.shape[1:] == (1, 1) for tree in trees)
    width = len(model.classes_) if len(getattr(model, "classes_", ())) > 2 else 1
    _require(same and model.estimators_.shape[1:] == (width,), "its trees do not fit the model")


def _hist_gradient_boosting(model: Any) -> None:
    _require(len(model._bin_mapper.is_categorical_) == model._n_features, "its bins do not fit the columns")
    for predictor in (tree for trees in model._predictors for tree in trees):
        nodes = predictor.nodes
        _require(nodes.ndim == 1 and len(nodes) > 0, "a tree has no nodes")
        inner = nodes["is_leaf"] == 0
        check_children(nodes["left"].astype(np.int64), nodes["right"].astype(np.int64), inner, len(nodes))
        _features_in_range(nodes["feature_idx"][inner], model._n_features)
        sets = nodes["bitset_idx"][inner & (nodes["is_categorical"] != 0)]
        stored = (predictor.raw_left_cat_bitsets, predictor.binned_left_cat_bitsets)
        widths = all(bits.ndim == 2 and bits.shape[1] == 8 for bits in stored)
        _require(widths and all(np.all(sets < len(bits)) for bits in stored), "a split names unknown categories")


def _neighbours(index: Any) -> None:
    data, order, nodes, bounds = (np.asarray(array) for array in index.get_arrays())
    n_nodes = len(nodes)
    in_range = order.shape == (len(data),) and bool(np.all((order >= 0) & (order < len(data))))
    spans = (nodes["idx_start"] >= 0) & (nodes["idx_start"] <= nodes["idx_end"]) & (nodes["idx_end"] <= len(data))
    inner = np.flatnonzero(nodes["is_leaf"] == 0)
    children = n_nodes > 0 and bool(np.all(2 * inner + 2 < n_nodes))
    sized = bounds.ndim == 3 and bounds.shape[1:] == (n_nodes, data.shape[1])
    _require(in_range and bool(spans.all()) and children and sized, "a neighbour index is not consistent")


def _support_vectors(model: Any) -> None:
    n_vectors, counts = len(model.support_), np.asarray(model._n_support)
    classes = len(getattr(model, "classes_", ())) or 2
    pairs = classes * (classes - 1) // 2
    _require(
        model._dual_coef_.shape == (max(classes - 1, 1), n_vectors)
        and len(model._intercept_) == pairs
        and len(model._probA) == len(model._probB)
        and len(model._probA) in (0, pairs)
        and bool(np.all(counts >= 0))
        and (not hasattr(model, "classes_") or (len(counts) == classes and counts.sum() == n_vectors)),
        "its support vectors and coefficients do not fit together",
    )


def _features_in_range(features: npt.NDArray[Any], n_features: int) -> None:
    _require(bool(np.all((features >= 0) & (features < n_features))), "a split asks for a column that X has not")


def _require(sound: bool, complaint: str, file: str = _FILE) -> None:
    if not sound:
        raise _out_of_bounds(complaint, file)


def _out_of_bounds(complaint: str, file: str = _FILE) -> BundleError:
    return MalformedModel(
        f"The model is damaged: {complaint}. Fetch it again, or tell its developer.", code="model-bounds", file=file
    )


_CHECKS = {
    "BallTree": _neighbours,
    "BallTree64": _neighbours,
    "GradientBoostingClassifier": _gradient_boosting,
    "GradientBoostingRegressor": _gradient_boosting,
    "HistGradientBoostingClassifier": _hist_gradient_boosting,
    "HistGradientBoostingRegressor": _hist_gradient_boosting,
    "KDTree": _neighbours,
    "KDTree64": _neighbours,
    "NuSVC": _support_vectors,
    "NuSVR": _support_vectors,
    "SVC": _support_vectors,
    "SVR": _support_vectors,
    "Tree": _tree,
}
