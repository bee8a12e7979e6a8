"""The command ``learnware``: pack, check, submit, search, fetch and list from a shell.

A command returns an `Answer`, which is printed as text or, with ``--json``, as JSON. Exit codes: 0 ok, 1 refused or
nothing found, 2 wrong use.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from learnware import __version__
from learnware._files import existing, labels, read_model, read_table, split_target
from learnware.errors import (
    BundleError,
    InvalidParameter,
    LearnwareError,
    LearnwareNotFound,
    ModelFailure,
    NoLearnwares,
    RejectedLearnware,
    UnsupportedModel,
)

if TYPE_CHECKING:
    from learnware.market import Market
    from learnware.specification import Specification

__all__ = ["main"]

OK, REFUSED, WRONG_USE = 0, 1, 2

# What the user asked for was understood and looked at; the answer is no.
_REFUSALS = (BundleError, LearnwareNotFound, ModelFailure, NoLearnwares, RejectedLearnware, UnsupportedModel)


@dataclass(frozen=True)
class Answer:
    """What a command has to say.

    Parameters
    ----------
    text : str
        For people.
    content : dict
        For programs; its keys are stable.
    code : int, default=0
        Exit code.
    """

    text: str
    content: dict[str, Any]
    code: int = OK


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments after the program's name; default: those of the process.

    Returns
    -------
    int
        0 ok, 1 refused or nothing found, 2 wrong use. What argparse itself refuses raises ``SystemExit(2)``.

    Examples
    --------
    >>> from learnware.cli import main
    >>> main(["fetch", "no-such-folder", "some-id"])
    2
    """
    arguments = build_parser().parse_args(argv)
    try:
        answer: Answer = arguments.run(arguments)
    except (LearnwareError, OSError) as error:
        message = " ".join(str(error).split())
        print(f"learnware: error: {message}", file=sys.stderr)
        content = {"error": {"type": type(error).__name__, "message": message}}
        answer = Answer("", content, REFUSED if _is_refusal(error) else WRONG_USE)
    if arguments.json:
        print(json.dumps(answer.content, indent=2, ensure_ascii=False))
    elif answer.text:
        print(answer.text)
    return answer.code


def _is_refusal(error: Exception) -> bool:
    # A learnware file that cannot be reached says nothing about the learnware.
    reached = getattr(error, "code", None) not in ("missing", "unreadable", "unwritable")
    return isinstance(error, _REFUSALS) and reached


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line; each command carries its function as ``run``."""
    parser = argparse.ArgumentParser(prog="learnware", description="Share models, and find and reuse those of others.")
    parser.add_argument("--version", action="version", version=f"learnware {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(run: Callable[[argparse.Namespace], Answer], name: str, summary: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        added.add_argument("--json", action="store_true", help="print JSON instead of text")
        added.set_defaults(run=run)
        return added

    demo = command(_demo, "demo", "run a small market from submission to reuse and print how well it predicts")
    demo.add_argument("--seed", type=int, default=0, help="seed of the demonstration (default: 0)")
    _add_pack(command(_pack, "pack", "pack a stored model and its training inputs into one learnware file"))
    check = command(_check, "check", "look at a learnware file as a market does before it takes it")
    check.add_argument("file", metavar="FILE", type=Path, help="learnware file")
    submit = command(_submit, "submit", "submit learnware files to a market folder, made on first use")
    submit.add_argument("market", metavar="MARKET", type=Path, help="market folder")
    submit.add_argument("files", metavar="FILE", type=Path, nargs="+", help="learnware files")
    _add_search(command(_search, "search", "find learnwares by a specification, by data, or by words"))
    fetch = command(_fetch, "fetch", "copy a learnware from a market into a file")
    fetch.add_argument("market", metavar="MARKET", type=Path, help="market folder")
    fetch.add_argument("id", metavar="ID", help="id of the learnware")
    fetch.add_argument("-o", "--output", metavar="FILE", type=Path, help="where to write it (default: ID.zip)")
    listing = command(_list, "list", "list the learnwares of a market")
    listing.add_argument("market", metavar="MARKET", type=Path, help="market folder")
    return parser


def _add_pack(pack: argparse.ArgumentParser) -> None:
    pack.add_argument("model", metavar="MODEL", type=Path, help=".skops, LightGBM .txt, or XGBoost .json or .ubj")
    pack.add_argument("data", metavar="DATA", type=Path, help="training inputs, .csv or .npy; no row is published")
    pack.add_argument("--name", required=True, help="short title")
    pack.add_argument("--description", default="", help="what it is for, in a few sentences")
    pack.add_argument("--task", help="classification or regression (default: what the model tells)")
    pack.add_argument("--scenario", action="append", default=[], help="scenario tag; may be repeated")
    pack.add_argument("--license", help="licence tag")
    pack.add_argument("--target", metavar="COLUMN", help="column of DATA that holds the labels; left out of the inputs")
    pack.add_argument("--classes", nargs="+", metavar="LABEL", help="labels, where the model does not know them")
    _add_fit_options(pack)
    pack.add_argument("-o", "--output", metavar="FILE", type=Path, help="where to write it (default: MODEL.zip)")


def _add_search(search: argparse.ArgumentParser) -> None:
    search.add_argument("market", metavar="MARKET", type=Path, help="market folder")
    source = search.add_mutually_exclusive_group()
    source.add_argument("--spec", metavar="FILE", type=Path, help="specification file")
    source.add_argument("--data", metavar="FILE", type=Path, help="inputs, .csv or .npy, to specify on this machine")
    search.add_argument("--text", metavar="WORDS", help="words that must occur in name, description or tags")
    search.add_argument("--task", help="only learnwares for this task")
    search.add_argument("--scenario", action="append", default=[], help="only this scenario, or another one given")
    search.add_argument("--limit", type=int, default=10, help="at most so many hits (default: 10)")
    search.add_argument("--save-spec", metavar="FILE", type=Path, help="also write the specification used")
    _add_fit_options(search)


def _add_fit_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--no-header", action="store_true", help="DATA has no line of column names")
    command.add_argument("--points", type=int, default=100, help="points of the specification (default: 100)")
    command.add_argument("--seed", type=int, default=0, help="seed of the fit (default: 0)")


def _demo(arguments: argparse.Namespace) -> Answer:
    from learnware.demo import run

    outcome = run(random_state=arguments.seed)
    rows = [[method, f"{accuracy:.3f}"] for method, accuracy in outcome["accuracy"].items()]
    head = f"{outcome['n_learnwares']} learnwares of handwritten digits; the user's search: {outcome['verdict']}\n"
    return Answer(f"{head}\n{_table(['method', 'accuracy'], rows)}", outcome)


def _pack(arguments: argparse.Namespace) -> Answer:
    from learnware.bundle import Learnware

    X, y = split_target(read_table(arguments.data, header=not arguments.no_header), arguments.target)
    packed = Learnware.from_model(
        read_model(arguments.model),
        X,
        y,
        name=arguments.name,
        task=arguments.task,
        description=arguments.description,
        scenarios=arguments.scenario,
        license=arguments.license,
        classes=labels(arguments.classes),
        n_points=arguments.points,
        random_state=arguments.seed,
    )
    path = packed.save(arguments.output or arguments.model.with_suffix(".zip"))
    content = {"file": str(path), "digest": packed.digest, "task": packed.task, "columns": list(packed.columns)}
    return Answer(f"{path}: {packed.task.lower()} on {len(packed.columns)} columns", content)


def _check(arguments: argparse.Namespace) -> Answer:
    from learnware.market import check_learnware

    report = check_learnware(existing(arguments.file))
    return Answer(str(report), report.to_dict(), OK if report.passed else REFUSED)


def _submit(arguments: argparse.Namespace) -> Answer:
    from learnware.market import Market

    # A file that is not there, perhaps mistyped, must not leave a market behind.
    files = [existing(file) for file in arguments.files]
    with Market.open(arguments.market) as market:
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
    except BundleError as error:
        outcome["reason"] = str(error)
    return outcome


def _search(arguments: argparse.Namespace) -> Answer:
    specification = _specification(arguments)
    if arguments.save_spec:
        specification.save(arguments.save_spec)
    with _open(arguments.market) as market:
        result = market.search(specification, text=arguments.text, limit=arguments.limit)
    content = result.to_dict()
    rows = [
        [hit["id"], hit["name"], *(_number(hit[key]) for key in ("distance", "fit", "weight", "relevance"))]
        for hit in content["hits"]
    ]
    table = _table(["id", "name", "distance", "fit", "weight", "relevance"], rows)
    found = bool(result.hits) and result.verdict != "nothing fits"
    told = table if result.reason is None else result.reason
    return Answer(f"verdict: {result.verdict}\n{told}", content, OK if found else REFUSED)


def _specification(arguments: argparse.Namespace) -> Specification:
    from learnware.specification import RKME, SemanticSpecification, Specification

    asked = SemanticSpecification(task=arguments.task, scenarios=tuple(arguments.scenario)).said()
    if arguments.spec:
        known = Specification.load(existing(arguments.spec))
        return replace(known, semantic=replace(known.semantic, **asked))
    if arguments.data:
        X = read_table(arguments.data, header=not arguments.no_header)
        rkme = RKME.from_data(X, arguments.points, random_state=arguments.seed)
        return Specification(SemanticSpecification(**asked), rkme)
    if not arguments.text and not asked:
        raise InvalidParameter("A search needs at least one of --spec, --data, --text, --task and --scenario.")
    return Specification(SemanticSpecification(**asked))


def _fetch(arguments: argparse.Namespace) -> Answer:
    with _open(arguments.market) as market:
        path = market.fetch(arguments.id).save(arguments.output or Path(f"{arguments.id}.zip"))
    return Answer(str(path), {"id": arguments.id, "file": str(path)})


def _list(arguments: argparse.Namespace) -> Answer:
    with _open(arguments.market) as market:
        semantics = [(learnware_id, market.describe(learnware_id).semantic) for learnware_id in market]
    content = [
        {"id": i, "name": s.name, "task": s.task, "scenarios": list(s.scenarios), "license": s.license}
        for i, s in semantics
    ]
    rows = [[i, s.name, s.task or "", ", ".join(s.scenarios)] for i, s in semantics]
    text = _table(["id", "name", "task", "scenarios"], rows) if rows else "no learnwares"
    return Answer(text, {"learnwares": content})


def _open(folder: Path) -> Market:
    # Market.open makes a folder that is absent, which is right for submitting only.
    if not folder.is_dir():
        raise NotADirectoryError(f"There is no market folder {str(folder)!r}. `learnware submit` makes one.")
    from learnware.market import Market

    return Market.open(folder)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [list(head), *map(list, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
