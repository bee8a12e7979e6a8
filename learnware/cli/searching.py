"""The command that searches a market."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from learnware._files import existing, read_table
from learnware.cli.answer import OK, REFUSED, Answer, number, table
from learnware.cli.commands import Commands, add_fit_options
from learnware.cli.markets import add_market, open_market
from learnware.errors import InvalidParameter

if TYPE_CHECKING:
    from learnware.specification import Specification

_NUMBERS = ("loss", "distance", "fit", "weight", "relevance")


def add_commands(commands: Commands) -> None:
    """Add ``search``."""
    search = commands.add(_search, "search", "find learnwares by a specification, by data, or by words")
    add_market(search)
    source = search.add_mutually_exclusive_group()
    source.add_argument("--spec", metavar="FILE", type=Path, help="specification file")
    source.add_argument("--data", metavar="FILE", type=Path, help="inputs, .csv or .npy, to specify on this machine")
    search.add_argument("--text", metavar="WORDS", help="words that must occur in name, description or tags")
    search.add_argument("--task", help="only learnwares for this task")
    search.add_argument("--scenario", action="append", default=[], help="only this scenario, or another one given")
    search.add_argument("--limit", type=int, default=10, help="at most so many hits (default: 10)")
    search.add_argument("--offset", type=int, default=0, help="pass over so many hits: the next page (default: 0)")
    search.add_argument("--duplicates", action="store_true", help="list near-duplicates of earlier learnwares too")
    search.add_argument("--save-spec", metavar="FILE", type=Path, help="also write the specification used")
    search.add_argument("--explain", action="store_true", help="also say how the first hit differs from the data")
    add_fit_options(search)


def _search(arguments: argparse.Namespace) -> Answer:
    specification = _specification(arguments)
    if arguments.save_spec:
        specification.save(arguments.save_spec)
    with open_market(arguments.market, token=arguments.token) as market:
        result = market.search(
            specification,
            text=arguments.text,
            limit=arguments.limit,
            offset=arguments.offset,
            duplicates=arguments.duplicates,
        )
        explanation = result.hits[0].explain() if arguments.explain and result.hits else None
    content = result.to_dict()
    found = bool(result.hits) and result.verdict != "nothing fits"
    text = f"verdict: {result.verdict}\n{result.reason or _told(content['hits'])}"
    if explanation is not None:
        text, content = f"{text}\n\n{explanation}", {**content, "explanation": explanation.to_dict()}
    return Answer(text, content, OK if found else REFUSED)


def _told(hits: list[dict[str, Any]]) -> str:
    """Return the table of hits; only where there are near-duplicates it tells of them."""
    rows = [[hit["id"], hit["name"], *(number(hit[key]) for key in _NUMBERS)] for hit in hits]
    heads = ["id", "name", *_NUMBERS]
    for key in ("covers", "covered_by"):
        if any(hit[key] for hit in hits):
            heads.append(key.replace("_", " "))
            for row, hit in zip(rows, hits, strict=True):
                row.append(str(hit[key] or ""))
    return table(heads, rows)


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
