"""Mail through a provider of django-anymail: a loopback copy of Postmark's API, and its webhook."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.test import Client
from django.urls import NoReverseMatch, reverse

from notifications.models import Notification, Suppression
from notifications.services.delivering import deliver

pytestmark = pytest.mark.django_db
Status = Notification.Status
INACTIVE = (
    "You tried to send to recipient(s) that have been marked as inactive. "
    "Found inactive addresses: dora@example.com. Inactive recipients are ones that have generated a bounce."
)


class Postmark(BaseHTTPRequestHandler):
    answer: tuple[int, Any] | None = (200, None)
    mails: list[dict[str, Any]] = []

    def do_POST(self) -> None:
        mail = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        type(self).mails.append(mail)
        if self.answer is None:
            self.close_connection = True
            return
        status, content = self.answer
        taken = {"ErrorCode": 0, "Message": "OK", "MessageID": "pm-1", "To": mail["To"]}
        body = json.dumps(taken if content is None else content).encode()
        with suppress(OSError):
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def postmark(settings: Any) -> Iterator[type[Postmark]]:
    http = ThreadingHTTPServer(("127.0.0.1", 0), Postmark)
    http.daemon_threads = True
    threading.Thread(target=http.serve_forever, daemon=True).start()
    Postmark.mails, Postmark.answer = [], (200, None)
    settings.EMAIL_BACKEND = "anymail.backends.postmark.EmailBackend"
    settings.ANYMAIL = {
        "POSTMARK_SERVER_TOKEN": "token",
        "POSTMARK_API_URL": f"http://127.0.0.1:{http.server_address[1]}/",
        "REQUESTS_TIMEOUT": 2,
        "WEBHOOK_SECRET": "user:secret",
    }
    yield Postmark
    http.shutdown()
    http.server_close()


def test_both_sides_ids_are_recorded(notification: Notification, postmark: type[Postmark]) -> None:
    assert deliver(notification.pk) == Status.SENT
    (mail,) = postmark.mails
    assert mail["Metadata"] == {"notification_id": str(notification.pk)}
    headers = {header["Name"]: header["Value"] for header in mail["Headers"]}
    assert headers["Message-ID"].startswith(f"<{notification.id.hex}.0@")
    assert [attachment["ContentType"] for attachment in mail["Attachments"]] == ["image/png"]
    notification.refresh_from_db()
    assert (notification.provider, notification.provider_id) == ("postmark", "pm-1")


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ((422, {"ErrorCode": 300, "Message": "Invalid 'To' address: 'dora@example.com'."}), Status.FAILED),
        ((422, {"ErrorCode": 406, "Message": INACTIVE}), Status.FAILED),
        ((401, {"ErrorCode": 10, "Message": "Bad or missing server token"}), Status.QUEUED),
        ((429, {"ErrorCode": 429, "Message": "Rate limit exceeded"}), Status.QUEUED),
        ((500, {}), Status.UNKNOWN),
        ((200, "nonsense"), Status.UNKNOWN),
        (None, Status.UNKNOWN),
    ],
    ids=str,
)
def test_the_providers_refusals_are_distinguished(
    notification: Notification, postmark: type[Postmark], answer: Any, status: str
) -> None:
    postmark.answer = answer
    assert deliver(notification.pk) == status


@pytest.mark.urls("tests.notifications.channels.anymail_urls")
def test_the_webhook_reports_deliveries_and_bounces(
    notification: Notification, postmark: type[Postmark]
) -> None:
    deliver(notification.pk)
    metadata = {"notification_id": str(notification.pk)}

    def report(secret: str, **fields: Any) -> int:
        basic = base64.b64encode(secret.encode()).decode()
        body = {"MessageID": "pm-1", "Recipient": "dora@example.com", "Metadata": metadata, **fields}
        return Client().post(
            "/anymail/postmark/tracking/", body, content_type="application/json",
            headers={"Authorization": f"Basic {basic}"},
        ).status_code  # fmt: skip

    delivery = {"RecordType": "Delivery", "DeliveredAt": "2027-05-18T01:00:00Z"}
    assert report("user:guess", **delivery) == 400
    notification.refresh_from_db()
    assert notification.status == Status.SENT

    assert report("user:secret", **delivery) == 200
    notification.refresh_from_db()
    assert notification.status == Status.DELIVERED

    bounce = {"RecordType": "Bounce", "Type": "HardBounce", "TypeCode": 1, "Description": "no such user",
              "Email": "dora@example.com", "BouncedAt": "2027-05-18T02:00:00Z", "ID": 1}  # fmt: skip
    assert report("user:secret", **bounce) == 200
    notification.refresh_from_db()
    assert (notification.status, "no such user" in notification.last_error) == (Status.BOUNCED, True)
    assert Suppression.objects.get().address == "dora@example.com"


def test_without_a_secret_there_is_no_webhook() -> None:
    with pytest.raises(NoReverseMatch):
        reverse("anymail:postmark_tracking_webhook")
