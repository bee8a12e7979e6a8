"""What is special about a market that is elsewhere: what it sends, what it keeps, and how it travels."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from learnware import Market, Specification
from learnware.bundle import Policy
from learnware.errors import InvalidParameter, LearnwareNotFound, MarketUnreachable
from learnware.market.remote import RemoteMarket
from learnware.market.remote.connections import Connections
from learnware.testing import make_learnware
from tests.market.forks import needs_fork
from tests.market.remote.fake_dock import FakeDock, status
from tests.market.remote.gate import at_once


def test_no_row_leaves_with_a_search(dock: FakeDock, market: RemoteMarket) -> None:
    market.submit(make_learnware())
    rng = np.random.default_rng(7)
    X, y = rng.normal(size=(200, 2)), rng.normal(size=200)
    texts = [f"customer {i} of ward {i * 7919 % 104729} has asked about row {i}" for i in range(60)]
    dock.received.clear()
    market.search(Specification.from_data(X, random_state=0))
    market.search(Specification.from_data(X, y, random_state=0))
    market.search(Specification.from_data(texts, data="text", random_state=0))
    sent = bytes(dock.received)
    assert sent.count(b"POST /api/v1/search") == 3
    assert sent.count(b'"points"') == 3
    for number in [*X.ravel(), *y]:
        forms = [number.tobytes(), np.float32(number).tobytes(), number.byteswap().tobytes(), f"{number:.9f}".encode()]
        forms += [repr(float(number)).encode(), f"{np.float32(number)!s}".encode()]
        assert not any(form in sent for form in forms), number
    for text in texts:
        assert text.encode() not in sent
        assert text[9:].encode() not in sent


def test_an_explanation_asks_for_the_specification_and_sends_nothing(dock: FakeDock, market: RemoteMarket) -> None:
    market.submit(make_learnware())
    hit = market.search(Specification(statistical=make_learnware("x", 0.3).specification.statistical)).hits[0]
    dock.received.clear()
    assert 0.0 < hit.explain().coverage <= 1.0
    hit.explain()
    assert bytes(dock.received).count(b"GET ") == 1
    assert b"POST" not in dock.received
    assert b"points" not in dock.received


@pytest.mark.parametrize("X", [np.ones((9, 2)), ["row one", "row two"], [[1.0]], None])
def test_data_is_refused_before_anything_is_sent(dock: FakeDock, market: RemoteMarket, X: object) -> None:
    with pytest.raises(InvalidParameter, match="data stays with you"):
        market.search(X)  # type: ignore[arg-type]
    if X is not None:
        with pytest.raises(InvalidParameter, match="text"):
            market.search("words", text=X)  # type: ignore[arg-type]
    assert dock.received == b""


@pytest.mark.parametrize("unknown", ["../tokens", "0" * 31, "0" * 32 + "@" + "1" * 11, "0" * 32 + "\n", "A" * 32, 3])
def test_what_is_no_id_goes_into_no_url(dock: FakeDock, market: RemoteMarket, unknown: str) -> None:
    for use in (market.fetch, market.describe, market.revisions, market.remove):
        with pytest.raises(LearnwareNotFound):
            use(unknown)
    assert unknown not in market
    assert "0" * 32 + "@" + "0" * 64 not in market
    assert dock.received == b""


def test_what_was_fetched_is_not_fetched_again(dock: FakeDock, market: RemoteMarket) -> None:
    learnware_id = market.submit(make_learnware())
    assert market.fetch(learnware_id) == market.fetch(learnware_id)
    with RemoteMarket(dock.url) as other:
        assert other.fetch(f"{learnware_id}@{make_learnware().digest[:12]}") == make_learnware()
    assert len(dock.asked("/bundle")) == 1


def test_long_lists_come_in_pages(dock: FakeDock, market: RemoteMarket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("learnware.market.remote.remote._PAGE", 2)
    ids = [market.submit(make_learnware()) for _ in range(5)]
    assert list(market) == ids
    assert len(dock.asked(r"limit=2")) == 3
    assert repr(market) == f"RemoteMarket({dock.url}, 5 learnwares)"


def test_who_may_see_a_submission_is_said_when_it_is_opened(dock: FakeDock) -> None:
    with RemoteMarket(dock.url, visibility="unlisted") as market:
        market.submit(make_learnware())
    assert dock.visibilities == ["unlisted"]
    with pytest.raises(InvalidParameter, match="visibility"):
        RemoteMarket(dock.url, visibility="secret")


def test_the_policy_reaches_what_is_fetched(dock: FakeDock) -> None:
    with Market.open(dock.url, isolation="none") as market:
        learnware = market.fetch(market.submit(make_learnware()))
        assert market.policy == Policy("none")
        assert learnware.predict(np.array([[2.0, 1.0]])).tolist() == ["above"]


def test_offline_there_is_what_was_fetched(
    dock: FakeDock, market: RemoteMarket, monkeypatch: pytest.MonkeyPatch
) -> None:
    learnware_id, other = market.submit([make_learnware(), make_learnware("Other")], progress=False)
    market.fetch(learnware_id)
    market.fetch(f"{other}@{make_learnware('Other').digest}")
    monkeypatch.setenv("LEARNWARE_OFFLINE", "1")
    dock.received.clear()
    with RemoteMarket(dock.url) as offline:
        digest = make_learnware().digest
        for reference in (learnware_id, f"{learnware_id}@{digest}", f"{learnware_id}@{digest[:12]}"):
            assert (offline.fetch(reference), offline.fetch(reference).id) == (make_learnware(), learnware_id)
            assert offline.describe(reference) == make_learnware().specification
            assert offline.describe(reference).level == "T0"
        uses = (lambda: len(offline), lambda: list(offline), lambda: learnware_id in offline)
        asks = (lambda: offline.fetch(other), lambda: offline.search("above"), lambda: offline.submit(make_learnware()))
        for use in (*uses, *asks):
            with pytest.raises(MarketUnreachable, match="LEARNWARE_OFFLINE"):
                use()
        assert "RemoteMarket" in repr(offline)
    assert dock.received == b""


def test_the_token_is_sent_and_never_shown(dock: FakeDock, monkeypatch: pytest.MonkeyPatch) -> None:
    dock.token = secret = "lw_very-secret-token"
    with RemoteMarket(dock.url, token=secret) as market:
        assert len(market) == 0
        echo = b'{"code": "not-allowed", "detail": "Your token lw_very-secret-token may not."}'
        dock.faults = [status(403, content=echo, type="application/problem+json")]
        with pytest.raises(Exception, match=r"Your token \[token\] may not") as caught:
            len(market)
        shown = [repr(market), str(caught.value), repr(vars(market)), repr(vars(market._session))]
        assert secret not in " ".join(shown)
        travelling = pickle.dumps(market)
        assert secret.encode() not in travelling
        monkeypatch.setenv("LEARNWARE_TOKEN", secret)
        for opened in (pickle.loads(travelling), copy.deepcopy(market), Market.open(dock.url)):
            with opened:
                assert len(opened) == 0
    with pytest.raises(InvalidParameter, match="token") as caught:
        RemoteMarket(dock.url, token="lw_with space")
    assert "space" not in str(caught.value).replace("without spaces", "")


def test_a_token_that_names_its_market_goes_nowhere_else(dock: FakeDock, monkeypatch: pytest.MonkeyPatch) -> None:
    dock.token = "lw_ours"
    for named, known in ((dock.url, True), (f"{dock.url}/", True), (f"{dock.url}0", False), ("https://x", False)):
        monkeypatch.setenv("LEARNWARE_TOKEN", f"{named}=lw_ours")
        with RemoteMarket(dock.url) as market:
            assert (market._session._bearer._token == "lw_ours") == known


def test_a_copy_has_its_policy_and_visibility(dock: FakeDock) -> None:
    market = RemoteMarket(dock.url, policy=Policy("none"), visibility="private")
    with market, pickle.loads(pickle.dumps(market)) as opened:
        assert opened.policy == Policy("none")
        opened.submit(make_learnware())
    assert dock.visibilities == ["private"]


def test_netrc_does_not_replace_the_token(
    dock: FakeDock, market: RemoteMarket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("default login ada password hidden\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    connections = Connections(market._session._bearer, through_proxies=True)
    connections.own().get(f"{dock.url}/api/v1/learnwares?limit=1")
    connections.close()
    assert "Authorization" not in dock.headers[-1]


@needs_fork[0]
@needs_fork[1]
def test_threads_and_forks_may_share_a_market(dock: FakeDock, market: RemoteMarket) -> None:
    learnware_id = market.submit(make_learnware())
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: market.fetch(learnware_id).id, range(12))) == [learnware_id] * 12

    def work() -> None:
        assert [len(market) for _ in range(20)] == [1] * 20

    assert at_once(work, 3) == [0, 0, 0]
    assert len(market) == 1


def test_a_closed_market_uses_no_cache(dock: FakeDock, market: RemoteMarket, monkeypatch: pytest.MonkeyPatch) -> None:
    learnware_id = market.submit(make_learnware())
    market.fetch(learnware_id)
    market.close()
    monkeypatch.setenv("LEARNWARE_OFFLINE", "1")
    with pytest.raises(OSError, match="closed"):
        market.fetch(learnware_id)
