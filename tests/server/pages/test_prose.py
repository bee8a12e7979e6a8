"""Markdown of strangers."""

from __future__ import annotations

import time

import pytest

from learnware.server.pages.prose import as_html, excerpt

PLAIN = [
    ("# Title", "<h3>Title</h3>"),
    ("**bold** and *soft*", "<p><strong>bold</strong> and <em>soft</em></p>"),
    ("`a < b`", "<p><code>a &lt; b</code></p>"),
    ("- one\n- two", "<ul>\n<li>one</li>\n<li>two</li>\n</ul>"),
    ("```python\nx = 1\n```", "<pre><code>x = 1\n</code></pre>"),
    ("[x](https://example.org)", '<p><a href="https://example.org" rel="nofollow noopener">x</a></p>'),
    ("[x](/logout)", '<p><a rel="nofollow noopener">x</a></p>'),
    ("[x](//evil.example)", '<p><a rel="nofollow noopener">x</a></p>'),
    (
        "![x](https://example.org/spy.png)",
        '<p>!<a href="https://example.org/spy.png" rel="nofollow noopener">x</a></p>',
    ),
    ("<b>bold</b>", "<p>&lt;b&gt;bold&lt;/b&gt;</p>"),
    ("~~gone~~", "<p><s>gone</s></p>"),
]

SLOW = {
    "brackets": "[" * 20_000,
    "emphasis": "*a_ " * 5_000,
    "quotes": "> " * 10_000,
    "cells": "|" + "a|" * 1_000 + "\n|" + "-|" * 1_000 + "\n" + "a\n" * 5_000,
    "items": "-\n" * 10_000,
    "ticks": " ".join("`" * i for i in range(1, 199)),
    "entities": "&" * 20_000,
    "pictures": "![" * 10_000,
    "references": "".join(f"[{i}]: x\n" for i in range(1_500)) + "[1][2]" * 500,
}


@pytest.mark.parametrize(("written", "shown"), PLAIN)
def test_markdown_is_shown(written: str, shown: str) -> None:
    assert str(as_html(written)).strip() == shown


def test_table_is_shown() -> None:
    assert "<td>0.97</td>" in as_html("| a | b |\n|---|---|\n| accuracy | 0.97 |")


@pytest.mark.parametrize("name", SLOW)
def test_no_text_makes_much_of_itself(name: str) -> None:
    before = time.perf_counter()
    shown = as_html(SLOW[name])
    assert time.perf_counter() - before < 2.0
    assert len(shown.encode()) <= 30_000


def test_excerpt_is_the_first_paragraph_in_plain_words() -> None:
    assert excerpt("# Sales\n\nOf **one** [store](https://x.org) & more.\n\nElse.") == "Of one store & more."
    assert excerpt("# Only a title") == "Only a title"
    assert excerpt("") == ""


def test_long_excerpt_ends_between_words() -> None:
    shown = excerpt("word " * 200)
    assert shown.endswith("word…")
    assert len(shown) <= 221
