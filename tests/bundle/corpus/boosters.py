"""LightGBM and XGBoost models whose numbers lead elsewhere."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import lightgbm
import xgboost

from learnware.errors import LimitExceeded, MalformedModel
from tests.bundle.corpus import Rejected
from tests.bundle.corpus.bases import X, Y, files_of, packed, with_files

TEXT, JSON = "model/model.txt", "model/model.json"


@functools.cache
def light() -> bytes:
    """Return a package of a LightGBM model."""
    model = lightgbm.LGBMClassifier(n_estimators=2, num_leaves=4, min_child_samples=5, verbose=-1, n_jobs=1)
    return packed(model.fit(X, Y))


@functools.cache
def light_of_categories() -> bytes:
    model = lightgbm.LGBMRegressor(
        n_estimators=2, min_child_samples=5, verbose=-1, n_jobs=1, cat_smooth=1, min_data_per_group=2
    )
    rows = X.copy()
    rows[:, 0] = (rows[:, 0] * 2).round() + 10
    return packed(model.fit(rows, rows[:, 0] % 3, categorical_feature=[0]), rows, None)


@functools.cache
def light_of_lines() -> bytes:
    model = lightgbm.LGBMRegressor(n_estimators=2, num_leaves=4, linear_tree=True, verbose=-1, n_jobs=1)
    return packed(model.fit(X, X[:, 0]), y=None)


@functools.cache
def extreme(kind: str = "gbtree") -> bytes:
    """Return a package of an XGBoost model."""
    depth = {} if kind == "gblinear" else {"max_depth": 2}
    return packed(xgboost.XGBClassifier(n_estimators=2, n_jobs=1, booster=kind, **depth).fit(X, Y))


def changed_text(old: str, new: str, base: Callable[[], bytes] = light, count: int = 1) -> bytes:
    text = files_of(base())[TEXT].decode()
    assert old in text
    return with_files(base(), {TEXT: text.replace(old, new, count).encode()})


def with_text(text: bytes) -> bytes:
    return with_files(light(), {TEXT: text})


def changed_json(change: Callable[[dict[str, Any]], Any], kind: str = "gbtree") -> bytes:
    content = json.loads(files_of(extreme(kind))[JSON])
    change(content["learner"])
    return with_files(extreme(kind), {JSON: json.dumps(content).encode()})


def changed_tree(**changes: Any) -> bytes:
    return changed_json(lambda learner: model_of(learner)["trees"][0].update(changes))


def model_of(learner: dict[str, Any]) -> dict[str, Any]:
    model: dict[str, Any] = learner["gradient_booster"]["model"]
    return model


def with_number(name: str, number: Any, place: int = 0) -> bytes:
    def change(learner: dict[str, Any]) -> None:
        model_of(learner)["trees"][0][name][place] = number

    return changed_json(change)


def with_group(number: int) -> bytes:
    return changed_json(lambda learner: model_of(learner)["tree_info"].__setitem__(0, number))


def with_json(text: bytes) -> bytes:
    return with_files(extreme(), {JSON: text})


_LIGHT: list[tuple[str, Callable[[], bytes], str]] = [
    ("a child out of range", partial(changed_text, "left_child=", "left_child=99999 "), "model-bounds"),
    ("a child too far", lambda: first_of("left_child", "3"), "model-bounds"),
    ("a loop", lambda: first_of("left_child", "0"), "model-bounds"),
    ("a leaf out of range", lambda: first_of("right_child", "-99"), "model-bounds"),
    ("a column out of range", lambda: first_of("split_feature", "77"), "model-bounds"),
    ("a column below zero", lambda: first_of("split_feature", "-1"), "model-bounds"),
    ("more leaves than values", partial(changed_text, "num_leaves=4", "num_leaves=9"), "model-bounds"),
    ("a value too few", lambda: first_of("leaf_value", ""), "model-bounds"),
    ("no thresholds", lambda: without_line("threshold="), "model-bounds"),
    ("a split on categories", lambda: first_of("decision_type", "1"), "model-bounds"),
    ("categories out of range", partial(changed_text, "num_cat=2", "num_cat=0", light_of_categories), "model-bounds"),
    ("sets of categories out of range", partial(
        changed_text, "cat_boundaries=0", "cat_boundaries=0 99999", light_of_categories
    ), "model-bounds"),
    ("coefficients of other columns", partial(
        changed_text, "leaf_features=", "leaf_features=99 ", light_of_lines
    ), "model-bounds"),
    ("another number of classes", partial(changed_text, "num_class=3", "num_class=2"), "model-bounds"),
    ("another number of classes in the objective", partial(changed_text, "num_class:3", "num_class:9"), "model-bounds"),
    ("another number of trees a round", partial(
        changed_text, "num_tree_per_iteration=3", "num_tree_per_iteration=6"
    ), "model-bounds"),
    ("no class", partial(changed_text, "num_class=3", "num_class=0"), "model-bounds"),
    ("more columns", partial(changed_text, "max_feature_idx=2", "max_feature_idx=9"), "model-bounds"),
    ("another objective", partial(changed_text, "objective=multiclass", "objective=lambdarank"), "model-bounds"),
    ("a child list twice", partial(changed_text, "left_child=", "left_child=9 9 9\nleft_child="), "model-damaged"),
    ("a field more", partial(changed_text, "num_leaves=4", "num_leaves=4\nevil=1"), "model-damaged"),
    ("a number in words", lambda: first_of("left_child", "one"), "model-damaged"),
    ("a number beyond all", lambda: first_of("left_child", "9" * 40), "model-damaged"),
    ("trees out of order", partial(changed_text, "Tree=1", "Tree=7"), "model-damaged"),
    ("no end of trees", partial(changed_text, "end of trees", "end of story"), "model-damaged"),
    ("no trees", partial(with_text, b"tree\nversion=v4\n\nend of trees\n"), "model-damaged"),
    ("a return", partial(changed_text, "Tree=1", "Tree=1\r"), "model-damaged"),
    ("not UTF-8", partial(with_text, b"tree\n\xff"), "model-damaged"),
    ("nothing", partial(with_text, b""), "model-damaged"),
    ("a pickle", partial(with_text, b"\x80\x04cos\nsystem\n."), "model-damaged"),
]  # fmt: skip


def first_of(key: str, value: str) -> bytes:
    text = files_of(light())[TEXT].decode()
    line = next(line for line in text.split("\n") if line.startswith(f"{key}="))
    rest = line.partition("=")[2].split()[1:]
    return changed_text(line, f"{key}={' '.join(filter(None, [value, *rest]))}")


def without_line(start: str) -> bytes:
    text = files_of(light())[TEXT].decode()
    lines = text.split("\n")
    lines.remove(next(line for line in lines if line.startswith(start)))
    return with_text("\n".join(lines).encode())


_EXTREME: list[tuple[str, Callable[[], bytes], str]] = [
    ("a child out of range", partial(with_number, "left_children", 9999), "model-bounds"),
    ("a loop", partial(with_number, "right_children", 0), "model-bounds"),
    ("a child below zero", partial(with_number, "left_children", -7), "model-bounds"),
    ("a column out of range", partial(with_number, "split_indices", 500), "model-bounds"),
    ("a column below zero", partial(with_number, "split_indices", -1), "model-bounds"),
    ("half a child", partial(with_number, "left_children", 1.5), "model-damaged"),
    ("a child in words", partial(with_number, "left_children", "1"), "model-damaged"),
    ("a split on categories", partial(with_number, "split_type", 1), "model-bounds"),
    ("categories", partial(changed_tree, categories=[1, 2], categories_nodes=[0]), "model-bounds"),
    ("a weight too few", partial(changed_tree, base_weights=[0.0]), "model-bounds"),
    ("a condition too few", partial(changed_tree, split_conditions=[0.0]), "model-bounds"),
    ("no nodes", partial(changed_tree, tree_param={"num_nodes": "0", "num_feature": "3"}), "model-bounds"),
    ("many nodes", partial(changed_tree, tree_param={"num_nodes": str(2**40), "num_feature": "3"}), "model-bounds"),
    ("no children", partial(changed_tree, left_children=None), "model-damaged"),
    ("a class out of range", partial(with_group, 99), "model-bounds"),
    ("a class below zero", partial(with_group, -1), "model-bounds"),
    ("a tree too few", lambda: changed_json(lambda c: model_of(c)["trees"].pop()), "model-bounds"),
    ("a round beyond the end", lambda: changed_json(
        lambda c: model_of(c).update(iteration_indptr=[0, 4, 99])
    ), "model-bounds"),
    ("rounds that go back", lambda: changed_json(
        lambda c: model_of(c).update(iteration_indptr=[0, 9, 4, 8])
    ), "model-bounds"),
    ("a weight of a tree too few", lambda: changed_json(
        lambda c: c["gradient_booster"]["weight_drop"].pop(), "dart"
    ), "model-bounds"),
    ("a linear weight too few", lambda: changed_json(
        lambda c: c["gradient_booster"]["model"]["weights"].pop(), "gblinear"
    ), "model-bounds"),
    ("another kind", lambda: changed_json(lambda c: c["gradient_booster"].update(name="other")), "model-bounds"),
    ("another number of columns", lambda: changed_json(
        lambda c: c["learner_model_param"].update(num_feature="9")
    ), "model-bounds"),
    ("another number of classes", lambda: changed_json(
        lambda c: c["learner_model_param"].update(num_class="9")
    ), "model-bounds"),
    ("another number of classes in the objective", lambda: changed_json(
        lambda c: c["objective"].update(softmax_multiclass_param={"num_class": "9"})
    ), "model-bounds"),
    ("another objective", lambda: changed_json(lambda c: c["objective"].update(name="rank:ndcg")), "model-bounds"),
    ("no learner", partial(with_json, b"{}"), "model-damaged"),
    ("a list", partial(with_json, b"[]"), "model-damaged"),
    ("no JSON", partial(with_json, b"hello"), "json-syntax"),
    ("UBJSON", partial(with_json, b"{L\x00\x00\x00"), "json-syntax"),
    ("NaN", lambda: with_number("split_conditions", float("nan")), "json-number"),
    ("children twice", lambda: with_json(
        files_of(extreme())[JSON].replace(b'"left_children"', b'"left_children":[9,9,9],"left_children"', 1)
    ), "json-duplicate-key"),
]  # fmt: skip


def rejected() -> Iterator[Rejected]:
    """Yield packages of boosters that must be refused."""
    for library, table in (("lightgbm", _LIGHT), ("xgboost", _EXTREME)):
        for what, make, code in table:
            yield Rejected(f"{library}: {what}", make, MalformedModel, code)
    yield Rejected("xgboost: deep", partial(with_json, b"[" * 100_000), LimitExceeded, "json-depth")
