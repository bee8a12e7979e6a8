"""LightGBM's model text, checked and written again, so that the library reads just what was checked.

The library follows child, column and category numbers unchecked, finds trees by offsets that the text itself tells, and
takes the first of repeated keys. So every number is checked here, and what the library gets is put together from the
checked parts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware.errors import MalformedModel
from learnware.models.base import ModelEntry
from learnware.models.bounds import check_children

FILE = "model.txt"

_KEY = re.compile("[a-z_]{1,40}")
_PER_NODE = ("split_feature", "threshold", "decision_type", "left_child", "right_child")
_TREE_KEYS = {
    *_PER_NODE,
    *"num_leaves num_cat split_gain leaf_value leaf_weight leaf_count internal_value internal_weight".split(),
    *"internal_count cat_boundaries cat_threshold is_linear leaf_const num_features leaf_features".split(),
    *"leaf_coeff shrinkage".split(),
}
_CATEGORICAL = 1


def checked(text: str, entry: ModelEntry, objectives: Mapping[str, str]) -> str:
    """Return the model text with every tree in its place.

    Parameters
    ----------
    text : str
    entry : ModelEntry
        What the manifest says of the model.
    objectives : mapping of str to str
        Allowed objectives, and the task of each.

    Raises
    ------
    MalformedModel
        It is damaged (code ``"model-damaged"``), or a position is out of range (``"model-bounds"``).
    """
    if re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text):
        raise damaged("it has control characters")
    body, end, tail = text.partition("\nend of trees\n")
    head, *parts = body.split("\nTree=")
    if not end or not parts:
        raise damaged("it has no trees, or they have no end")
    try:
        header = _lines(head, first="tree")
        _check_header(header, len(parts), entry, objectives)
        trees = [_tree(part, i, entry.n_features) for i, part in enumerate(parts)]
    except MalformedModel:
        raise
    except (KeyError, ValueError, OverflowError) as error:
        raise damaged(f"{type(error).__name__}: {error!s:.100}") from error
    header.pop("tree_sizes", None)
    return "\n".join(["tree", *_written(header), "", *trees, "end of trees", tail])


def _lines(text: str, *, first: str) -> dict[str, str | None]:
    lines = [line for line in text.split("\n") if line]
    if not lines or lines[0] != first:
        raise damaged(f"it does not begin with {first!r}")
    found: dict[str, str | None] = {}
    for line in lines[1:]:
        key, equals, value = line.partition("=")
        if not _KEY.fullmatch(key) or key in found:
            raise damaged(f"the line {line!r:.60} is unknown or repeated")
        found[key] = value if equals else None
    return found


def _written(fields: Mapping[str, str | None]) -> list[str]:
    return [key if value is None else f"{key}={value}" for key, value in fields.items()]


def _check_header(header: Mapping[str, str | None], n_trees: int, entry: ModelEntry, tasks: Mapping[str, str]) -> None:
    name, *options = str(header["objective"]).split()
    n_classes, per_iteration = int(header["num_class"] or 0), int(header["num_tree_per_iteration"] or 0)
    told = [option for option in options if option.startswith("num_class:")]
    width = 1 if entry.classes is None or len(entry.classes) == 2 else len(entry.classes)
    columns = len(str(header["feature_names"]).split()) == int(header["max_feature_idx"] or 0) + 1 == entry.n_features
    sound = tasks.get(name) == entry.task and columns and n_classes == per_iteration and n_trees % n_classes == 0
    multiclass = name.startswith("multiclass")
    sound = sound and told == ([f"num_class:{n_classes}"] if multiclass else [])
    _require(sound and (n_classes == width or multiclass), "its sizes do not fit the model")
    _require(not multiclass or n_classes == len(entry.classes or ()), "its classes are of another number")


def _tree(text: str, number: int, n_features: int) -> str:
    fields = _lines(text, first=str(number))
    if not set(fields) <= _TREE_KEYS or None in fields.values():
        raise damaged("a tree has an unknown field")
    check_tree({key: str(value) for key, value in fields.items()}, n_features)
    return "\n".join([f"Tree={number}", *_written(fields), "", ""])


def check_tree(tree: Mapping[str, str], n_features: int) -> None:
    """Check that inner nodes are followed by their children; a negative child is a leaf, -1 being the first."""
    n_leaves = int(tree["num_leaves"])
    left, right, features, kinds = (
        _ints(tree, key) for key in ("left_child", "right_child", "split_feature", "decision_type")
    )
    thresholds = np.array(tree.get("threshold", "").split(), dtype=np.float64)
    lengths = {len(array) for array in (left, right, features, kinds, thresholds)}
    _require(
        lengths == {n_leaves - 1} and len(tree["leaf_value"].split()) == n_leaves, "a tree lacks some of its nodes"
    )
    _require(bool(np.all((features >= 0) & (features < n_features))), "a split asks for a column that X has not")
    for side in (left, right):
        check_children(side, side, side >= 0, len(side), FILE)
        _require(bool(np.all(~side[side < 0] < n_leaves)), "a tree points to a leaf that it has not")
    _check_categories(tree, thresholds[kinds & _CATEGORICAL != 0])
    if int(tree.get("is_linear", "0")):
        _check_linear(tree, n_leaves, n_features)


def _check_categories(tree: Mapping[str, str], places: npt.NDArray[Any]) -> None:
    n_sets = int(tree.get("num_cat", "0"))
    _require(bool(np.all((places >= 0) & (places < n_sets) & (places % 1 == 0))), "a split names unknown categories")
    if n_sets:
        bounds, stored = _ints(tree, "cat_boundaries"), len(tree["cat_threshold"].split())
        rising = len(bounds) == n_sets + 1 and bounds[0] == 0 and bool(np.all(np.diff(bounds) >= 0))
        _require(rising and bounds[-1] == stored, "the sets of categories do not fit together")


def _check_linear(tree: Mapping[str, str], n_leaves: int, n_features: int) -> None:
    counts, features = _ints(tree, "num_features"), _ints(tree, "leaf_features")
    n_coefficients = len(tree["leaf_coeff"].split())
    sized = len(counts) == len(tree["leaf_const"].split()) == n_leaves and bool(np.all(counts >= 0))
    in_range = bool(np.all((features >= 0) & (features < n_features)))
    _require(
        sized and counts.sum() == len(features) == n_coefficients and in_range, "linear leaves do not fit together"
    )


def _ints(tree: Mapping[str, str], key: str) -> npt.NDArray[np.int64]:
    return np.array(tree.get(key, "").split(), dtype=np.int64)


def _require(sound: bool, complaint: str) -> None:
    if not sound:
        raise MalformedModel(
            f"The LightGBM model is damaged: {complaint}. Fetch it again, or tell its developer.",
            code="model-bounds",
            file=FILE,
        )


def damaged(reason: str) -> MalformedModel:
    """Return the error for a model that cannot be read."""
    return MalformedModel(
        f"The LightGBM model cannot be read: {reason}. Fetch it again, or tell its developer.",
        code="model-damaged",
        file=FILE,
    )
