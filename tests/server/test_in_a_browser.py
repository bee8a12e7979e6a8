"""The main paths of a person, in a real browser, against a real dock with a worker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from learnware import Market
from learnware.testing import make_learnware
from tests.server.browser import CHROMIUM, needs_chromium
from tests.server.running import PASSWORD, RunningDock

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = needs_chromium


@pytest.fixture
def running(tmp_path: Path) -> Iterator[RunningDock]:
    with RunningDock(tmp_path / "market") as dock:
        yield dock


@pytest.fixture
def page() -> Iterator[Any]:
    """Return a page that must show no dialog and log no error."""
    wrong: list[str] = []
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        shown = browser.new_context(locale="en-GB").new_page()
        shown.set_default_timeout(20_000)
        shown.on("console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None)
        shown.on("pageerror", lambda error: wrong.append(str(error)))
        shown.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
        yield shown
        browser.close()
    assert wrong == []


def log_in(page: Any, running: RunningDock, name: str) -> None:
    page.goto(f"{running.url}/login")
    page.fill("input[name=name]", name)
    page.fill("input[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url(lambda url: "/login" not in url)


def test_from_an_upload_to_a_search_that_finds_it(page: Any, running: RunningDock, tmp_path: Path) -> None:
    log_in(page, running, "ada")
    page.goto(f"{running.url}/upload")
    page.set_input_files("#bundle", make_learnware("Above or below").save(tmp_path / "one.zip"))
    page.check("input[value=public]")
    page.click("text=Send and check")
    page.wait_for_url("**/submissions/*")
    page.click("text=Open the learnware", timeout=30_000)
    page.wait_for_url("**/learnwares/*")
    learnware_id = page.url.rsplit("/", 1)[1]
    page.goto(f"{running.url}/search")
    page.set_input_files("#specification", make_learnware("q", 0.2).specification.save(tmp_path / "spec.json"))
    page.click("text=Find learnwares")
    page.wait_for_url("**/search/*")
    assert page.locator(f"main a[href*='{learnware_id}']").first.inner_text() == "Above or below"
    address = page.url
    page.goto(f"{running.url}/language/zh")
    page.goto(address)
    assert page.locator("html").get_attribute("lang").startswith("zh")
    assert page.locator(f"main a[href*='{learnware_id}']").count() > 0


def test_a_token_made_here_is_good_for_the_client(page: Any, running: RunningDock) -> None:
    log_in(page, running, "ada")
    page.goto(f"{running.url}/tokens")
    page.fill("input[name=title]", "notebook")
    page.check("input[value=upload]")
    page.click("main form:has(input[name=title]) button[type=submit]")
    secret = next(text for text in page.locator("main code").all_inner_texts() if text.startswith("lw_"))
    with Market.open(running.url, token=secret) as market:
        learnware_id = market.submit(make_learnware())
        assert list(market) == [learnware_id]


def test_an_admin_sees_the_numbers_and_makes_accounts(page: Any, running: RunningDock) -> None:
    log_in(page, running, "root")
    page.goto(f"{running.url}/admin/users")
    page.fill("input[name=name]", "carl")
    page.fill("input[name=password]", PASSWORD)
    page.click("main form:has(input[name=password]) button[type=submit]")
    page.wait_for_selector("form[action='/admin/users/carl/role']")
    page.goto(f"{running.url}/admin")
    assert page.locator("main svg").count() >= 1
