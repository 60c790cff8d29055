"""Each page asks the database as often for a large conference as for a small one."""

import datetime as dt
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from analytics import viewing
from analytics.days import summaries
from conferences.models import Conference, Member, Registration
from conferences.services.keys import create_key
from console import urls
from console.services.inviting import invite
from tests.analytics.builders import on_sql
from tests.console.builders import NOON, build_branch, opened, registered, share, store
from tests.console.conftest import Browser

pytestmark = [pytest.mark.django_db, on_sql]

_RANGE = {"from": "2026-04-01", "to": "2026-05-01"}
# By name of the address: what it is asked. Those with more than a conference in their path name it.
PAGES: dict[str, list[dict[str, Any]]] = {
    "console-conferences": [{}], "console-new": [{}], "console-change-password": [{}],
    "console-overview": [_RANGE, {**_RANGE, "filter": "page:is:/"}, {**_RANGE, "figure": "registrations"}],
    "console-panel": [{"name": "pages", **_RANGE}],
    "console-figure": [{"name": name, **_RANGE} for name in ("visitors", "registrations", "bots")],
    "console-live": [{}],
    "console-sharing": [{}, {"open": ""}, {"q": "ada"}], "console-channels": [{}],
    "console-not-credited": [{}], "console-share-new": [{}], "console-share-link": [{"code": "adaA1"}],
    "console-share-poster": [{"code": "adaA1"}],
    "console-people": [{}, {"q": "ada"}], "console-person-new": [{}], "console-people-import": [{}],
    "console-person": [{"registration_id": "ada"}], "console-badge": [{"registration_id": "ada"}],
    "console-exports": [{}], "console-questions": [{}], "console-question-new": [{}],
    "console-messages": [{}], "console-message-new": [{}], "console-notifications": [{}],
    "console-desk": [{}, {"q": "a"}], "console-desk-find": [{"q": "a"}], "console-desk-counts": [{}],
    "console-desk-list": [{}],
    "console-held": [{}], "console-files": [{}], "console-file-rows": [{}],
    "console-page-edit": [{"language": "en"}], "console-pictures": [{"language": "en"}],
    "console-members": [{}], "console-settings": [{}], "console-views": [{}], "console-door": [{}],
    "console-desk-settings": [{}], "console-digest": [{}], "console-keys": [{}], "console-retention": [{}],
    "console-privacy": [{}, {"q": "ada"}], "console-privacy-erase": [{"registration_id": "ada"}],
    "console-copy": [{}], "console-delete": [{}],
}  # fmt: skip
# Actions, files and small answers; what one thing is about, which does not grow; pages without a database.
NOT_LISTED = {
    "console-password-reset", "console-password-set", "console-invitation", "console-digest-stop",
    "console-share-qr", "console-share-void", "console-people-decide", "console-people-job",
    "console-people-job-cancel", "console-people-job-import", "console-export-cancel", "console-question",
    "console-question-move", "console-question-remove", "console-person-undo", "console-person-check-in",
    "console-person-again", "console-person-void", "console-message", "console-message-edit",
    "console-message-frame", "console-message-test", "console-message-send", "console-message-stop",
    "console-message-delete", "console-notification", "console-notification-frame",
    "console-notification-resend", "console-notification-abort", "console-desk-check-in",
    "console-desk-undo", "console-desk-scan", "console-desk-undo-scan", "console-desk-worker",
    "console-held-decide", "console-file-upload", "console-file-retry", "console-file-remove",
    "console-page", "console-page-generate", "console-page-job", "console-page-preview",
    "console-page-publish",
    "console-page-restore", "console-picture-upload", "console-picture-remove", "console-invite",
    "console-invitation-withdraw", "console-member-role", "console-member-remove", "console-view-revoke",
    "console-keys-required", "console-key-revoke", "console-privacy-export", "console-archive",
}  # fmt: skip
_IN_PATH = {"name", "code", "registration_id", "language"}
MORE = 12  # lists show some rows and then "others"


def test_every_page_is_counted() -> None:
    named = {pattern.name for pattern in urls.urlpatterns}
    assert set(PAGES) | NOT_LISTED | {"console-view"} == named
    assert not set(PAGES) & NOT_LISTED


def test_pages_ask_as_often_for_a_large_conference(
    conference: Conference, alice: User, browser: Browser
) -> None:
    build_branch(conference)
    add_more(conference, alice, begin=0, count=MORE)
    client, anyone = browser(alice), browser(None)
    _view, token = viewing.create_view(conference=conference, name="first", by="alice")
    few = count_all(client) | {"view": count(anyone, view_address(token))}
    add_more(conference, alice, begin=MORE, count=3 * MORE)
    many = count_all(client) | {"view": count(anyone, view_address(token))}
    assert {name: (few[name], number) for name, number in many.items() if number > few[name]} == {}
    assert max(many.values()) <= 35


def add_more(conference: Conference, owner: User, *, begin: int, count: int) -> None:
    """Add people, links, days, members, keys, read-only links, invitations and a conference each."""
    for number in range(begin, begin + count):
        name, at = f"w{number:02}", 20 + number
        store(
            share(f"{name}C1", name, at=at, parent="adaA1", channel=f"channel{number}"),
            opened(f"{name}C1", f"{name}x", at=at),
            {"event_id": f"view-{name}", "type": "page_view", "visitor_id": name, "page": f"/{name}",
             "ts": NOON - dt.timedelta(days=number % 20)},
        )  # fmt: skip
        registered(conference, f"Ada {name}", f"{name}x", at=at + 1)
        user = User.objects.create_user(name, f"{name}@example.com")
        Member.objects.create(conference=conference, user=user, role="viewer")
        other = Conference.objects.create(id=f"other-{name}", name=name, time_zone="UTC")
        Member.objects.create(conference=other, user=owner, role="owner")
        viewing.create_view(conference=conference, name=name, by="alice")
        create_key(conference=conference, kind="write", name=name, by=owner)
        invite(conference=conference, email=f"{name}i@example.com", role="viewer", by=owner)
    summaries.refresh_dirty_days(max_seconds=60)  # a marked day is read afresh at each request


def count_all(client: Client) -> dict[str, int]:
    """Return the number of queries of each page, by name and what it is asked."""
    ada = Registration.objects.get(name="Ada Amsel").id
    found = {}
    for name, questions in PAGES.items():
        for asked in questions:
            asked = {key: ada if value == "ada" and key == "registration_id" else value
                     for key, value in asked.items()}  # fmt: skip
            found[f"{name} {asked}"] = count(client, address_of(name, asked))
    return found


def address_of(name: str, asked: dict[str, Any]) -> str:
    (pattern,) = (pattern for pattern in urls.urlpatterns if pattern.name == name)
    path = {key: asked[key] for key in asked if key in _IN_PATH}
    if "conference_id" in pattern.pattern.converters:
        path["conference_id"] = "summit"
    query = urlencode({key: value for key, value in asked.items() if key not in _IN_PATH})
    return f"{reverse(name, kwargs=path)}?{query}"


def view_address(token: str) -> str:
    return f"{reverse('console-view', kwargs={'token': token})}?{urlencode(_RANGE)}"


def count(client: Client, address: str) -> int:
    """Return the number of queries of a page that was visited before, with nothing remembered."""
    for _ in range(2):
        cache.clear()
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(address)
            if answer.streaming:
                b"".join(answer.streaming_content)  # type: ignore[attr-defined]
        assert answer.status_code == 200, (address, answer.status_code)
    return len(queries)
