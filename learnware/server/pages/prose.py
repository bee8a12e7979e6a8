"""Markdown of strangers as harmless HTML."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

_TAGS = frozenset("p br hr h3 h4 h5 h6 em strong s code pre blockquote ul ol li a table thead tbody tr th td".split())
_ATTRIBUTES: Mapping[str, set[str]] = {"a": {"href", "title"}, "ol": {"start"}}
_SCHEMES = frozenset({"http", "https", "mailto"})

# A page has headings of its own above those of a description.
_HEADINGS_BELOW = 2

_EXCERPT = 220

_MOST_CELLS, _MOST_BYTES, _MOST_PLAIN = 5_000, 24_000, 4_000


def as_html(text: str) -> Markup:
    """Return Markdown as HTML that can do nothing but be read.

    HTML in the text is shown as text, pictures become links, and links go to other sites only, with
    ``rel="nofollow noopener"``. What Markdown makes of the text is cleaned once more by an allow-list.

    Examples
    --------
    >>> str(as_html("**Sales** <script>alert(1)</script>")).strip()
    '<p><strong>Sales</strong> &lt;script&gt;alert(1)&lt;/script&gt;</p>'
    """
    cleaned = nh3.clean(
        _reader(_has_a_sane_table(text)).render(text),
        tags=set(_TAGS),
        attributes=dict(_ATTRIBUTES),
        url_schemes=set(_SCHEMES),
        link_rel="nofollow noopener",
        url_relative="deny",
    )
    if len(cleaned.encode()) > _MOST_BYTES:
        # No text for people grows like this; as it was written, it stays small.
        return Markup("<pre>{}</pre>").format(text[:_MOST_PLAIN])
    return Markup(cleaned)


def _has_a_sane_table(text: str) -> bool:
    """Tell whether tables are to be read: short rows are filled up, so a few bytes can ask for many cells."""
    lines = text.splitlines()
    return len(lines) * max((line.count("|") for line in lines), default=0) <= _MOST_CELLS


def excerpt(text: str) -> str:
    """Return the first paragraph of Markdown as plain words, or the beginning of a long one.

    Examples
    --------
    >>> excerpt("# Sales\\n\\nof **store** 12")
    'of store 12'
    """
    parts = re.split(r"\n\s*\n", text[: 8 * _EXCERPT].strip())
    first = next((part for part in parts if not part.lstrip().startswith("#")), parts[0])
    words = as_html(first[: 4 * _EXCERPT]).striptags()
    return words if len(words) <= _EXCERPT else words[:_EXCERPT].rsplit(" ", 1)[0] + "…"


@cache
def _reader(tables: bool) -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": False, "maxNesting": 20})
    reader.enable(["strikethrough", *(["table"] if tables else [])]).disable(["image", "html_block", "html_inline"])
    reader.add_render_rule("heading_open", _lowered)
    reader.add_render_rule("heading_close", _lowered)
    return reader


def _lowered(self: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    level = min(int(tokens[index].tag[1]) + _HEADINGS_BELOW, 6)
    return f"<{'/' if tokens[index].nesting < 0 else ''}h{level}>"
