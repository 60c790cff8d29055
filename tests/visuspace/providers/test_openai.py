"""The provider for servers that speak OpenAI's protocol, against one that fails in every way."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.visuspace.openai_server import PROSE, ModelServer, completion
from visuspace.brief import Brief
from visuspace.prose import Prose
from visuspace.providers import PROVIDERS, ProviderError, Written

BRIEF = Brief(
    conference_id="summit", name="Summit", tagline="", days="26 November 2026", starts="", venue="Shanghai",
    zone="Shanghai", language="en", prompt="Keep it short.", speakers=["Maya Patel, Field Notes"],
    sessions=[],
)  # fmt: skip


def write(*, seconds: float = 10) -> Written:
    return PROVIDERS["openai"].write(BRIEF, deadline_seconds=seconds)


def fail(*, seconds: float = 10) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        write(seconds=seconds)
    return caught.value


def test_the_request_has_the_facts_and_the_wishes(model_server: Callable[..., ModelServer]) -> None:
    server = model_server()
    written = write()
    assert isinstance(written.prose, Prose)
    assert (written.prose.lead, written.is_verbatim) == (PROSE["lead"], False)
    assert (written.tokens_in, written.tokens_out) == (100, 20)
    (request,) = server.requests
    assert request["model"] == "small"
    assert request["response_format"]["type"] == "json_schema"
    system, user = request["messages"]
    assert "Maya Patel, Field Notes" in system["content"]
    assert "Keep it short." in user["content"]
    assert server.headers[0]["Authorization"] == "Bearer secret"


def test_the_cost_comes_from_the_prices(model_server: Callable[..., ModelServer], settings: Any) -> None:
    model_server()
    settings.AI_PRICE_IN, settings.AI_PRICE_OUT = 2, 10
    assert write().cost == pytest.approx((100 * 2 + 20 * 10) / 1e6)


def test_a_server_without_schemas_is_asked_simply_and_remembered(
    model_server: Callable[..., ModelServer],
) -> None:
    refused = (400, {"error": {"message": "response_format is not supported"}}, {})
    server = model_server(refused, refused, completion(PROSE))
    write()
    write()
    formats = [request.get("response_format", {}).get("type") for request in server.requests]
    assert formats == ["json_schema", "json_object", None, None]


def test_fences_are_stripped(model_server: Callable[..., ModelServer]) -> None:
    model_server(completion(f"```json\n{json.dumps(PROSE)}\n```"))
    assert write().prose.lead == PROSE["lead"]


def test_one_repair_is_asked_for_and_paid(model_server: Callable[..., ModelServer]) -> None:
    server = model_server(completion("Sure! Here it is."), completion(PROSE))
    written = write()
    assert (written.prose.lead, written.tokens_in) == (PROSE["lead"], 200)
    assert [message["role"] for message in server.requests[1]["messages"]] == [
        "system", "user", "assistant", "user",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "code", "permanent"),
    [
        (completion("no"), "invalid_answer", True),
        (completion({"lead": 3}), "invalid_answer", True),
        (completion(PROSE, finish="length"), "too_long", True),
        (completion("", refusal="I cannot help with that."), "refused", True),
        (completion("", finish="content_filter"), "refused", True),
        ((401, {"error": {}}, {}), "unauthorized", True),
        ((400, {"error": {}}, {}), "refused_request", True),
        ((500, {"error": {}}, {}), "provider_failed", False),
        ((200, b"<html>", {}), "provider_failed", False),
        ((200, {"choices": []}, {}), "provider_failed", False),
        ((200, b'{"choices": [', {"Content-Length": "500"}), "unreachable", False),  # half an answer
    ],
)
def test_each_failure_has_its_name(
    model_server: Callable[..., ModelServer], answer: Any, code: str, permanent: bool, settings: Any
) -> None:
    settings.OUTBOUND_TIMEOUT_SECONDS = 1
    model_server(answer)
    error = fail(seconds=2) if code == "unreachable" else fail()
    if code == "unreachable":
        assert error.code in ("unreachable", "deadline")
    else:
        assert error.code == code
    assert error.permanent == permanent


def test_a_rate_limit_says_when_to_come_back(model_server: Callable[..., ModelServer]) -> None:
    model_server((429, {"error": {}}, {"Retry-After": "7"}))
    error = fail()
    assert (error.code, error.permanent, error.retry_after_seconds) == ("rate_limited", False, 7)


def test_a_byte_now_and_then_ends_at_the_deadline(model_server: Callable[..., ModelServer]) -> None:
    model_server("drip")
    began = time.monotonic()
    error = fail(seconds=1)
    assert (error.code, error.permanent) == ("deadline", False)
    assert time.monotonic() - began < 5


def test_a_private_address_needs_the_setting(model_server: Callable[..., ModelServer], settings: Any) -> None:
    server = model_server()
    settings.OUTBOUND_PRIVATE_HOSTS = []
    error = fail()
    assert (error.code, error.permanent) == ("private_address", True)
    assert "OUTBOUND_PRIVATE_HOSTS" in str(error)
    assert server.requests == []


def test_a_server_that_is_away_can_be_tried_again(settings: Any) -> None:
    settings.AI_BASE_URL, settings.OUTBOUND_PRIVATE_HOSTS = "http://127.0.0.1:9/v1", ["127.0.0.1"]
    error = fail()
    assert (error.code, error.permanent) == ("unreachable", False)
