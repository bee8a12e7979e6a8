"""Lines of Python and of the shell for people to copy, that do with the library what a page does."""

from __future__ import annotations

import json


def build_specification(remark: str) -> str:
    """Return how a specification is made, on the machine where the data are, with a remark that says so."""
    return (
        "import pandas as pd\n"
        "from learnware import Specification\n\n"
        f'X = pd.read_csv("data.csv")  # {remark}\n'
        'Specification.from_data(X).save("spec.json")'
    )


def build_specification_shell() -> str:
    """Return the same for a shell."""
    return "learnware spec data.csv -o spec.json"


def repeat_search(address: str, task: str | None, text: str | None) -> str:
    """Return how a search is repeated in a notebook.

    Examples
    --------
    >>> print(repeat_search("https://dock.example", None, None))
    from learnware import Market, Reuser, Specification
    <BLANKLINE>
    market = Market.open("https://dock.example")
    spec = Specification.load("spec.json")
    result = market.search(spec)
    pred = Reuser.auto(result).fit(X).predict(X)
    """
    lines = ["from learnware import Market, Reuser, Specification", ""]
    if task:
        lines.insert(0, "from dataclasses import replace")
    lines += [f"market = Market.open({json.dumps(address)})", 'spec = Specification.load("spec.json")']
    if task:
        lines.append(f"spec = replace(spec, semantic=replace(spec.semantic, task={json.dumps(task)}))")
    words = f", text={json.dumps(text, ensure_ascii=False)}" if text else ""
    lines += [f"result = market.search(spec{words})", "pred = Reuser.auto(result).fit(X).predict(X)"]
    return "\n".join(lines)


def use(address: str, reference: str, *, private: bool) -> str:
    """Return how one learnware is used in a notebook."""
    token = ', token="lw_..."' if private else ""
    return (
        "from learnware import Market\n\n"
        f"market = Market.open({json.dumps(address)}{token})\n"
        f"learnware = market.fetch({json.dumps(reference)})\n"
        "learnware.predict(X)"
    )


def use_shell(address: str, reference: str) -> str:
    """Return how a learnware is fetched from a shell."""
    return f"learnware fetch {address} {reference} -o model.zip"


def submit_shell(address: str) -> str:
    """Return how a learnware is submitted from a shell."""
    return f"learnware submit {address} model.zip"


def update_shell(address: str, learnware_id: str) -> str:
    """Return how a learnware is given a new revision from a shell."""
    return f"learnware update {address} {learnware_id} model.zip"
