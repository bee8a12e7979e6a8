"""Models of others over HTTP: a dock, developers who submit to it, and a user who keeps their rows.

Eight developers each train a model on digits of five classes and submit it to a dock, which runs as a process of its
own. A user with 300 digits of six classes sends it a specification of them, fetches what it finds, and predicts on
their own machine, without labels and with a few.

    python examples/remote.py
    python examples/remote.py --url https://dock.example.org --token lw_...

The second line uses a dock that runs. Its token needs the scopes read, upload and delete: what is submitted is private
and removed in the end.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from quickstart import JOBS, biased, develop, use
from sklearn.model_selection import train_test_split

from learnware import Learnware, Market, Specification
from learnware.market.remote import RemoteMarket

LEARNWARE = (sys.executable, "-m", "learnware")
DIGITS = JOBS[0]


@contextmanager
def running_dock(folder: Path) -> Iterator[str]:
    """Serve a market folder from another process, and give the address; it ends with the block."""
    command = [*LEARNWARE, "serve", str(folder), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            said = server.stdout.readline() if server.stdout else ""
            if not said:
                sys.exit("The dock did not start; what it wrote above says why.")
            yield said.split()[-1]
        finally:
            server.terminate()


def make_account(folder: Path, name: str, *scopes: str) -> str:
    """Make an account at a dock as whoever runs it does, and return a token for it."""
    password = np.random.default_rng().bytes(16).hex()
    add = [*LEARNWARE, "dock", "add-user", str(folder), name, "--password-file", "-"]
    subprocess.run(add, input=password, text=True, check=True, stdout=subprocess.DEVNULL)
    asked = [option for scope in scopes for option in ("--scope", scope)]
    token = [*LEARNWARE, "dock", "token", str(folder), name, "--title", "example", *asked]
    return subprocess.run(token, text=True, check=True, capture_output=True).stdout.strip()


def prepare(seed: int) -> tuple[list[Learnware], np.ndarray, np.ndarray]:
    """Return the learnwares of the developers, and the rows and labels of the user."""
    X, y = DIGITS.load(return_X_y=True)
    X, X_user, y, y_user = train_test_split(X, y, test_size=0.4, random_state=seed)
    rng = np.random.default_rng([seed, 0])
    return develop(DIGITS, X, y, seed), *biased(X_user, y_user, DIGITS.user_rows, DIGITS.user_classes, rng)


def on_a_new_dock(seed: int) -> dict[str, float]:
    """Run a dock for as long as it takes, with an account for the developers and one for the user."""
    learnwares, X, y = prepare(seed)
    with TemporaryDirectory() as name, running_dock(Path(name, "market")) as url:
        print(f"A dock runs at {url}.", file=sys.stderr)
        developer = make_account(Path(name, "market"), "developer", "read", "upload")
        user = make_account(Path(name, "market"), "user", "read")
        with Market.open(url, token=developer) as market:
            market.submit(learnwares)  # sent, verified there by another process, then this returns
        with Market.open(url, token=user) as market:
            return use(DIGITS, market, X, y, seed)  # the very function that examples/quickstart.py calls


def on_a_running_dock(url: str, token: str | None, seed: int) -> dict[str, float]:
    """Use a dock that runs, and leave nothing there."""
    learnwares, X, y = prepare(seed)
    with RemoteMarket(url, token=token, visibility="private") as market:
        ids: list[str] = []
        try:
            for learnware in learnwares:
                ids.append(market.submit(learnware))
            return use(DIGITS, market, X, y, seed)
        finally:
            for learnware_id in ids:
                market.remove(learnware_id)


def main(argv: list[str] | None = None) -> None:
    """Read the options, submit, search, reuse, and print how good every way is."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--url", help="a dock that runs (default: start one)")
    parser.add_argument("--token", default=os.environ.get("LEARNWARE_TOKEN"), help="default: LEARNWARE_TOKEN")
    parser.add_argument("--seed", type=int, default=0, help="for the draws of rows and the fits")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args(argv)
    run = partial(on_a_running_dock, options.url, options.token) if options.url else on_a_new_dock
    scores = run(options.seed)
    if options.json:
        print(json.dumps(scores, indent=1))
        return
    _, X, _ = prepare(options.seed)
    sent = len(Specification.from_data(X, task=DIGITS.task, random_state=options.seed).to_json())
    print(f"\nThe search sent a specification of {sent:,} bytes. The user's {len(X)} rows and all labels stayed.\n")
    print(f"| {'way':24} | accuracy |\n|---|---|")
    for way, score in scores.items():
        print(f"| {way:24} | {score:8.3f} |")
    print(
        "\nSingle best: chosen with all labels in hand. Oracle: the self-trained model with labels for all of the\n"
        "user's rows (5-fold cross-validation)."
    )


if __name__ == "__main__":
    main()
