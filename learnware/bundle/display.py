"""How a learnware shows itself in a notebook."""

from __future__ import annotations

import html

from learnware.bundle.content import Content
from learnware.bundle.rows import Layout
from learnware.bundle.samples import Images, Texts


def described(content: Content) -> str:
    """Return what the model takes, in a few words."""
    layout = content.layout
    if isinstance(layout, Layout):
        return f"{len(layout.names)} columns"
    if isinstance(layout, Images):
        return f"images of {' x '.join(map(str, layout.shape))} {layout.pixels}s"
    return "texts" if isinstance(layout, Texts) else f"data: {content.specification.semantic.data}"


def as_html(content: Content, id: str | None) -> str:
    """Return a small table: what goes in, what comes out, what is needed."""
    model = content.manifest.model
    outputs = f"{model.n_outputs} number(s)" if model.classes is None else _listed([str(c) for c in model.classes])
    rows = {
        "id": id or "not in a market",
        "task": model.task,
        "takes": _listed(list(content.layout.names)) if content.layout.names else described(content),
        "outputs": outputs,
        "specification": repr(content.rkme) if content.rkme else "words only",
        "level": f"{content.level} - {content.level.meaning}",
        "needs": ", ".join(model.requirements),
    }
    description = content.specification.semantic.description
    if description:
        rows["description"] = description if len(description) <= 300 else description[:297] + "..."
    style = "text-align:left;vertical-align:top"
    body = "".join(
        f"<tr><th style='{style}'>{key}</th><td style='{style}'>{html.escape(value)}</td></tr>"
        for key, value in rows.items()
    )
    return f"<table><caption>{html.escape(content.manifest.name)}</caption>{body}</table>"


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:8])
    return f"{len(names)}: {shown}" + (", ..." if len(names) > 8 else "")
