"""Checks of arguments, with one sentence shape for every complaint."""

from __future__ import annotations

import numbers
from collections.abc import Collection

import numpy as np

from learnware.errors import InvalidParameter

RandomState = None | int | np.random.Generator | np.random.RandomState


def complain(name: str, caller: str, expected: str, got: object) -> InvalidParameter:
    """Return the error for an argument that is not what it must be."""
    return InvalidParameter(f"The {name!r} parameter of {caller} must be {expected}. Got {got!r} instead.")


def check_int(value: object, name: str, caller: str, *, minimum: int = 1) -> int:
    """Return `value` as an int of at least `minimum`."""
    if isinstance(value, numbers.Integral) and not isinstance(value, bool | np.bool_) and int(value) >= minimum:
        return int(value)
    expected = "a positive int" if minimum == 1 else f"an int of at least {minimum}"
    raise complain(name, caller, expected, value)


def check_fraction(value: object, name: str, caller: str) -> float:
    """Return `value` as a float in [0, 1]."""
    if isinstance(value, numbers.Real) and not isinstance(value, bool) and 0.0 <= float(value) <= 1.0:
        return float(value)
    raise complain(name, caller, "a number between 0 and 1", value)


def check_option(value: object, options: Collection[str], name: str, caller: str) -> str:
    """Return `value` if it is one of `options`."""
    if isinstance(value, str) and value in options:
        return value
    raise complain(name, caller, f"one of {', '.join(map(repr, sorted(options)))}", value)


def as_generator(random_state: RandomState, caller: str) -> np.random.Generator:
    """Turn any of scikit-learn's or numpy's random states into a numpy Generator."""
    if random_state is None or isinstance(random_state, np.random.Generator):
        return np.random.default_rng(random_state)
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state.randint(0, 2**31 - 1))
    if isinstance(random_state, numbers.Integral) and not isinstance(random_state, bool) and int(random_state) >= 0:
        return np.random.default_rng(int(random_state))
    raise complain("random_state", caller, "None, an int of at least 0, or a numpy generator", random_state)
