"""What an index has not taken in, some changes at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from learnware.market.organizer.shelf import Unusable
from learnware.market.organizer.volume import Volume
from learnware.market.store import Store

# So many changes are taken in at once; then others have their turn.
_AT_ONCE = 2048


def taken_in(volume: Volume, store: Store) -> Iterator[int]:
    """Take in what has changed in the store, and yield each generation come to."""
    generation, there = volume.generation, store.generation()
    # Specifications that were written anew by then are read as they are now from the first.
    known_anew = there if generation == 0 else 0
    if generation > there:
        raise Unusable("it knows of changes that the store does not have")
    while True:
        changes = store.changes(generation, _AT_ONCE)
        if changes.generation == generation:
            return
        last = changed_at(store, changes.generation)
        entries = store.entries(changes.stored)
        if changes.generation <= known_anew:
            known = {i for i, entry in entries.items() if entry.number <= generation}
            entries = {i: entry for i, entry in entries.items() if i not in known}
            changes = replace(changes, stored=tuple(i for i in changes.stored if i not in known))
        volume.take_in(changes, entries, last)
        generation = changes.generation
        yield generation


def changed_at(store: Store, generation: int) -> str | None:
    """Return the id that a change of the store was about, which tells one store from another."""
    if generation <= 0:
        return None
    changes = store.changes(generation - 1, 1)
    return next(iter((*changes.stored, *changes.removed)), None)
