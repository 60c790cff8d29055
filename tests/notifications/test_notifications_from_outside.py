"""From the public form to the attendee's mail, on real processes and from outside."""

import re
from contextlib import closing
from html import unescape

import httpx
import psutil
import pytest

from tests.support.system import System

PASSWORD = "a password for this test"


def sign_in(system: System) -> httpx.Client:
    """Sign in the organizer, with cookies and CSRF tokens like a browser."""
    system.run_code(
        "from django.contrib.auth.models import User; user = User.objects.get(username='organizer'); "
        f"user.set_password({PASSWORD!r}); user.save()"
    )
    browser = httpx.Client(base_url=system.url, timeout=30, follow_redirects=True)
    browser.get("/admin/login/")
    form = {
        "username": "organizer", "password": PASSWORD, "next": "/dev/mailbox",
        "csrfmiddlewaretoken": browser.cookies["csrftoken"],
    }  # fmt: skip
    answer = browser.post("/admin/login/", data=form, headers={"Referer": system.url})
    assert answer.url.path == "/dev/mailbox", answer.text[:500]
    return browser


@pytest.mark.processes
def test_a_form_registration_sends_a_mail(system: System) -> None:
    system.environment["DEVELOPMENT_MAILBOX"] = "true"
    system.start("web", "email")
    attendee = {"name": "Дора 多拉 <b>", "email": "dora@example.com", "form_id": "early-bird"}
    answer = system.http.post("/api/conferences/test/registrations", json=attendee)
    assert answer.status_code == 201, answer.text

    (row,) = system.wait_for(
        lambda: system.get("/api/notifications", conference_id="test", status="sent")["results"],
        "the confirmation to be sent",
    )
    assert (row["message_type"], row["recipient"]) == ("registration_confirmation", "dora@example.com")

    with closing(sign_in(system)) as browser:
        listed = browser.get("/dev/mailbox").text
        (address,) = re.findall(r'href="(/dev/mailbox/\d+)"', listed)
        assert "You are registered: Test conference" in listed
        assert "dora@example.com" in browser.get(address).text
        mail = browser.get(f"{address}/html").text
        assert "Дора 多拉 <b>" in unescape(mail)
        assert "多拉 <b>" not in mail
        assert "data:image/png;base64," in mail
    assert system.http.get("/dev/mailbox").status_code == 302


@pytest.mark.processes
def test_on_a_busy_machine_a_form_goes_before_mails(system: System) -> None:
    system.start("web", "email")
    parent = psutil.Process(system.processes["email"].pid)
    children = system.wait_for(lambda: parent.children(recursive=True), "the worker's processes")
    usual = psutil.Process(system.processes["web"].pid).nice()
    assert {process.nice() for process in [parent, *children]} == {usual + 10}
