"""Errors go to a server that takes Sentry's envelopes, and nothing of a person goes with them."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.meeteasy.telemetry.receiver import PERSONAL, Receiver, run

CODE = """
import logging
import sentry_sdk
from meeteasy.celery import app
from meeteasy.core.logs import get_logger

print(ask("broken").status_code)

@app.task(name="tests.fails")
def fails(address):
    raise KeyError(address)

fails.apply(args=["ann@example.com"])
get_logger("analytics.stream").error("dead_letter", id="visitor-4711", error="ann@example.com")
logging.getLogger("other").error("mail to %s failed", "ann@example.com")
logging.getLogger("other").error("mail to ann@example.com failed")
logging.getLogger("django.security.DisallowedHost").error("any request causes this")
get_logger("analytics.stream").warning("entry_failed", id="visitor-4711")
sentry_sdk.flush(10)
"""


@pytest.fixture(scope="module")
def sent() -> Iterator[tuple[Receiver, list[dict[str, Any]]]]:
    """What arrived: all of it, and the events."""
    receiver = Receiver()
    printed = run(CODE, SENTRY_DSN=f"http://key@127.0.0.1:{receiver.port}/7", SENTRY_ENVIRONMENT="test")
    assert printed.strip().endswith("500")
    events = []
    for path, body in receiver.taken:
        assert path == "/api/7/envelope/"
        lines = body.split(b"\n")
        if json.loads(lines[1])["type"] == "event":
            events.append(json.loads(lines[2]))
    yield receiver, events
    receiver.close()


def test_each_error_arrives_with_its_place_and_its_requests_id(
    sent: tuple[Receiver, list[dict[str, Any]]],
) -> None:
    _, events = sent
    of_view, of_task, *logged = events
    (value,) = of_view["exception"]["values"]
    assert (value["type"], value["value"]) == ("ValueError", "")
    assert value["stacktrace"]["frames"][-1]["function"] == "broken"
    assert of_view["transaction"].endswith("broken")
    assert of_view["tags"]["request_id"] == "request-0815"
    assert of_view["environment"] == "test"
    assert of_view["release"]
    assert of_task["exception"]["values"][-1]["type"] == "KeyError"
    assert [event["logentry"]["formatted"] for event in logged] == [
        "dead_letter", "mail to %s failed", "other: ERROR"
    ]  # fmt: skip


def test_nothing_personal_is_among_what_arrives(sent: tuple[Receiver, list[dict[str, Any]]]) -> None:
    receiver, events = sent
    assert len(events) == 5
    everything = receiver.everything()
    assert "ValueError" in everything, "the control"
    assert not [text for text in PERSONAL if text in everything]


def test_nothing_is_started_without_a_receiver() -> None:
    code = "import sys; print([n for n in sys.modules if n in ('sentry_sdk', 'meeteasy.telemetry.spans')])"
    assert run(code) == "[]\n"
