"""Pages are true: their code runs, page by page, and they build without a warning."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest

import learnware

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

_FENCE = re.compile(r"^```(?P<language>[^\n]*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    code: str


def blocks(page: Path) -> Iterator[Block]:
    """Return the fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        yield Block(page, line, found["language"].strip(), found["code"])


CODED = [page for page in PAGES if any(block.language == "python" for block in blocks(page))]


@pytest.mark.parametrize("page", CODED, ids=lambda page: page.name)
def test_code_of_a_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": page.stem}
    for block in blocks(page):
        if block.language == "python":
            # Blank lines above the code give errors the line numbers of the page.
            code = compile("\n" * block.line + block.code, str(page), "exec")
            exec(code, names)


def test_every_block_says_what_it_is() -> None:
    known = {"python", "bash", "console", "text", "json", "yaml"}
    for page in PAGES:
        for block in blocks(page):
            directive = block.language.startswith("{")
            assert directive or block.language in known, f"{page.name}:{block.line}: {block.language!r}"


def test_links_between_pages_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_readme_opens_with_two_commands() -> None:
    first = next(block for block in blocks(ROOT / "README.md"))
    assert first.language == "bash"
    set_up, test = first.code.splitlines()
    assert set_up.endswith("examples/quickstart.py")
    assert test.endswith("-m pytest -n auto")


def test_the_api_page_lists_every_public_name() -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## (learnware\.\w+)$(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
    main = page.partition("## learnware.")[0]
    for name in set(learnware.__all__) - {"__version__"}:
        assert re.search(rf"^   {name}$", main, re.MULTILINE), name
    for module, text in sections.items():
        for name in getattr(import_module(module), "__all__", ()):
            assert re.search(rf"\b{name}\b", text + main) or "automodule" in text, f"{module}.{name}"


def test_concepts_quotes_the_constants_in_force() -> None:
    from learnware.market.organizer.frames import ALL_VOTE
    from learnware.market.organizer.sketches import N_SKETCH
    from learnware.market.searcher.statistical import N_EXACT
    from learnware.market.searcher.verdict import LEAST_FIT, MATCH_FIT
    from learnware.specification.rkme import LEAST_MIN_ROWS, MIN_ROWS
    from learnware.specification.space import CODE_LENGTH

    page = " ".join((ROOT / "docs" / "concepts.md").read_text(encoding="utf-8").split())
    for sentence in (
        f"Up to {ALL_VOTE} learnwares",
        f"vectors of {N_SKETCH} random features",
        f"The best {N_EXACT} are then measured",
        f"fit at least {MATCH_FIT:g}",
        f"fit below {LEAST_FIT:g}",
        f"`min_rows` ({MIN_ROWS} unless you ask for more, never less than {LEAST_MIN_ROWS})",
        f"a fixed code of {CODE_LENGTH} numbers",
    ):
        assert sentence in page


def test_pages_build_without_a_warning(tmp_path: Path) -> None:
    for name in ("docs", "CHANGELOG.md", "LICENSE"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("_build", "generated"))
        else:
            shutil.copy(source, tmp_path / name)
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-E", "-b", "html", "docs", "html"]
    environment = {
        "PYTHONPATH": str(ROOT),
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "html" / "index.html").is_file()
