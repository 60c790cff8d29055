"""The published Python SDKs of Segment and RudderStack against the running system."""

from typing import Any

import pytest
from rudderstack.analytics.client import Client as RudderClient
from segment.analytics.client import Client as SegmentClient

from tests.sdks.conftest import Stored
from tests.sdks.wire import Wire

pytestmark = pytest.mark.processes

VISITOR = "visitor-python"


def send(client: Any, prefix: str) -> None:
    client.page(
        anonymous_id=VISITOR, name="Agenda", message_id=f"{prefix}-page",
        properties={"path": "/agenda", "url": "https://example.org/agenda"},
    )  # fmt: skip
    client.track(
        anonymous_id=VISITOR, event="Signed Up", message_id=f"{prefix}-track", properties={"formId": "vip"}
    )
    client.identify("u-1", {"email": "ann@example.com"}, message_id=f"{prefix}-identify")
    client.flush()
    client.join()


@pytest.mark.parametrize("client_class", [SegmentClient, RudderClient])
@pytest.mark.parametrize("gzip", [False, True])
def test_each_event_is_stored_once_and_sent_once(
    client_class: Any, gzip: bool, wire: Wire, write_key: str, stored: Stored
) -> None:
    errors: list[Any] = []
    client = client_class(
        write_key, host=wire.url, gzip=gzip, upload_interval=0.3,
        on_error=lambda error, items: errors.append(error),
    )  # fmt: skip
    prefix = f"{client_class.__module__.partition('.')[0]}-{gzip}"
    send(client, prefix)

    view, registration = stored(2)
    assert (view["event_id"], view["page"], view["visitor_id"]) == (f"{prefix}-page", "/agenda", VISITOR)
    assert (registration["event_id"], registration["form_id"]) == (f"{prefix}-track", "vip")
    assert view["sender"] == registration["sender"] == "client"
    assert {post.status for post in wire.posts()} == {200}
    # What was sent again would be here twice.
    assert sorted(message["messageId"] for post in wire.posts() for message in post.decoded()["batch"]) == [
        f"{prefix}-{name}" for name in ("identify", "page", "track")
    ]
    assert errors == []


def test_a_secret_key_makes_it_a_confirmed_fact(wire: Wire, secret_key: str, stored: Stored) -> None:
    client = SegmentClient(secret_key, host=wire.url, upload_interval=0.3)
    client.track(
        "u-7", "Registration Completed", {"registration_id": "order-7"}, message_id="confirmed",
        context={"ip": "198.51.100.9", "userAgent": "Mozilla/5.0"},
    )  # fmt: skip
    client.flush()
    client.join()

    (registration,) = stored(1)
    assert (registration["sender"], registration["visitor_id"]) == ("key", "u-7")
    assert "198.51.100.9" not in repr(registration)


@pytest.mark.parametrize("client_class", [SegmentClient, RudderClient])
def test_a_wrong_key_is_reported_and_not_retried(client_class: Any, wire: Wire, stored: Stored) -> None:
    errors: list[Any] = []
    client = client_class(
        "nobody's", host=wire.url, gzip=False, upload_interval=0.3,
        on_error=lambda error, items: errors.append(error),
    )  # fmt: skip
    client.track(anonymous_id=VISITOR, event="Signed Up")
    client.flush()
    client.join()

    assert [post.status for post in wire.posts()] == [401]
    assert len(errors) == 1
    assert "wrong_key" in str(errors[0])
