"""Requests drawn from the OpenAPI description: whatever is sent, the answer is one that it tells of."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from learnware.server.app import create_app
from learnware.server.settings import Settings
from learnware.testing import make_learnware
from tests.server.conftest import Place

CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]


ZIP = make_learnware("Another").to_bytes()

schemathesis.openapi.media_type("application/zip", st.binary() | st.just(ZIP))


@schemathesis.serializer("application/zip")
def bytes_as_they_are(_: Any, value: Any) -> bytes:
    """Send a file as it is."""
    return value if isinstance(value, bytes) else str(value).encode()


#: As described, and otherwise.
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
#: Who asks.
WHO = ("root", None)


@pytest.fixture
def schema(place: Place, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the description of the app of `place`, in which Ada has a learnware."""
    place.put(make_learnware())
    # It calls every app by a name of its own, which a dock would not answer to.
    monkeypatch.setattr(Settings, "hosts", ["*"])
    return schemathesis.openapi.from_asgi("/api/v1/openapi.json", create_app(place.dock))


def check_all(schema: Any, place: Place, n_cases: int) -> int:
    """Send so many cases of each operation, as an admin and as nobody, and return how many were sent."""
    sent = 0
    for operation in schema.get_all_operations():

        @settings(
            max_examples=n_cases,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=st.one_of(*(operation.ok().as_strategy(generation_mode=mode) for mode in MODES)))
        def one(case: Any) -> None:
            nonlocal sent
            sent += 1
            if sent % 2:
                name_what_is_there(case, place)
            case.call_and_validate(headers=place.bearer(WHO[sent // 2 % 2]), checks=CHECKS)

        one()
    return sent


def name_what_is_there(case: Any, place: Place) -> None:
    """Let a case ask about Ada's learnware, its submission, or Bob."""
    held = place.dock.library.of("ada")
    # It may have been removed.
    learnware_id = held[0] if held else place.put(make_learnware())
    there = {"reference": learnware_id, "learnware_id": learnware_id, "name": "bob"}
    there["submission_id"] = place.dock.queue.of("ada")[0].id
    case.path_parameters = {name: there.get(name, value) for name, value in case.path_parameters.items()}


def test_answers_are_as_described(schema: Any, place: Place) -> None:
    assert check_all(schema, place, 15) > 250


@pytest.mark.slow
def test_five_thousand_answers(schema: Any, place: Place) -> None:
    assert check_all(schema, place, 300) > 5_000


def test_the_description_tells_of_problems_and_tokens(place: Place) -> None:
    told = create_app(place.dock).openapi()
    refused = told["paths"]["/api/v1/learnwares"]["post"]["responses"]["401"]["content"]
    assert refused == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    assert "HTTPValidationError" not in told["components"]["schemas"]
    assert told["security"] == [{"bearer": []}, {}]
