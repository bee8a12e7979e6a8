"""The command that turns a market folder into a dock."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

from learnware._optional import import_optional
from learnware.cli.answer import Answer
from learnware.cli.commands import Commands


def add_commands(commands: Commands) -> None:
    """Add ``serve``."""
    serve = commands.add(_serve, "serve", "let others use a market folder over HTTP, with a web page and accounts")
    serve.add_argument("market", metavar="MARKET", type=Path, help="market folder, made on first use")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen at (default: 127.0.0.1)")
    serve.add_argument("--port", type=int, default=8000, help="port to listen at; 0 takes a free one (default: 8000)")
    serve.add_argument("--public-url", metavar="URL", help="where users reach it, if a proxy stands in front of it")
    serve.add_argument("--workers", type=int, default=1, help="processes that verify submissions (default: 1)")
    serve.add_argument(
        "--isolation", choices=["auto", "process", "sandbox"], default="auto", help="where submitted models run"
    )


def _serve(arguments: argparse.Namespace) -> Answer:
    import_optional("fastapi", extra="server", purpose="learnware serve")
    from learnware.server.serve import serve
    from learnware.server.settings import Settings

    settings = Settings(
        arguments.host, arguments.port, arguments.public_url, arguments.workers, isolation=arguments.isolation
    )
    serve(arguments.market, settings, ready=lambda address: _tell(arguments.market, address))
    return Answer("", {"served": str(arguments.market)})


def _tell(market: Path, address: str) -> None:
    """Print where the dock is, at once: an answer is printed when all is over."""
    from learnware.server.accounts.users import Users
    from learnware.server.database import open_database

    print(f"Serving {market} at {address}", flush=True)
    with closing(open_database(market)) as database:
        if not Users(database).list():
            print(
                f"Nobody can log in yet. Make the first admin: learnware dock add-user {market} NAME --admin",
                flush=True,
            )
