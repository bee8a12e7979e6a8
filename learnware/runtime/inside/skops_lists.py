"""A stand-in for the lists of types that skops trusts by itself.

Making them, skops imports all of scikit-learn, which takes longer than everything else that a worker does before its
first answer. They are not needed here: whoever reads a model has compared every type in it with our own list, and hands
skops the types that it found.
"""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType
from typing import Any

_NAME = "skops.io._trusted_types"
# Where the lists are known to be used for nothing else.
_KNOWN = ("0.16.",)


class _Lists(ModuleType):
    # The one list that is not of types to trust, but of the only ones that are allowed at all.
    NUMPY_RANDOM_BIT_GENERATOR_TYPE_NAMES = tuple(
        f"numpy.random.{name}" for name in ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")
    )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return []


def provide() -> None:
    """Put the stand-in where skops looks for the lists, if the installed skops is a version that takes it."""
    try:
        installed = version("skops")
    except PackageNotFoundError:
        return
    if installed.startswith(_KNOWN):
        sys.modules.setdefault(_NAME, _Lists(_NAME))
