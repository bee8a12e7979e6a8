"""Named parts: a table of built-in ones plus those that other packages add by entry point."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from learnware._once import once
from learnware.errors import InvalidParameter


class Registry:
    """Parts of one kind by name, each imported on first use.

    Parameters
    ----------
    group : str
        Entry-point group in which other packages announce theirs, such as ``"learnware.models"``.
    builtin : mapping of str to str
        Name to ``"module:attribute"``.

    Notes
    -----
    A name that two packages claim is refused: which of them would win depends on the order of installation.
    """

    def __init__(self, group: str, builtin: Mapping[str, str]) -> None:
        self.group = group
        self._builtin = dict(builtin)
        self._loaded: dict[str, Any] = {}

    @once
    def _targets(self) -> dict[str, str]:
        targets = dict(self._builtin)
        for entry in entry_points(group=self.group):
            if targets.setdefault(entry.name, entry.value) != entry.value:
                raise InvalidParameter(
                    f"Two packages offer {entry.name!r} in the group {self.group!r}: {targets[entry.name]} and "
                    f"{entry.value}. Uninstall one of them."
                )
        return targets

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._targets))

    def __contains__(self, name: object) -> bool:
        return name in self._targets

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            targets = self._targets
            if name not in targets:
                raise InvalidParameter(
                    f"{name!r} is not known in the group {self.group!r}. Known: {', '.join(sorted(targets))}."
                )
            module, _, attribute = targets[name].partition(":")
            self._loaded[name] = getattr(import_module(module), attribute)
        return self._loaded[name]
