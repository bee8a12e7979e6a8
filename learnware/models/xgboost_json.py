"""XGBoost's JSON, checked before the library follows its numbers.

The library takes child, column and group numbers, and the lengths of arrays, on trust.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware import _strict_json as strict_json
from learnware.errors import BundleError, LimitExceeded, MalformedModel
from learnware.limits import LIMITS
from learnware.models.base import ModelEntry
from learnware.models.bounds import check_children

FILE = "model.json"

_PER_NODE = "base_weights default_left left_children loss_changes parents right_children split_conditions split_indices"
_OBJECTIVE_PARTS = {"multi:softprob": "softmax_multiclass_param"}


def check(raw: bytes, entry: ModelEntry, objectives: Mapping[str, str]) -> None:
    """Check the JSON of a model.

    Parameters
    ----------
    raw : bytes
    entry : ModelEntry
        What the manifest says of the model.
    objectives : mapping of str to str
        Allowed objectives, and the task of each.

    Raises
    ------
    MalformedModel
        It is damaged (code ``"model-damaged"`` or one of JSON), or a position is out of range (``"model-bounds"``).
    LimitExceeded
        It is too large or too deep.
    """
    content = strict_json.parse(
        raw,
        _no_json,
        max_bytes=LIMITS["booster-bytes"],
        max_depth=LIMITS["booster-depth"],
        max_values=LIMITS["booster-bytes"],
    )
    try:
        learner = content["learner"]
        n_groups = _check_sizes(learner, entry, objectives)
        _check_booster(learner["gradient_booster"], entry.n_features, n_groups)
    except BundleError:
        raise
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise damaged(f"{type(error).__name__}: {error!s:.100}") from error


def _check_sizes(learner: Mapping[str, Any], entry: ModelEntry, objectives: Mapping[str, str]) -> int:
    sizes, objective = learner["learner_model_param"], learner["objective"]
    n_classes, n_targets = int(sizes["num_class"]), max(int(sizes.get("num_target", 1)), 1)
    width = max(n_classes, 2) if entry.classes is not None else 0
    part = _OBJECTIVE_PARTS.get(objective["name"])
    told = n_classes if part is None else int(objective[part]["num_class"])
    _require(
        objectives.get(objective["name"]) == entry.task
        and int(sizes["num_feature"]) == entry.n_features
        and width == len(entry.classes or ())
        and (entry.classes is not None or (n_targets == entry.n_outputs and n_classes < 2))
        and told == n_classes
        and (part is not None or n_classes < 2),
        "its sizes do not fit the model",
    )
    return max(n_classes, n_targets, 1)


def _check_booster(booster: Mapping[str, Any], n_features: int, n_groups: int) -> None:
    if booster["name"] == "gblinear":
        n_weights = len(booster["model"]["weights"])
        _require(n_weights == (n_features + 1) * n_groups, "its weights are of another number")
        return
    trees_of = booster["gbtree"] if booster["name"] == "dart" else booster
    _require(trees_of["name"] == "gbtree", "it is of an unknown kind")
    model = trees_of["model"]
    trees, groups = model["trees"], _ints(model["tree_info"])
    starts = _ints(model.get("iteration_indptr", [0, len(trees)]))
    counted = int(model["gbtree_model_param"]["num_trees"]) == len(trees) == len(groups)
    rising = len(starts) > 0 and starts[0] == 0 and starts[-1] == len(trees) and bool(np.all(np.diff(starts) >= 0))
    _require(
        counted and rising and bool(np.all((groups >= 0) & (groups < n_groups))), "its trees are of another number"
    )
    if booster["name"] == "dart":
        _require(len(booster["weight_drop"]) == len(trees), "its trees lack their weights")
    _require(not any(model.get("cats", {}).values()), "it has categories of its own")
    for tree in trees:
        _check_tree(tree, n_features, n_groups)


def _check_tree(tree: Mapping[str, Any], n_features: int, n_groups: int) -> None:
    sizes = tree["tree_param"]
    n_nodes, width = int(sizes["num_nodes"]), max(int(sizes.get("size_leaf_vector", 1)), 1)
    left, right, features = (_ints(tree[name]) for name in ("left_children", "right_children", "split_indices"))
    lengths = {name: len(tree[name]) for name in _PER_NODE.split() if name in tree}
    weights = lengths.pop("base_weights")
    inner = left != -1
    _require(
        n_nodes > 0
        and set(lengths.values()) == {n_nodes}
        and weights == n_nodes * width
        and width in (1, n_groups)
        and int(sizes["num_feature"]) == n_features,
        "a tree lacks some of its nodes",
    )
    in_range = bool(np.all((features[inner] >= 0) & (features[inner] < n_features)))
    _require(in_range, "a split asks for a column that X has not")
    _require(not any(tree.get("split_type", ())) and not tree.get("categories"), "a split is on categories")
    check_children(left, right, inner, n_nodes, FILE)


def _ints(values: Any) -> npt.NDArray[np.int64]:
    array = np.asarray(values)
    if array.ndim != 1 or (array.size and array.dtype.kind != "i"):
        raise ValueError("numbers of nodes must be whole")
    return array.astype(np.int64)


def _require(sound: bool, complaint: str) -> None:
    if not sound:
        raise MalformedModel(
            f"The XGBoost model is damaged: {complaint}. Fetch it again, or tell its developer.",
            code="model-bounds",
            file=FILE,
        )


def _no_json(reason: str, code: str) -> BundleError:
    if code not in ("json-size", "json-depth"):
        return MalformedModel(
            f"The XGBoost model cannot be read: {reason}. Fetch it again, or tell its developer.", code=code, file=FILE
        )
    message = f"The XGBoost model is beyond the limits: {reason}. `learnware limits` lists them: use a smaller model."
    return LimitExceeded(message, code=code, file=FILE)


def damaged(reason: str) -> MalformedModel:
    """Return the error for a model that cannot be read."""
    return MalformedModel(
        f"The XGBoost model cannot be read: {reason}. Fetch it again, or tell its developer.",
        code="model-damaged",
        file=FILE,
    )
