"""The list of conferences, creating, copying, archiving and deleting them, and their settings."""

import datetime as dt
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.utils import timezone

from analytics.models import Event
from conferences import services
from conferences.models import Conference, DeletedConference, Member
from conferences.services import deleting, lifecycle
from sharing.models import Credit, ShareLink
from tests.analytics.builders import on_sql
from tests.console.builders import DAY, NOON, build_branch
from tests.console.conftest import Browser

pytestmark = pytest.mark.django_db

SETTINGS = "/console/c/summit/settings/"


def filled(page: Any, **changes: Any) -> dict[str, Any]:
    """What a browser sends for the settings page as it stands, with some changes."""
    form, rows = page.context["form"], page.context["reminders"]
    given: dict[str, Any] = {}
    for bound in [*form, *rows.management_form, *(bound for row in rows for bound in row)]:
        value = bound.value()
        if value is None or value is False:
            continue
        if isinstance(value, dt.datetime):
            value = f"{value:%Y-%m-%dT%H:%M}"
        given[bound.html_name] = value
    return {**given, **changes}


def test_the_list_shows_figures_of_each_conference(
    conference: Conference, alice: User, browser: Browser
) -> None:
    build_branch(conference)
    page = browser(alice).get("/console/")
    (item,) = page.context["glances"]
    assert (item["glance"].registrations, item["glance"].checkins) == (5, 0)
    assert item["url"] == "/console/c/summit/"


@on_sql
def test_the_list_takes_the_same_queries_for_many_conferences(
    conference: Conference, alice: User, browser: Browser, django_assert_num_queries: Any
) -> None:
    client = browser(alice)
    for number in range(20):
        with django_assert_num_queries(7):
            client.get("/console/")
        services.create_conference(owner=alice, id=f"more{number}", name="More", time_zone="UTC")


def test_others_conferences_are_not_in_the_list(
    conference: Conference, charlie: User, browser: Browser
) -> None:
    page = browser(charlie).get("/console/").content.decode()
    assert "Summit" not in page
    assert "No conference yet" in page


def test_a_steward_sees_the_conference_without_figures(
    conference: Conference, stella: User, browser: Browser
) -> None:
    (item,) = browser(stella).get("/console/").context["glances"]
    assert not item["glance"].shows_figures
    assert item["url"] == "/console/c/summit/desk/"


def test_a_new_conference_belongs_to_its_maker(charlie: User, browser: Browser) -> None:
    given = {"name": "Data & Craft", "time_zone": "Europe/Berlin", "starts_at": "2026-12-04T09:00"}
    answer = browser(charlie).post("/console/new/", given)
    made = Conference.objects.get()
    assert answer["Location"] == "/console/c/data-craft/settings/"
    assert made.starts_at == dt.datetime(2026, 12, 4, 8, tzinfo=dt.UTC)
    assert Member.objects.get().user == charlie


def test_a_chinese_name_gets_a_short_name_too(charlie: User, browser: Browser) -> None:
    client = browser(charlie)
    for _ in range(2):
        client.post("/console/new/", {"name": "星会技术沙龙", "time_zone": "Asia/Shanghai"})
    assert Conference.objects.count() == 2


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("time_zone", "Mars/Olympus", "Mars/Olympus"),
        ("starts_at", "2026-03-29T02:30", "does not exist"),
        ("ends_at", "2026-10-25T02:30", "occurs twice"),
        ("starts_at", "tomorrow", "no date and time"),
        ("id", "with space", "Letters, digits"),
    ],
)
def test_bad_input_is_named_at_its_field(
    charlie: User, browser: Browser, name: str, value: str, text: str
) -> None:
    given = {"name": "X", "time_zone": "Europe/Berlin", name: value}
    page = browser(charlie).post("/console/new/", given)
    assert text in str(page.context["form"].errors[name])
    assert not Conference.objects.exists()


def test_saving_the_settings_unchanged_changes_nothing(
    conference: Conference, alice: User, browser: Browser
) -> None:
    client = browser(alice)
    before = Conference.objects.values().get()
    page = client.get(SETTINGS)
    assert client.post(SETTINGS, filled(page)).status_code == 302
    assert Conference.objects.values().get() == before


def test_settings_are_local_times_rows_and_boxes(
    conference: Conference, alice: User, browser: Browser
) -> None:
    client = browser(alice)
    given = filled(
        client.get(SETTINGS), starts_at="2026-11-26T09:00", languages=["en", "zh-hans"],
        main_language="zh-hans", capacity="800",
        **{"reminders-0-amount": "3", "reminders-0-unit": "24", "reminders-1-amount": ""},
    )  # fmt: skip
    answer = client.post(SETTINGS, given)
    assert answer.status_code == 302, answer.context["form"].errors
    conference.refresh_from_db()
    assert conference.starts_at == dt.datetime(2026, 11, 26, 1, tzinfo=dt.UTC)
    assert conference.languages == ["zh-hans", "en"]
    assert conference.reminder_hours_before == [72]
    assert conference.capacity == 800


def test_a_row_for_a_reminder_is_added_without_saving(
    conference: Conference, alice: User, browser: Browser
) -> None:
    client = browser(alice)
    given = filled(client.get(SETTINGS), name="Not saved", add_reminder="1")
    page = client.post(SETTINGS, given)
    assert len(page.context["reminders"].forms) == len(conference.reminder_hours_before) + 1
    assert "Not saved" in page.content.decode()
    conference.refresh_from_db()
    assert conference.name == "Summit"


def test_settings_that_somebody_changed_meanwhile_are_not_overwritten(
    conference: Conference, alice: User, browser: Browser
) -> None:
    client = browser(alice)
    given = filled(client.get(SETTINGS), name="Mine")
    services.update_conference(Conference.objects.get(), venue="Hall 3")
    page = client.post(SETTINGS, given)
    assert "Somebody else changed" in page.content.decode()
    assert Conference.objects.get().name == "Summit"


def test_a_copy_has_settings_and_members_but_no_dates(
    conference: Conference, alice: User, bob: User, browser: Browser
) -> None:
    services.update_conference(conference, capacity=50, starts_at=NOON)
    browser(alice).post(f"{SETTINGS}copy/", {"name": "Summit 2027"})
    made = Conference.objects.get(id="summit-2027")
    assert (made.capacity, made.time_zone, made.starts_at) == (50, "Asia/Shanghai", None)
    assert {(member.user, member.role) for member in made.members.all()} == {
        (alice, "owner"),
        (bob, "helper"),
    }


def test_what_runs_or_comes_next_is_on_top(conference: Conference, alice: User, browser: Browser) -> None:
    now = timezone.now()
    for id, days in (("over", -9), ("long-over", -99), ("soon", 3), ("runs", -1), ("far", 40)):
        starts_at = now + dt.timedelta(days=days)
        services.create_conference(
            owner=alice, id=id, name=id, time_zone="UTC", starts_at=starts_at,
            ends_at=starts_at + dt.timedelta(days=2),
        )  # fmt: skip
    context = browser(alice).get("/console/").context
    order = ["runs", "soon", "far", "summit", "over", "long-over"]
    assert [item["glance"].conference.id for item in context["glances"]] == order
    assert [item["conference"].id for item in context["shell"]["switch"]] == order


def test_an_archived_conference_is_last_and_comes_back(
    conference: Conference, alice: User, browser: Browser
) -> None:
    services.create_conference(owner=alice, id="later", name="Later", time_zone="UTC")
    client = browser(alice)

    def order() -> list[str]:
        return [item["glance"].conference.id for item in client.get("/console/").context["glances"]]

    client.post("/console/c/later/settings/archive/")
    assert order() == ["summit", "later"]
    client.post("/console/c/later/settings/archive/", {"undo": "1"})
    assert order() == ["later", "summit"]


def test_deleting_needs_the_name_and_is_undoable(
    conference: Conference, alice: User, browser: Browser
) -> None:
    client = browser(alice)
    client.post(f"{SETTINGS}delete/", {"confirm": "something"})
    assert Conference.objects.get().delete_at is None
    client.post(f"{SETTINGS}delete/", {"confirm": "summit"})
    assert Conference.objects.get().delete_at is not None
    assert "will be deleted with all its data" in client.get("/console/c/summit/live/").content.decode()
    client.post(f"{SETTINGS}delete/", {"undo": "1"})
    deleting.delete_due(now=timezone.now() + dt.timedelta(days=30))
    assert Conference.objects.exists()


def test_a_deleted_conference_leaves_no_row_behind(conference: Conference, alice: User) -> None:
    build_branch(conference)
    services.create_conference(owner=alice, id="summit0", name="Neighbour", time_zone="UTC")
    assert Credit.objects.exists()
    lifecycle.request_deletion(conference)
    now = timezone.now()
    deleting.delete_due(now=now + dt.timedelta(days=6))
    assert Conference.objects.filter(id="summit").exists()
    deleting.delete_due(now=now + dt.timedelta(days=8))
    assert not Conference.objects.filter(id="summit").exists()
    assert Conference.objects.filter(id="summit0").exists()
    for model in deleting.deleted_models():
        assert not model._default_manager.exists(), model
    assert DeletedConference.objects.get().cleaned_at is None


def test_what_arrives_during_the_deletion_is_deleted_too(conference: Conference) -> None:
    lifecycle.request_deletion(conference)
    later = timezone.now() + dt.timedelta(days=8)
    deleting.delete_due(now=later)
    Event.objects.create(
        id="late/summit", conference_id="summit", type="page_view", ts=later, received_at=later,
        local_date=DAY, subject="v",
    )  # fmt: skip
    ShareLink.objects.create(id="summit/late", conference_id="summit", code="late", sharer="v", first_ms=1)
    deleting.delete_due(now=later + dt.timedelta(hours=2))
    assert not Event.objects.exists()
    assert not ShareLink.objects.exists()
    assert DeletedConference.objects.get().cleaned_at is not None


def test_nobody_gets_the_short_name_of_a_deleted_conference(
    conference: Conference, charlie: User, browser: Browser
) -> None:
    lifecycle.request_deletion(conference)
    deleting.delete_due(now=timezone.now() + dt.timedelta(days=8))
    page = browser(charlie).post("/console/new/", {"name": "S", "id": "summit", "time_zone": "UTC"})
    assert "A deleted conference had this id" in page.content.decode()


def test_every_table_with_a_conference_is_deleted_with_it() -> None:
    known = deleting.deleted_models() | {Member, DeletedConference, Conference}
    kept = {"ErasedVisitor", "UnclaimedConference"}  # no more than digests and ids; they outlive it
    for model in apps.get_models():
        if model._meta.proxy:
            continue
        fields = {field.attname: field for field in model._meta.concrete_fields}
        goes_along = getattr(fields.get("conference_id"), "related_model", None) is Conference  # by cascade
        if "conference_id" in fields and not goes_along and model.__name__ not in kept:
            assert model in known, f"{model.__name__} is not deleted with its conference (deletes_rows)"
