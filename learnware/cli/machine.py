"""The commands about this machine: what models may use, and the packages installed for them."""

from __future__ import annotations

import argparse
from typing import Any

from learnware._cache_folder import cache_folder
from learnware.cli.answer import Answer, table
from learnware.cli.commands import Commands
from learnware.limits import table as limits_table


def add_commands(commands: Commands) -> None:
    """Add ``limits`` and the group ``cache``."""
    commands.add(_limits, "limits", "print the limits on learnware files and on running models")
    cache = commands.group("cache", "list and remove the packages that were installed for models")
    cache.add(_cache_list, "list", "list the environments installed for models")
    remove = cache.add(_cache_remove, "remove", "remove installed environments; they are installed again when needed")
    remove.add_argument("keys", metavar="KEY", nargs="+", help="key of an environment, or 'all'")


def _limits(arguments: argparse.Namespace) -> Answer:
    limits = limits_table()
    rows = [[name, f"{value:,}", meaning] for name, value, meaning in limits]
    content = {"limits": [{"name": name, "value": value, "meaning": meaning} for name, value, meaning in limits]}
    return Answer(table(["limit", "value", "meaning"], rows), content)


def _cache_list(arguments: argparse.Namespace) -> Answer:
    from learnware.runtime.environment.installed import cached_environments

    found = cached_environments()
    content: list[dict[str, Any]] = [
        {"key": each.key, "bytes": each.n_bytes, "requirements": list(each.requirements)} for each in found
    ]
    rows = [[each.key, f"{each.n_bytes / 2**20:,.0f} MiB", ", ".join(each.requirements)] for each in found]
    text = table(["key", "size", "requirements"], rows) if rows else f"no environments in {cache_folder()}"
    return Answer(text, {"folder": str(cache_folder()), "environments": content})


def _cache_remove(arguments: argparse.Namespace) -> Answer:
    from learnware.runtime.environment.installed import cached_environments, remove_environment

    known = [each.key for each in cached_environments()]
    keys = known if arguments.keys == ["all"] else arguments.keys
    for key in keys:
        remove_environment(key)
    return Answer(f"removed {len(keys)} environment(s)", {"removed": list(keys)})
