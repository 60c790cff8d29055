"""Registrations: finding people, deciding about one and many, exporting them."""

import csv
import datetime as dt
import io
import re

import openpyxl
import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conferences import badges
from conferences.models import Conference, ExportJob, Job, Registration
from conferences.services import exporting, jobs
from conferences.services.checkins import check_in
from conferences.services.registrations import register
from console.pages import people as page
from notifications.models import Notification
from tests.console.builders import build_branch
from tests.console.conftest import Browser

pytestmark = pytest.mark.django_db

PEOPLE = "/console/c/summit/people/"
DECIDE = f"{PEOPLE}decide/"


def attend(conference: Conference, name: str, *, state: str = "pending", phone: str = "") -> Registration:
    email = f"{name.lower().replace(' ', '.')}@example.com"
    made = register(conference=conference, name=name, email=email, phone=phone).registration
    Registration.objects.filter(pk=made.pk).update(state=state)
    made.refresh_from_db()
    return made


def state_of(registration: Registration) -> str:
    return str(Registration.objects.values_list("state", flat=True).get(pk=registration.pk))


def names_in(html: str) -> set[str]:
    return set(re.findall(r'class="cut" href="[^"]+" title="([^"]+)"', html))


def test_name_mail_phone_and_code_find_a_person(conference: Conference, bob: User, browser: Browser) -> None:
    ann = attend(conference, "Ann Émile", phone="+8613800138000")
    attend(conference, "Ben")
    client = browser(bob)
    for q in ("emile", "ANN.É", "138 0013", ann.id, badges.make_code(ann)):
        assert names_in(client.get(PEOPLE, {"q": q}).content.decode()) == {"Ann Émile"}, q
    assert 'role="alert"' in client.get(PEOPLE, {"q": f"{ann.id}:forged"}).content.decode()


def test_states_and_the_door_filter_the_list(conference: Conference, bob: User, browser: Browser) -> None:
    attend(conference, "Pen")
    for name in ("Here", "Away"):
        attend(conference, name, state="approved")
    check_in(Registration.objects.get(name="Here").id, by=bob)
    client = browser(bob)
    for query, wanted in (
        ({"state": "pending"}, {"Pen"}), ({"state": "approved"}, {"Here", "Away"}),
        ({"in": "in"}, {"Here"}), ({"in": "out", "state": "approved"}, {"Away"}),
        ({"state": "rejected"}, set()), ({"state": "nonsense"}, {"Pen", "Here", "Away"}),
    ):  # fmt: skip
        assert names_in(client.get(PEOPLE, query).content.decode()) == wanted, query


def test_pages_follow_each_other_without_gaps(
    conference: Conference, bob: User, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "A_PAGE", 2)
    wanted = {attend(conference, f"P{number}").name for number in range(5)}
    client, address, seen = browser(bob), PEOPLE, []
    while address:
        html = client.get(address).content.decode()
        seen += names_in(html)
        following = re.search(r'href="(\?[^"]*cursor=[^"]+)"', html)
        address = PEOPLE + following[1].replace("&amp;", "&") if following else ""
    assert (sorted(seen), len(seen)) == (sorted(wanted), 5)
    assert client.get(PEOPLE, {"cursor": "nonsense"}).status_code == 404


def test_the_waiting_list_begins_with_the_first_in_line(
    conference: Conference, bob: User, browser: Browser
) -> None:
    for name in ("First", "Second"):
        attend(conference, name, state="waiting")
    html = browser(bob).get(PEOPLE, {"state": "waiting"}).content.decode()
    assert html.index('title="First"') < html.index('title="Second"')


def test_a_viewer_reads_and_changes_nothing(conference: Conference, victor: User, browser: Browser) -> None:
    ann = attend(conference, "Ann")
    client = browser(victor)
    html = client.get(PEOPLE).content.decode()
    assert names_in(html) == {"Ann"}
    assert 'name="action"' not in html
    assert client.get(f"{PEOPLE}{ann.id}/").status_code == 200
    assert client.post(DECIDE, {"action": "approve", "id": ann.id}).status_code == 403
    assert state_of(ann) == "pending"


def test_a_steward_sees_no_address_and_no_number(
    conference: Conference, stella: User, browser: Browser
) -> None:
    ann = attend(conference, "Ann", phone="+8613800138000")
    client = browser(stella)
    for address in (
        PEOPLE, f"{PEOPLE}{ann.id}/", f"{PEOPLE}exports/", "/console/c/summit/desk/?q=Ann",
        "/console/c/summit/messages/", "/console/c/summit/notifications/",
    ):  # fmt: skip
        html = client.get(address).content.decode()
        assert "ann@example.com" not in html
        assert "13800138000" not in html


def test_chosen_people_are_decided_and_refusals_are_named(
    conference: Conference, bob: User, browser: Browser
) -> None:
    ann, ben, cleo = attend(conference, "Ann"), attend(conference, "Ben"), attend(conference, "Cleo")
    Registration.objects.filter(pk=cleo.pk).update(state="cancelled")
    answer = browser(bob).post(DECIDE, {"action": "approve", "id": [ann.id, cleo.id]}, follow=True)
    html = answer.content.decode()
    assert [state_of(row) for row in (ann, ben, cleo)] == ["approved", "pending", "cancelled"]
    assert "1 person was approved" in html
    assert "Cleo: A cancelled registration cannot be approved." in html


def test_people_of_another_conference_are_not_decided(
    conference: Conference, charlie: User, bob: User, browser: Browser
) -> None:
    from conferences import services

    other = services.create_conference(owner=charlie, id="other", name="Other", time_zone="UTC")
    dora = attend(other, "Dora")
    browser(bob).post(DECIDE, {"action": "approve", "id": dora.id})
    assert state_of(dora) == "pending"


def test_all_that_match_are_confirmed_then_a_job(
    conference: Conference, bob: User, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "DECIDED_AT_ONCE", 2)
    people = [attend(conference, f"P{number}") for number in range(3)]
    other = attend(conference, "Other")
    client, asked = browser(bob), {"action": "approve", "all": "1", "q": "p"}
    asked["q"] = "p0"
    assert "Approve 1 registration?" in client.post(DECIDE, asked).content.decode()
    asked["q"] = ""
    asked["state"] = "pending"
    assert "Approve 4 registrations?" in client.post(DECIDE, asked).content.decode()
    assert state_of(other) == "pending"
    answer = client.post(DECIDE, {**asked, "confirmed": "1"})
    job = Job.objects.get()
    assert answer["Location"] == f"{PEOPLE}jobs/{job.pk}/"
    assert "hx-get" in client.get(answer["Location"]).content.decode()
    jobs.work_on_job(job.pk)
    html = client.get(answer["Location"]).content.decode()
    assert "hx-get" not in html
    assert "All 4 are done." in html
    assert {state_of(row) for row in (*people, other)} == {"approved"}


def test_the_list_takes_the_same_queries_for_more_rows(
    conference: Conference, bob: User, browser: Browser
) -> None:
    client = browser(bob)

    def count() -> int:
        client.get(PEOPLE)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            client.get(PEOPLE)
        return len(captured)

    build_branch(conference)
    before = count()
    for number in range(10):
        attend(conference, f"More {number}")
    assert count() == before


def test_rows_say_who_brought_them_and_whom_they_brought(
    conference: Conference, victor: User, browser: Browser
) -> None:
    build_branch(conference)
    html = browser(victor).get(PEOPLE, {"q": "Ben Bach"}).content.decode()
    row = html.split("<tbody>")[1].split("</tbody>")[0]
    assert 'title="Ada Amsel"' in row
    assert '<td class="opt right num">1</td>' in row


def test_xlsx_csv_and_api_say_the_same(conference: Conference, bob: User, browser: Browser, api) -> None:
    ann = attend(conference, "安娜 =1+1", phone="+8613800138000", state="approved")
    attend(conference, "Ben")
    check_in(ann.id, by=bob, gate="北门")
    client = browser(bob)
    url = "/api/conferences/summit/registrations"
    book = openpyxl.load_workbook(io.BytesIO(b"".join(client.get(f"{url}?format=xlsx").streaming_content)))
    heading, *rows = book.active.iter_rows(values_only=True)
    sheet = [dict(zip(heading, ["" if cell is None else cell for cell in row], strict=True)) for row in rows]
    text = b"".join(client.get(f"{url}?format=csv").streaming_content).decode("utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(text)))
    for line in lines:  # the guard against formulas
        line["phone"] = line["phone"].removeprefix("'")
    assert sheet == lines
    assert isinstance(sheet[1]["phone"], str)
    told = api(bob).get(url).json()["results"]
    for row, item in zip(sheet, told, strict=True):
        assert {name: row[name] for name in ("id", "name", "email", "phone", "state")} == {
            name: item[name] for name in ("id", "name", "email", "phone", "state")
        }
        assert row["registered_at"].endswith("+08:00")  # of the conference's zone
        assert dt.datetime.fromisoformat(row["registered_at"]) == dt.datetime.fromisoformat(
            item["registered_at"]
        )
    assert sheet[1]["gate"] == "北门"


def test_an_export_of_any_size_runs_in_the_background(
    conference: Conference, victor: User, browser: Browser
) -> None:
    attend(conference, "Ann", state="approved")
    attend(conference, "Ben")
    client = browser(victor)
    client.post(f"{PEOPLE}exports/", {"state": "approved"})
    job = ExportJob.objects.get()
    assert "hx-get" in client.get(f"{PEOPLE}exports/").content.decode()
    exporting.work_on_export(job.pk)
    html = client.get(f"{PEOPLE}exports/").content.decode()
    address = re.search(r'href="(/api/conferences/summit/exports/[^"]+)"', html)
    assert address
    text = b"".join(client.get(address[1]).streaming_content).decode("utf-8-sig")
    assert [line["name"] for line in csv.DictReader(io.StringIO(text))] == ["Ann"]


def test_decisions_write_their_mails(conference: Conference, bob: User, browser: Browser) -> None:
    ann = attend(conference, "Ann")
    browser(bob).post(DECIDE, {"action": "approve", "id": ann.id})
    assert Notification.objects.filter(registration_id=ann.id, message_type="approval").count() == 1
