"""A dock behind its JSON API, without a network."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from learnware.server.app import create_app
from tests.server.conftest import Place


@pytest.fixture
def client(place: Place) -> Iterator[TestClient]:
    """Return a client of the app of `place`."""
    app = create_app(place.dock)
    with TestClient(
        app, base_url="http://127.0.0.1", client=("192.0.2.1", 50000), raise_server_exceptions=False
    ) as client:
        yield client
