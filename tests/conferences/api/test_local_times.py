"""Times without an offset are local times of the conference."""

import datetime as dt
import zoneinfo
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from conferences.models import Conference
from meeteasy.core.times import localize
from tests.conferences.api.conftest import Api

pytestmark = pytest.mark.django_db

PATH = "/api/conferences"
NINE_IN_SHANGHAI = dt.datetime(2027, 5, 18, 1, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("2027-05-18T09:00", NINE_IN_SHANGHAI),
        ("2027-05-18T09:00:00", NINE_IN_SHANGHAI),
        ("2027-05-18T09:00:00+08:00", NINE_IN_SHANGHAI),
        ("2027-05-18T01:00:00Z", NINE_IN_SHANGHAI),
        ("2027-05-17T21:00:00-04:00", NINE_IN_SHANGHAI),
    ],
)
@pytest.mark.parametrize("field", ["starts_at", "ends_at", "registration_opens_at", "registration_closes_at"])
def test_a_new_conference_reads_times_as_local(
    api: Api, charlie: User, field: str, sent: str, stored: dt.datetime
) -> None:
    body = {"id": "c", "name": "C", "time_zone": "Asia/Shanghai", field: sent}
    answer = api(charlie).post(PATH, body, format="json")
    assert answer.status_code == 201, answer.content
    assert getattr(Conference.objects.get(id="c"), field) == stored
    assert answer.json()[field] == "2027-05-18T01:00:00Z"


def test_a_change_reads_times_in_the_resulting_zone(conference: Conference, api: Api, alice: User) -> None:
    api(alice).patch(f"{PATH}/summit", {"starts_at": "2027-05-18T09:00"}, format="json")
    conference.refresh_from_db()
    assert conference.starts_at == NINE_IN_SHANGHAI
    body = {"starts_at": "2027-05-18T09:00", "time_zone": "America/New_York"}
    api(alice).patch(f"{PATH}/summit", body, format="json")
    conference.refresh_from_db()
    assert conference.starts_at == dt.datetime(2027, 5, 18, 13, tzinfo=dt.UTC)


@pytest.mark.parametrize("day", ["2027-05-18", "20270518", "2027-W20-2"])
def test_a_day_without_a_time_is_refused(api: Api, charlie: User, day: str) -> None:
    body = {"id": "c", "name": "C", "time_zone": "Asia/Shanghai", "ends_at": day}
    answer = api(charlie).post(PATH, body, format="json")
    assert answer.status_code == 400
    assert list(answer.json()["error"]["details"]) == ["ends_at"]


@pytest.mark.parametrize("local", ["2027-03-28T02:30", "2027-10-31T02:30"])
def test_skipped_and_repeated_local_times_are_refused(api: Api, charlie: User, local: str) -> None:
    body = {"id": "c", "name": "C", "time_zone": "Europe/Berlin", "starts_at": local}
    answer = api(charlie).post(PATH, body, format="json")
    assert answer.status_code == 400
    assert list(answer.json()["error"]["details"]) == ["starts_at"]
    assert api(charlie).post(PATH, {**body, "starts_at": f"{local}+02:00"}, format="json").status_code == 201


def test_localize_agrees_with_the_zone_data() -> None:
    zone = zoneinfo.ZoneInfo("Europe/Berlin")
    assert localize(dt.datetime(2027, 7, 1, 12), zone).utcoffset() == dt.timedelta(hours=2)  # noqa: DTZ001
    with pytest.raises(ValidationError, match="does not exist"):
        localize(dt.datetime(2027, 3, 28, 2), zone)  # noqa: DTZ001


@pytest.mark.parametrize(("year", "zone"), [(9999, "America/Nuuk"), (1, "Asia/Shanghai")])
def test_a_time_beyond_the_calendar_is_refused(year: int, zone: str) -> None:
    month, day, hour = (12, 31, 23) if year == 9999 else (1, 1, 1)
    with pytest.raises(ValidationError, match="not a time"):
        localize(dt.datetime(year, month, day, hour), zoneinfo.ZoneInfo(zone))  # noqa: DTZ001


@pytest.fixture
def form(conference: Conference, admin_client: Client) -> dict[str, Any]:
    """The form data that a browser sends from the page of `summit`."""
    page = admin_client.get(reverse("admin:conferences_conference_change", args=["summit"]))
    shown = page.context["adminform"].form
    values: dict[str, Any] = {}
    for bound in shown:
        value = bound.value()
        if isinstance(value, bool):
            if value:
                values[bound.html_name] = "on"
        elif bound.name.endswith("_at"):
            parts = bound.field.widget.decompress(value)
            for number, part in enumerate(parts):
                values[f"{bound.html_name}_{number}"] = "" if part is None else str(part)
        else:
            values[bound.html_name] = "" if value is None else value
    values |= {"members-TOTAL_FORMS": "0", "members-INITIAL_FORMS": "0"}
    return values


def save(admin_client: Client, form: dict[str, Any]) -> Any:
    return admin_client.post(reverse("admin:conferences_conference_change", args=["summit"]), form)


@pytest.fixture(autouse=True)
def without_members(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the inline of members, which has its own test."""
    from conferences.admin.conferences import ConferenceAdmin

    monkeypatch.setattr(ConferenceAdmin, "inlines", [])


def test_the_admin_reads_and_shows_local_times(
    conference: Conference, admin_client: Client, form: dict[str, Any]
) -> None:
    form |= {"starts_at_0": "2027-05-18", "starts_at_1": "09:00:00"}
    answer = save(admin_client, form)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    conference.refresh_from_db()
    assert conference.starts_at == NINE_IN_SHANGHAI
    page = admin_client.get(reverse("admin:conferences_conference_change", args=["summit"]))
    content = page.content.decode()
    assert 'value="09:00:00"' in content
    assert "Local time of the conference." in content
    listed = admin_client.get(reverse("admin:conferences_conference_changelist")).content.decode()
    assert "2027-05-18 09:00 (Asia/Shanghai)" in listed


def test_saving_a_page_unchanged_keeps_the_times(
    conference: Conference, admin_client: Client, form: dict[str, Any]
) -> None:
    Conference.objects.update(starts_at=NINE_IN_SHANGHAI)
    page = {**form, "starts_at_0": "2027-05-18", "starts_at_1": "09:00:00", "name": "Other"}
    assert save(admin_client, page).status_code == 302
    conference.refresh_from_db()
    assert (conference.starts_at, conference.name) == (NINE_IN_SHANGHAI, "Other")


def test_a_stale_page_does_not_undo_changes(
    conference: Conference, api: Api, alice: User, admin_client: Client, form: dict[str, Any]
) -> None:
    api(alice).patch(f"{PATH}/summit", {"venue": "Hall 7"}, format="json")
    answer = save(admin_client, {**form, "name": "Mine"})
    assert answer.status_code == 200
    assert "Somebody else changed this conference" in answer.content.decode()
    conference.refresh_from_db()
    assert (conference.name, conference.venue) == ("Summit", "Hall 7")
