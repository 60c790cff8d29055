"""Lists of the API are paged by cursors, so rows that come or go meanwhile shift nothing."""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from analytics.models import DailySummary
from conferences import services
from conferences.models import Conference, Member, Registration
from conferences.services.checkins import check_in
from conferences.services.registrations import register
from meeteasy.core.paging import encode_cursor
from notifications.models import Notification

pytestmark = pytest.mark.django_db

Api = Callable[[User | None], APIClient]
DAY = dt.date(2026, 5, 1)
NOON = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)


def add_registrations(conference: Conference, count: int) -> None:
    start = Registration.objects.count()
    for number in range(start, start + count):
        register(conference=conference, name="N", email=f"{number}@example.com")


def add_check_ins(conference: Conference, count: int) -> None:
    start = Registration.objects.count()
    add_registrations(conference, count)
    for number in range(start, start + count):
        check_in(Registration.objects.get(email=f"{number}@example.com").id, by=None)


def add_members(conference: Conference, count: int) -> None:
    start = User.objects.count()
    for number in range(start, start + count):
        user = User.objects.create_user(f"user{number}")
        Member.objects.create(conference=conference, user=user)


def add_conferences(conference: Conference, count: int) -> None:
    start = Conference.objects.count()
    alice = User.objects.get(username="alice")
    for number in range(start, start + count):
        services.create_conference(owner=alice, id=f"c{number}", name="C")


def add_notifications(conference: Conference, count: int) -> None:
    start = Notification.objects.count()
    for number in range(start, start + count):
        Notification.objects.create(
            conference_id=conference.id, channel="email", message_type="approval", dedupe_key=str(number),
            recipient=f"{number}@example.com", scheduled_for=NOON,
        )  # fmt: skip


def add_days(conference: Conference, count: int) -> None:
    start = DailySummary.objects.count()
    for number in range(start, start + count):
        date = DAY + dt.timedelta(days=number)
        DailySummary.objects.create(
            id=f"summit:{date}", conference_id="summit", date=date, figures={}, computed_at=NOON
        )


LISTS: dict[str, tuple[str, str, Callable[[Conference, int], None]]] = {
    "conferences": ("/api/conferences", "id", add_conferences),
    "registrations": ("/api/conferences/summit/registrations", "id", add_registrations),
    "check-ins": ("/api/conferences/summit/checkins", "id", add_check_ins),
    "members": ("/api/conferences/summit/members", "id", add_members),
    "notifications": ("/api/notifications", "id", add_notifications),
    "days": ("/api/analytics/daily", "date", add_days),
}


def pages(client: APIClient, path: str, **query: Any) -> Iterator[list[dict[str, Any]]]:
    following: dict[str, str] = {}
    while True:
        answer = client.get(path, {"conference_id": "summit", "page_size": 10, **query, **following})
        assert answer.status_code == 200, answer.content
        assert set(answer.json()) == {"results", "next"}
        yield answer.json()["results"]
        if answer.json()["next"] is None:
            return
        following = {"cursor": answer.json()["next"]}


@pytest.mark.parametrize("name", list(LISTS))
def test_rows_added_between_pages_shift_nothing(
    api: Api, conference: Conference, alice: User, name: str
) -> None:
    path, key, add = LISTS[name]
    add(conference, 30)
    client = api(alice)
    there = {row[key] for page in pages(client, path) for row in page}
    assert len(there) >= 30
    seen = []
    for turn, page in enumerate(pages(client, path)):
        seen += [row[key] for row in page]
        if turn < 6:  # lists that grow at their end would go on for ever
            add(conference, 3)
    assert len(seen) == len(set(seen))
    assert there <= set(seen)


def test_approving_page_by_page_reaches_every_registration(
    api: Api, conference: Conference, alice: User
) -> None:
    Conference.objects.update(approval_required=True)
    conference.refresh_from_db()
    add_registrations(conference, 30)
    client = api(alice)
    path = "/api/conferences/summit/registrations"
    for page in pages(client, path, state="pending"):
        for row in page:
            assert client.post(f"{path}/{row['id']}/approve").status_code == 200
    assert Registration.objects.filter(state="approved").count() == 30


@pytest.mark.parametrize("name", list(LISTS))
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("cursor", "nonsense"),
        ("cursor", "é"),
        ("cursor", "x" * 401),
        ("cursor", encode_cursor()),
        ("cursor", encode_cursor("a", "b", "c")),
        ("cursor", encode_cursor([])),
        ("cursor", encode_cursor("2026-05-01T12:00:00", "a\0b")),
        ("cursor", encode_cursor("0001-01-01T00:00:00+14:00", "a")),
        ("cursor", encode_cursor(10**30, 10**30)),
        ("page_size", "0"),
        ("page_size", "1001"),
        ("page_size", "many"),
    ],
)
def test_a_bad_cursor_or_size_is_named(
    api: Api, conference: Conference, alice: User, name: str, field: str, value: str
) -> None:
    answer = api(alice).get(LISTS[name][0], {"conference_id": "summit", field: value})
    assert answer.status_code == 400, answer.content
    assert answer.json()["error"]["code"] == "invalid"
    assert list(answer.json()["error"]["details"]) == [field]


def test_every_list_describes_its_cursor() -> None:
    from drf_spectacular.generators import SchemaGenerator

    paths = SchemaGenerator().get_schema(public=True)["paths"]
    for path in ("/api/conferences", "/api/notifications", "/api/analytics/daily"):
        names = {item["name"] for item in paths[path]["get"]["parameters"]}
        assert {"cursor", "page_size"} <= names
        assert "page" not in names
