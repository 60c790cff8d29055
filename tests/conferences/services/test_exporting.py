"""Exports: the same rows at once or by a job, whatever happens in between, and gone when they should be."""

import datetime as dt
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone
from openpyxl import load_workbook
from rest_framework.test import APIClient

from conferences.exports import EXPORTS
from conferences.models import Conference, ExportJob, Registration
from conferences.services import exporting
from conferences.services.erasing import erase_registration
from conferences.services.registrations import register
from conferences.tasks import catch_up
from meeteasy.core import slices

pytestmark = pytest.mark.django_db
Api = Callable[[User | None], APIClient]
URL = "/api/conferences/summit/exports"
LIST = "/api/conferences/summit/registrations"


@pytest.fixture
def people(conference: Conference) -> list[Registration]:
    """1,200 of them, which are three pages; the first has whatever a spreadsheet could misread."""
    first = register(
        conference=conference, name="=SUM(A1:A9)", email="odd@example.com", phone="+8613800138000",
        share_code="-Zx_-12345678901", answers={"topic": "+1", "long": "z" * 40},
    ).registration  # fmt: skip
    others = [
        Registration(
            conference=conference, name=f"Zhang Wei {number}", email=f"n{number}@example.com",
            registered_at=first.registered_at, state="approved",
        )
        for number in range(1199)
    ]  # fmt: skip
    return [first, *Registration.objects.bulk_create(others)]


def download(client: APIClient, address: str, **params: str) -> bytes:
    answer = client.get(address, params)
    assert answer.status_code == 200, answer.content
    return b"".join(answer.streaming_content)


def start(client: APIClient, export: str = "registrations", **given: Any) -> str:
    answer = client.post(URL, {"export": export, **given}, format="json")
    assert answer.status_code == 202, answer.content
    assert answer["Location"] == f"{URL}/{answer.json()['id']}"
    return str(answer.json()["id"])


def file_of(pk: str) -> Path:
    return Path(settings.DATA_DIR) / "exports" / pk


@pytest.fixture
def one_piece_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "_PAGES_IN_PIECE", 1)
    monkeypatch.setattr(slices, "SLICE_SECONDS", 0)


def test_a_job_writes_what_the_list_would_answer(
    people: list[Registration], api: Api, alice: User, one_piece_at_a_time: None
) -> None:
    pk = start(api(alice))
    seen = []
    while ExportJob.objects.get(pk=pk).status != "done":
        assert api(alice).get(f"{URL}/{pk}/result").status_code == 409
        exporting.work_on_export(pk)
        job = api(alice).get(f"{URL}/{pk}").json()
        seen.append((job["done"], job["total"]))
    assert seen == [(500, 1200), (1000, 1200), (1200, 1200)]
    assert job["result"] == f"{URL}/{pk}/result"
    assert file_of(pk).stat().st_mode & 0o777 == 0o600
    assert download(api(alice), job["result"]) == download(api(alice), LIST, format="csv")


def test_rows_of_a_crashed_piece_are_not_written_twice(
    people: list[Registration], api: Api, alice: User, one_piece_at_a_time: None
) -> None:
    pk = start(api(alice))
    exporting.work_on_export(pk)
    with file_of(pk).open("ab") as file:  # written by a worker that died before its commit
        file.write(b"half a li")
    exporting.work_on_export(pk)
    exporting.work_on_export(pk)
    assert download(api(alice), f"{URL}/{pk}/result") == download(api(alice), LIST, format="csv")


def test_a_lost_worker_or_message_is_made_up_for(
    people: list[Registration], api: Api, alice: User, one_piece_at_a_time: None
) -> None:
    pk = start(api(alice))
    exporting.work_on_export(pk)
    past = timezone.now() - dt.timedelta(minutes=5)
    ExportJob.objects.update(status="running", lease_token="dead", lease_until=past)
    catch_up()
    for _ in range(2):
        exporting.work_on_export(pk)
    assert ExportJob.objects.get(pk=pk).status == "done"


def test_more_rows_than_can_be_answered_at_once_need_a_job(
    people: list[Registration], api: Api, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "ROWS_AT_ONCE", 1199)
    for format in ("csv", "xlsx"):
        answer = api(alice).get(LIST, {"format": format})
        assert answer.status_code == 422
        error = answer.json()["error"]
        assert (error["code"], error["details"]["start"]) == ("too_many_rows", URL)
    assert len(download(api(alice), LIST, format="csv", q="odd@example.com").splitlines()) == 2


def test_a_cancelled_export_leaves_no_file(
    people: list[Registration], api: Api, alice: User, one_piece_at_a_time: None
) -> None:
    pk = start(api(alice))
    exporting.work_on_export(pk)
    assert file_of(pk).exists()
    assert api(alice).post(f"{URL}/{pk}/cancel").json()["status"] == "cancelled"
    assert not file_of(pk).exists()
    exporting.work_on_export(pk)
    assert not file_of(pk).exists()
    assert api(alice).get(f"{URL}/{pk}/result").status_code == 409


def test_a_file_is_deleted_after_a_day(people: list[Registration], api: Api, alice: User) -> None:
    pk = start(api(alice))
    exporting.work_on_export(pk)
    exporting.forget_old_exports(now=timezone.now() + dt.timedelta(hours=23))
    assert file_of(pk).exists()
    exporting.forget_old_exports(now=timezone.now() + dt.timedelta(hours=25))
    assert not file_of(pk).exists()
    assert api(alice).get(f"{URL}/{pk}/result").status_code == 410
    assert api(alice).get(f"{URL}/{pk}").json()["result"] is None


@pytest.mark.django_db(transaction=True)
def test_erasing_a_person_deletes_the_files_they_may_be_in(
    conference: Conference, api: Api, alice: User
) -> None:
    person = register(conference=conference, name="Dora", email="dora@example.com").registration
    pk = start(api(alice))
    exporting.work_on_export(pk)
    assert b"Dora" in file_of(pk).read_bytes()
    erase_registration(person.id)
    assert not file_of(pk).exists()


def test_a_workbook_keeps_texts_as_texts(people: list[Registration], api: Api, alice: User) -> None:
    book = load_workbook(io.BytesIO(download(api(alice), LIST, format="xlsx")))
    (sheet,) = book.worksheets
    heading, *rows = sheet.iter_rows()
    names = [cell.value for cell in heading]
    assert len(rows) == 1200
    (odd,) = [row for row in rows if row[names.index("email")].value == "odd@example.com"]
    cells = dict(zip(names, odd, strict=True))
    assert cells["name"].value == "=SUM(A1:A9)"
    assert cells["phone"].value == "+8613800138000"
    assert cells["share_code"].value == "-Zx_-12345678901"
    assert {cells[name].data_type for name in ("name", "phone", "share_code", "id")} == {"s"}


def test_numbers_are_numbers_in_a_workbook(conference: Conference, api: Api, alice: User) -> None:
    from analytics.models import DailySummary

    DailySummary.objects.create(
        id="summit:2027-05-01", conference_id="summit", date=dt.date(2027, 5, 1), figures={"pv": 12, "uv": 3},
        revision=1, computed_at=timezone.now(),
    )  # fmt: skip
    address = "/api/analytics/daily"
    content = download(api(alice), address, conference_id="summit", format="xlsx")
    heading, row = load_workbook(io.BytesIO(content)).active.iter_rows(values_only=True)
    day = dict(zip(heading, row, strict=True))
    assert (day["date"], day["pv"], day["uv"]) == ("2027-05-01", 12, 3)


def test_roles_decide_who_exports(
    people: list[Registration], api: Api, alice: User, bob: User, charlie: User
) -> None:
    pk = start(api(bob))
    events = start(api(alice), "events", format="jsonl")
    assert api(bob).post(URL, {"export": "events", "format": "jsonl"}, format="json").status_code == 403
    for path in (events, f"{events}/result"):
        assert api(bob).get(f"{URL}/{path}").status_code == 403
    assert api(bob).post(f"{URL}/{events}/cancel").status_code == 403
    for user, status in ((charlie, 404), (None, 401)):
        for path in ("", f"/{pk}", f"/{pk}/result"):
            assert api(user).get(f"{URL}{path}").status_code == status
        assert api(user).post(f"{URL}/{pk}/cancel").status_code == status
        assert api(user).post(URL, {"export": "registrations"}, format="json").status_code == status
    assert api(alice).get(f"{URL}/nothing").status_code == 404
    assert api(alice).get(f"{URL}/a%00b").status_code == 404


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "export"),
        ({"export": "passwords"}, "export"),
        ({"export": "registrations", "format": "xlsx"}, "format"),
        ({"export": "registrations", "format": "jsonl"}, "format"),
        ({"export": "events", "format": "csv"}, "format"),
        ({"export": "registrations", "parameters": {"colour": "red"}}, "parameters"),
        ({"export": "daily", "parameters": {"from": "yesterday"}}, "parameters"),
        ({"export": "registrations", "rows": 5}, "rows"),
    ],
)
def test_bad_input_is_refused_by_name(
    conference: Conference, api: Api, alice: User, given: dict[str, Any], field: str
) -> None:
    answer = api(alice).post(URL, given, format="json")
    assert answer.status_code == 400
    assert field in answer.json()["error"]["details"]
    assert not ExportJob.objects.exists()


def test_every_export_has_columns_or_lines() -> None:
    for export in EXPORTS.values():
        assert bool(export.columns()) != ("jsonl" in export.formats)
