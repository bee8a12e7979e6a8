"""Read a page as a browser does, and say what in it could act."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
_OURS = frozenset(
    "html head meta title link script body a header div nav ul ol li svg circle path rect g text form button main "
    "footer p section h1 h2 h3 h4 h5 h6 label input select option fieldset legend span time figure figcaption pre code "
    "aside dl dt dd table caption thead tbody tr th td details summary strong em s br hr blockquote noscript "
    "progress".split()
)
_ACTING = frozenset(("style", "srcdoc", "formaction", "xlink:href", "background", "ping", "data"))
_SAFE = ("/", "#", "http://", "https://", "mailto:")


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]


@dataclass
class Read(HTMLParser):
    """A page, taken apart."""

    elements: list[Element] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[str] = []

    @classmethod
    def page(cls, content: str) -> Read:
        read = cls()
        read.feed(content)
        read.close()
        read.mistakes += [f"<{tag}> is never closed" for tag in read._open]
        return read

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.mistakes.append(f"</{tag}> closes something else, at {self.getpos()}")

    def handle_data(self, data: str) -> None:
        if not self._open or self._open[-1] not in ("script", "style"):
            self.text += data
        elif data.strip():
            self.mistakes.append(f"an inline {self._open[-1]}: {data!r:.60}")

    def all(self, tag: str) -> list[Element]:
        return [element for element in self.elements if element.tag == tag]

    @property
    def acting(self) -> list[str]:
        """What could do something besides being read."""
        found = list(self.mistakes)
        for element in self.elements:
            if element.tag not in _OURS:
                found.append(f"<{element.tag}>")
            found += [n for n in element.attributes if n.startswith("on") or n.startswith("hx-on") or n in _ACTING]
            for name in ("href", "src", "action"):
                address = element.attributes.get(name)
                if address is not None and not address.startswith(_SAFE) and not address.startswith("?"):
                    found.append(f"{name}={address!r}")
            if element.tag == "script" and not element.attributes.get("src", "").startswith("/static/"):
                found.append(f"script {element.attributes}")
        return found
