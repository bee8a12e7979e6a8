"""Two catalogues that say the same, and templates that say nothing without them."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

import learnware.server.pages
from learnware.server.accounts.actor import ROLES, SCOPES
from learnware.server.accounts.authorize import VISIBILITIES
from learnware.server.pages.language import LANGUAGES, catalogue_of, preferred
from learnware.specification.semantic import VOCABULARY
from tests.server.pages.conftest import Visitor
from tests.server.pages.fake_dock import identity

PAGES = Path(learnware.server.pages.__file__).parent
TEMPLATES = sorted((PAGES.parent / "templates").glob("*.html"))

_SAID = re.compile(r"""\b(?:t|say)\(\s*["']([a-z0-9_.-]+)["']\s*(~?)""")
_CHOSEN = re.compile(r"""\b(?:t|say)\(\s*["']([a-z_.]+)["'] if .*? else ["']([a-z_.]+)["']""")
_TEXT_ATTRIBUTES = re.compile(
    r"""\b(?:title|alt|placeholder|aria-label|content|label)\s*=\s*(["'])(.*?)\1""", re.DOTALL
)
_FIXED = {"width=device-width, initial-scale=1", "light dark", "5"}


def keys(code: str) -> set[str]:
    return set(catalogue_of(code).sentences)


def holes(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


def sources() -> str:
    return "\n".join(path.read_text("utf-8") for path in [*TEMPLATES, *PAGES.rglob("*.py")])


def test_catalogues_have_the_same_keys() -> None:
    assert keys("en") == keys("zh")


@pytest.mark.parametrize("key", sorted(catalogue_of("en").sentences))
def test_sentence_is_complete_in_both(key: str) -> None:
    english, chinese = (catalogue_of(code).sentences[key] for code in LANGUAGES)
    assert english.strip()
    assert chinese.strip()
    assert holes(english) == holes(chinese) or key.endswith(".one")
    assert not re.search(r"[\u3400-\u9fff]", english)


def test_chinese_is_chinese() -> None:
    same = {key for key, text in catalogue_of("zh").sentences.items() if not re.search(r"[\u3400-\u9fff]", text)}
    assert same == {
        "result.again.file",
        "snippet.python",
        "submission.digest",
        "tag.PyTorch",
        "tag.Scikit-learn",
        "tag.TensorFlow",
    }


def test_every_key_that_is_used_is_there() -> None:
    text = sources()
    whole = {key for key, more in _SAID.findall(text) if not more} | {k for pair in _CHOSEN.findall(text) for k in pair}
    assert whole
    assert whole <= keys("en")


def test_every_key_that_is_there_is_used() -> None:
    text = sources()
    begun = tuple(key for key, more in _SAID.findall(text) if more)
    begun += ("error.", "tag.", "state.", "kind.", "finding.")
    whole = {key for key, _ in _SAID.findall(text)} | {k for pair in _CHOSEN.findall(text) for k in pair}
    listed = set(re.findall(r"""["']([a-z_]+\.[a-z_]+)["']""", text))
    unused = {k for k in keys("en") if k.removesuffix(".one") not in whole | listed and not k.startswith(begun)}
    assert unused == set()


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_template_has_no_words_of_its_own(path: Path) -> None:
    source = path.read_text("utf-8")
    bare = re.sub(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", "", source, flags=re.DOTALL)
    told = [value for _, value in _TEXT_ATTRIBUTES.findall(bare) if not value.startswith('{"')]
    words = re.sub(r"<[^>]*>", "", bare)
    assert not re.search(r"\w\w", words), words.split()
    assert [value for value in told if re.search(r"\w\w", value) and value not in _FIXED] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_template_escapes_all_that_is_not_ours(path: Path) -> None:
    source = path.read_text("utf-8")
    assert "| safe" not in source
    assert "autoescape" not in source
    trusted = set(re.findall(r"\{\{ ([a-z.]+) \| svg \}\}", source))
    assert source.count("| svg") == len(re.findall(r"\{\{ [a-z.]+ \| svg \}\}", source))
    assert trusted <= {"map.svg", "portrait.strips", "portrait.cloud", "days", "tasks"}
    assert not re.search(r"=\s*\{\{", source), "an attribute without quotes"


def test_every_word_of_the_vocabularies_has_a_translation() -> None:
    terms = [f"tag.{value}" for group, values in VOCABULARY.items() if group != "license" for value in values]
    terms += [f"visibility.{value}{more}" for value in VISIBILITIES for more in ("", ".meaning")]
    terms += [f"scope.{value}{more}" for value in SCOPES for more in ("", ".meaning")]
    terms += [f"role.{value}" for value in ROLES] + ["tag.scenario", *(f"level.T{i}.meaning" for i in range(3))]
    assert set(terms) <= keys("zh")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("zh", "zh"),
        ("zh-TW,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("fr;q=1, zh;q=0.5, en;q=0.4", "zh"),
        ("fr, de", "en"),
        ("zh;q=0", "en"),
        ("zh;q=nonsense", "en"),
        ("zh;q=nan", "en"),
        (",;=,q=", "en"),
        ("*" * 10_000, "en"),
    ],
)
def test_browser_is_answered_in_the_language_it_likes(header: str, language: str) -> None:
    assert preferred(header) == language


def test_language_is_chosen_and_kept(visitor: Visitor) -> None:
    client = visitor(language="en")
    path = f"/learnwares/{identity('wine')}?x=1"
    assert 'href="/language/zh?next=%2Flearnwares' in client.get(path).text
    response = client.get("/language/zh", params={"next": path})
    assert (response.status_code, response.headers["location"]) == (303, path)
    assert 'lang="zh-Hans"' in client.get(path).text
    assert 'lang="zh-Hans"' in client.get("/nowhere").text
    client.get("/language/en")
    assert 'lang="en"' in client.get(path).text


def test_languages_that_are_not_there(visitor: Visitor) -> None:
    assert visitor().get("/language/tlh").status_code == 404
    client = visitor()
    client.cookies.set("dock_language", "../../etc/passwd")
    assert 'lang="en"' in client.get("/").text
