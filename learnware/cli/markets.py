"""The commands on the learnwares of a market: submit, fetch, list, update and remove."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from learnware._files import existing
from learnware.cli.answer import OK, REFUSED, Answer, table
from learnware.cli.commands import Commands, add_run_options
from learnware.errors import LearnwareError, RejectedLearnware

if TYPE_CHECKING:
    from learnware.market import Market


def add_commands(commands: Commands) -> None:
    """Add ``submit``, ``fetch``, ``list``, ``update`` and ``remove``."""
    submit = commands.add(_submit, "submit", "submit learnware files to a market; a folder is made on first use")
    add_market(submit)
    submit.add_argument("files", metavar="FILE", type=Path, nargs="+", help="learnware files")
    add_run_options(submit)
    fetch = commands.add(_fetch, "fetch", "copy a learnware from a market into a file")
    add_market(fetch)
    fetch.add_argument("id", metavar="ID", help="id of the learnware; ID@SHA256 for an earlier revision")
    fetch.add_argument("-o", "--output", metavar="FILE", type=Path, help="where to write it (default: ID.zip)")
    listing = commands.add(_list, "list", "list the learnwares of a market")
    add_market(listing)
    update = commands.add(_update, "update", "give a learnware of a market a new revision")
    add_market(update)
    update.add_argument("id", metavar="ID", help="id of the learnware")
    update.add_argument("file", metavar="FILE", type=Path, help="learnware file")
    add_run_options(update)
    remove = commands.add(_remove, "remove", "take a learnware out of a market")
    add_market(remove)
    remove.add_argument("id", metavar="ID", help="id of the learnware")


def add_market(command: argparse.ArgumentParser) -> None:
    """Add the market that a command is about, and the token that a remote one may ask for."""
    command.add_argument("market", metavar="MARKET", type=_location, help="market folder, or URL of a remote market")
    command.add_argument(
        "--token",
        help="token for a remote market; better in LEARNWARE_TOKEN, where nobody else on this machine sees it",
    )


def open_market(location: str | Path, *, token: str | None = None, new: bool = False, **policy: str | None) -> Market:
    """Open a remote market, or a folder, which must exist unless it may be `new`."""
    if isinstance(location, Path) and not new and not location.is_dir():
        raise NotADirectoryError(f"There is no market folder {str(location)!r}. `learnware submit` makes one.")
    from learnware.market import Market

    return Market.open(location, token=token, **policy)  # type: ignore[arg-type]


def _location(text: str) -> str | Path:
    # A Path would make one slash of two.
    return text if "://" in text else Path(text)


def _submit(arguments: argparse.Namespace) -> Answer:
    # A file that is not there, perhaps mistyped, must not leave a market behind.
    files = [existing(file) for file in arguments.files]
    policy = {"isolation": arguments.isolation, "trust": arguments.trust}
    with open_market(arguments.market, token=arguments.token, new=True, **policy) as market:
        outcomes = [_submit_one(market, file) for file in files]
    text = "\n".join(f"{o['file']}: {o['id'] or o['reason']}" for o in outcomes)
    refused = any(outcome["id"] is None for outcome in outcomes)
    return Answer(text, {"submitted": outcomes}, REFUSED if refused else OK)


def _submit_one(market: Market, file: Path) -> dict[str, Any]:
    outcome: dict[str, Any] = {"file": str(file), "id": None, "reason": None, "report": None}
    try:
        outcome["id"] = market.submit(file)
    except RejectedLearnware as error:
        outcome.update(reason=str(error), report=error.report.to_dict())
    except LearnwareError as error:
        # Whatever it is, the ids of the files before it must be told, and those after it get their turn.
        outcome["reason"] = str(error)
    return outcome


def _fetch(arguments: argparse.Namespace) -> Answer:
    learnware_id = arguments.id.partition("@")[0]
    with open_market(arguments.market, token=arguments.token) as market:
        path = market.fetch(arguments.id).save(arguments.output or Path(f"{learnware_id}.zip"))
    return Answer(str(path), {"id": learnware_id, "file": str(path)})


def _list(arguments: argparse.Namespace) -> Answer:
    with open_market(arguments.market, token=arguments.token) as market:
        described = [(learnware_id, market.describe(learnware_id)) for learnware_id in market]
    content: list[dict[str, Any]] = [
        {
            "id": i,
            "name": s.semantic.name,
            "task": s.semantic.task,
            "scenarios": list(s.semantic.scenarios),
            "license": s.semantic.license,
            "level": s.level,
        }
        for i, s in described
    ]
    rows = [[c["id"], c["name"], c["task"] or "", c["level"] or "", ", ".join(c["scenarios"])] for c in content]
    text = table(["id", "name", "task", "level", "scenarios"], rows) if rows else "no learnwares"
    return Answer(text, {"learnwares": content})


def _update(arguments: argparse.Namespace) -> Answer:
    file = existing(arguments.file)
    policy = {"isolation": arguments.isolation, "trust": arguments.trust}
    with open_market(arguments.market, token=arguments.token, **policy) as market:
        market.update(arguments.id, file)
        digest = market.revisions(arguments.id)[-1].digest
    return Answer(f"{arguments.id}@{digest}", {"id": arguments.id, "digest": digest})


def _remove(arguments: argparse.Namespace) -> Answer:
    with open_market(arguments.market, token=arguments.token) as market:
        market.remove(arguments.id)
    return Answer(f"{arguments.id}: removed", {"removed": arguments.id})
