"""The tree drawn in the docstring is the tree there is."""

from __future__ import annotations

import builtins
import inspect
import pickle
import re

import pytest

from learnware import errors

CLASSES = {
    name: value
    for name, value in vars(errors).items()
    if inspect.isclass(value) and value.__module__ == errors.__name__
}

_LINE = re.compile(r"(?P<indent>[ │├└─]*)(?P<name>[A-Z]\w+)(?: \((?P<builtin>\w+)\))?(?:  +\S.*)?")


def drawn_tree() -> dict[str, tuple[str | None, str | None]]:
    """Return parent and builtin of each error as the docstring draws them."""
    tree: dict[str, tuple[str | None, str | None]] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = _LINE.fullmatch(line)
        if not found or not found["indent"]:
            continue
        depth = len(found["indent"]) // 4 - 1
        path[depth:] = [found["name"]]
        tree[found["name"]] = (path[depth - 1] if depth else None, found["builtin"])
    return tree


def test_the_drawing_is_complete() -> None:
    assert set(drawn_tree()) == set(CLASSES) == set(errors.__all__)
    assert errors.__all__ == sorted(errors.__all__)


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_the_drawing_is_true(name: str) -> None:
    drawn = [base for base in drawn_tree()[name] if base] or ["Exception"]
    assert [base.__name__ for base in CLASSES[name].__bases__] == drawn


@pytest.mark.parametrize("name", sorted(set(CLASSES) - {"LearnwareError"}))
def test_each_error_is_also_a_builtin(name: str) -> None:
    ancestors = {base.__name__ for base in CLASSES[name].__mro__} - {"Exception", "BaseException", "object"}
    assert any(hasattr(builtins, ancestor) for ancestor in ancestors)


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_each_error_says_what_it_is(name: str) -> None:
    assert (CLASSES[name].__doc__ or "").strip().splitlines()[0].endswith(".")


def test_errors_carry_their_facts() -> None:
    assert errors.ColumnMismatch("X lacks 'age'.", missing=["age"]).missing == ("age",)
    assert errors.BundleError("cut off", code="truncated").code == "truncated"
    assert errors.ChecksumMismatch("other bytes").code == "checksum"
    refused = errors.RejectedLearnware("no model", accepted=["a", "b"])  # type: ignore[arg-type]
    assert refused.report == "no model"
    assert str(refused).splitlines() == ["no model", "2 learnware(s) before it were stored: a, b"]
    assert pickle.loads(pickle.dumps(refused)).accepted == ("a", "b")
