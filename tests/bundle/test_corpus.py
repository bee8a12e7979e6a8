"""Every package of the corpus is decided as it must be, quickly and in little memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from learnware import Learnware, errors
from learnware.errors import BundleError
from tests.bundle.corpus import Accepted, Rejected, decide, rejected
from tests.bundle.foreign_corpus import REJECTED as FOREIGN
from tests.bundle.measures import MEMORY, SECONDS, most_memory, quickest

pytest.importorskip("torch")
pytest.importorskip("lightgbm")
pytest.importorskip("xgboost")

from tests.bundle.corpus.accepted import accepted

REJECTED = list(rejected())
ACCEPTED = list(accepted())


@pytest.fixture(scope="module", autouse=True)
def warm() -> None:
    """Import what reads the models, which is no part of the decision."""
    for case in ACCEPTED:
        decide(case.make())


def test_the_corpus_is_large_and_every_name_is_its_own() -> None:
    assert len(REJECTED) >= 150
    assert len(ACCEPTED) >= 40
    names = [case.name for case in (*REJECTED, *ACCEPTED)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("case", REJECTED, ids=lambda case: case.name)
def test_a_package_is_refused(case: Rejected) -> None:
    data = case.make()
    with pytest.raises(BundleError) as caught:
        decide(data)
    assert (type(caught.value), caught.value.code) == (case.error, case.code)
    assert caught.value.file
    assert str(caught.value).endswith(".")
    assert len(str(caught.value)) < 1500
    assert quickest(decide, data) < SECONDS
    assert most_memory(decide, data) < MEMORY


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case.name)
def test_a_package_is_taken(case: Accepted) -> None:
    data = case.make()
    assert decide(data) == case.level
    assert str(Learnware.from_bytes(data).level) == case.level
    assert quickest(decide, data) < SECONDS
    assert most_memory(decide, data) < MEMORY


def documented(page: Path) -> Iterator[tuple[str, str]]:
    """Yield class and code of each row of the tables on the page."""
    name = ""
    for line in page.read_text(encoding="utf-8").splitlines():
        if heading := re.fullmatch(r"## `?([\w ]+)`?", line):
            name = heading[1]
        elif row := re.match(r"\| `([\w-]+)` \|", line):
            yield name, row[1]


def test_the_page_of_refusals_lists_just_the_codes_there_are(root: Path) -> None:
    # What cannot come from a file alone: it depends on the disk, or on what is installed.
    elsewhere = {("UnreachableFile", code) for code in ("missing", "unreadable", "unwritable")}
    elsewhere |= {("LimitExceeded", code) for code in ("archive-size", "unpacked-size", "yaml-size", "booster-size")}
    elsewhere |= {("LimitExceeded", "skops-entries"), ("MalformedSpecification", "spec-not-finite")}
    found = list(documented(root / "docs" / "refusals.md"))
    own = [row for row in found if row[0] in errors.__all__]
    assert len(set(own)) == len(own)
    assert set(own) == {(case.error.__name__, case.code) for case in REJECTED} | elsewhere


def test_the_page_lists_the_codes_of_zips_of_others(root: Path) -> None:
    page = (root / "docs" / "refusals.md").read_text(encoding="utf-8")
    section = page.partition("## Zips of Beimingwu")[2].partition("## ")[0]
    rows = re.findall(r"^\| `([\w-]+)` \| `(\w+)` \|", section, re.MULTILINE)
    assert len(set(rows)) == len(rows)
    assert set(rows) == {(code, error.__name__) for _, _, error, code in FOREIGN}


def test_the_page_lists_the_codes_of_onnx(root: Path) -> None:
    sources = (path.read_text(encoding="utf-8") for path in (root / "learnware" / "models").glob("onnx*.py"))
    codes = {code for source in sources for code in re.findall(r"\"(onnx-[a-z-]+)\"", source)}
    found = {row[1] for row in documented(root / "docs" / "refusals.md") if row[0] == "ONNX models"}
    assert found - {"onnx"} == codes
