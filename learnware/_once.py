"""Properties that are computed on first use."""

from __future__ import annotations

from functools import cached_property
from typing import Any, TypeVar, overload

_Value = TypeVar("_Value")


class once(cached_property[_Value]):
    """A `functools.cached_property` without a lock.

    Before Python 3.12 that holds a lock which all instances of a class share; a process that is forked while another
    thread is inside would wait for it for ever. Without it, threads that come at the same moment compute the same.
    """

    @overload
    def __get__(self, instance: None, owner: type[Any] | None = None) -> once[_Value]: ...

    @overload
    def __get__(self, instance: object, owner: type[Any] | None = None) -> _Value: ...

    def __get__(self, instance: object | None, owner: type[Any] | None = None) -> once[_Value] | _Value:
        if instance is None:
            return self
        known = instance.__dict__
        if self.attrname not in known:
            known[str(self.attrname)] = self.func(instance)
        value: _Value = known[str(self.attrname)]
        return value
