"""How a market shows itself in a notebook."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from learnware.specification import SemanticSpecification


def as_html(title: str, shown: Sequence[tuple[str, SemanticSpecification]], n_learnwares: int) -> str:
    """Return a title, a table of some learnwares by their ids and words, and how many there are beside them."""
    head = f"<p>{html.escape(title)}</p>"
    if not shown:
        return head
    rows = "".join(
        f"<tr><td style='text-align:left'>{html.escape(semantic.name)}</td><td>{html.escape(semantic.task or '')}"
        f"</td><td><code>{html.escape(i)}</code></td></tr>"
        for i, semantic in shown
    )
    more = f"<p>and {n_learnwares - len(shown)} more</p>" if n_learnwares > len(shown) else ""
    return f"{head}<table><tr><th>name</th><th>task</th><th>id</th></tr>{rows}</table>{more}"
