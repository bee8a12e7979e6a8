"""The pages in a real browser: what only a browser does with scripts, files and policies."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from learnware.specification import SemanticSpecification
from tests.server.browser import CHROMIUM, needs_chromium
from tests.server.pages.conftest import application
from tests.server.pages.fake_dock import PASSWORD, FakeDock, identity, specifications
from tests.server.pages.test_harmless import HOSTILE

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = needs_chromium


@pytest.fixture(scope="module")
def dock() -> FakeDock:
    return FakeDock()


@pytest.fixture(scope="module")
def address(dock: FakeDock) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(application(dock), port=0, log_level="warning", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 20
    while not server.started and time.monotonic() < until:
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        running = started.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """Return a page that must show no dialog and log no error."""
    context = browser.new_context(locale="en-GB", viewport={"width": 1100, "height": 800})
    shown, wrong = context.new_page(), []
    shown.set_default_timeout(10_000)
    shown.on("console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None)
    shown.on("pageerror", lambda error: wrong.append(str(error)))
    shown.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
    yield shown
    context.close()
    assert wrong == []


def login(page: Any, address: str, name: str) -> None:
    page.goto(f"{address}/login")
    page.fill("#name", name)
    page.fill("#password", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url(f"{address}/")


def test_search_by_specification(page: Any, address: str, tmp_path: Path) -> None:
    spec = specifications()["wine"].save(tmp_path / "spec.json")
    page.goto(f"{address}/search")
    page.set_input_files("#specification", str(spec))
    page.select_option("#task", "Classification")
    page.click("text=Find learnwares")
    page.wait_for_url("**/search/*?task=Classification")
    assert page.inner_text("h1") == "These learnwares fit your data"
    assert "Wine cultivars from chemistry" in page.inner_text(".hits")
    assert page.locator("svg.map .mine").count() == 1
    page.click(".hits a >> nth=0")
    page.wait_for_url("**/learnwares/*")
    assert page.locator("svg.strips").count() == page.locator("svg.cloud").count() == 1


def test_file_can_be_dropped(page: Any, address: str) -> None:
    page.goto(f"{address}/search")
    page.evaluate(
        """(content) => {
            const files = new DataTransfer();
            files.items.add(new File([content], "spec.json"));
            const zone = document.querySelector("[data-drop]");
            zone.dispatchEvent(new DragEvent("drop", {dataTransfer: files, bubbles: true, cancelable: true}));
        }""",
        specifications()["wine"].to_json(),
    )
    page.click("text=Find learnwares")
    page.wait_for_url("**/search/*")
    assert page.inner_text("h1") == "These learnwares fit your data"


def test_list_is_narrowed_without_loading_the_page(page: Any, address: str) -> None:
    page.goto(address)
    page.evaluate("window.stays = true")
    page.select_option("#data", "Image")
    page.wait_for_url("**/?data=Image")
    assert page.locator(".card").count() == 1
    assert page.inner_text("#found") == "1 learnware"
    page.fill("#text", "nothing like it")
    page.wait_for_selector(".empty")
    assert page.evaluate("window.stays") is True
    page.go_back()
    page.wait_for_selector(".card")
    assert page.url.endswith("/?data=Image")
    assert page.locator(".card").count() == 1
    assert (page.input_value("#data"), page.input_value("#text")) == ("Image", "")


def test_language_is_switched_on_the_same_page(page: Any, address: str) -> None:
    path = f"{address}/learnwares/{identity('wine')}"
    page.goto(path)
    page.click("text=中文")
    page.wait_for_url(path)
    assert page.get_attribute("html", "lang") == "zh-Hans"
    assert "使用方法" in page.inner_text("main")
    page.click("text=English")
    page.wait_for_url(path)
    assert page.get_attribute("html", "lang") == "en"


def test_upload_goes_through_to_its_verification(page: Any, address: str, dock: FakeDock, tmp_path: Path) -> None:
    bundle = tmp_path / "model.zip"
    bundle.write_bytes(b"x" * 300_000)
    login(page, address, "ada")
    page.goto(f"{address}/upload")
    page.set_input_files("#bundle", str(bundle))
    page.check("input[value=public]")
    page.click("text=Send and check")
    page.wait_for_url("**/submissions/*")
    name = page.url.rsplit("/", 1)[1]
    assert (dock.sent[name].size, dock.asked[-1]) == (300_000, "public")
    dock.submitted(name, state="verified", learnware="wine", outcome={"report": {"findings": []}})
    page.wait_for_selector("text=Open the learnware")


def test_keyboard_reaches_the_content_first(page: Any, address: str) -> None:
    page.goto(address)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


def test_hostile_text_fires_nothing(page: Any, address: str, dock: FakeDock) -> None:
    one_line = [text for text in HOSTILE if "\n" not in text and "\u202e" not in text]
    semantic = SemanticSpecification(name=" ".join(one_line[:3]), description="\n\n".join(HOSTILE))
    known = dock.put("hostile", semantic)
    page.goto(f"{address}/?text={'%3Cscript%3Ealert(1)%3C/script%3E'}")
    page.goto(address)
    page.goto(f"{address}/learnwares/{known}")
    page.wait_for_timeout(200)
    assert page.locator("main script, main style, main iframe, main img, [onerror], [onload]").count() == 0
    del dock.cards[known]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_fits_a_narrow_screen_in_both_schemes(browser: Any, address: str, scheme: str) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740}, color_scheme=scheme, locale="zh-CN")
    page = context.new_page()
    login(page, address, "grace")
    paths = ["/", "/search", f"/learnwares/{identity('wine')}", "/mine", "/upload", "/tokens", "/account", "/admin"]
    for path in [*paths, "/admin/users", "/admin/audit", "/submissions/refused"]:
        page.goto(address + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
    context.close()


def _contrast(page: Any) -> list[str]:
    """Return the texts whose contrast with what is behind them is below that of level AA."""
    found: list[str] = page.evaluate(
        """() => {
          const light = (c) => { const v = c.map(x => x / 255)
              .map(x => x <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4);
            return .2126 * v[0] + .7152 * v[1] + .0722 * v[2]; };
          const rgba = (s) => { const v = s.match(/[\\d.]+/g).map(Number); return v.length > 3 ? v : [...v, 1]; };
          const over = (top, under) => top.slice(0, 3).map((x, i) => x * top[3] + under[i] * (1 - top[3]));
          const behind = (e) => { const layers = [];
            for (; e; e = e.parentElement) layers.push(rgba(getComputedStyle(e).backgroundColor));
            return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255]); };
          const wrong = [];
          for (const e of document.querySelectorAll("main *, header *, footer *")) {
            const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
            const style = getComputedStyle(e);
            if (!own || e.closest("svg") || style.visibility === "hidden" || !e.getClientRects().length) continue;
            if (e.closest(".visually-hidden, [aria-hidden=true]")) continue;
            const back = behind(e), fore = rgba(style.color);
            fore[3] *= Number(style.opacity);
            const a = light(over(fore, back)), b = light(back);
            const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
            const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
            if (ratio < (large ? 3 : 4.5))
              wrong.push(`${ratio.toFixed(2)} ${e.tagName}.${e.className} ${e.textContent.trim().slice(0, 30)}`);
          }
          return wrong;
        }"""
    )
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_both_schemes(browser: Any, address: str, dock: FakeDock, scheme: str) -> None:
    context = browser.new_context(color_scheme=scheme, reduced_motion="reduce")
    page = context.new_page()
    login(page, address, "grace")
    query = dock.keep_query(dock.session("ada")[1], specifications()["wine"])
    paths = ["/", f"/search/{query}", f"/learnwares/{identity('wine')}", "/mine", "/upload", "/tokens", "/admin/users"]
    for path in [
        *paths,
        "/submissions/refused",
        "/submissions/done",
        "/submissions/broken",
        f"/search/{query}?task=Regression",
    ]:
        page.goto(address + path)
        assert _contrast(page) == [], path
    context.close()
