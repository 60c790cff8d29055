"""Registrations out to CSV files and in from them."""

import csv
import io
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile

from conferences.models import Conference, Registration
from conferences.services import importing
from conferences.services.checkins import check_in
from conferences.services.registrations import register
from tests.conferences.api.conftest import Api

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/api/conferences/summit/registrations"
Upload = Callable[..., dict]


@pytest.fixture
def export(bob: User, api: Api, conference: Conference) -> Callable[..., tuple[bytes, list[dict[str, str]]]]:
    def get(**query: str) -> tuple[bytes, list[dict[str, str]]]:
        answer = api(bob).get(URL, {"format": "csv", **query})
        assert answer.status_code == 200
        content = b"".join(answer.streaming_content)
        return content, list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))

    return get


@pytest.fixture
def upload(bob: User, api: Api, conference: Conference) -> Upload:
    def post(content: str | bytes, *, status: int = 200, dry_run: bool = False) -> dict:
        data = content if isinstance(content, bytes) else content.encode()
        answer = api(bob).post(
            f"{URL}/import{'?dry_run=true' if dry_run else ''}",
            {"file": SimpleUploadedFile("list.csv", data)},
            format="multipart",
        )
        assert answer.status_code == status, answer.content
        return answer.json()

    return post


def test_the_export_has_every_registration_with_its_check_in(
    conference: Conference, bob: User, export
) -> None:
    ann = register(
        conference=conference, name="张伟 🎉", email="ann@example.com", answers={"diet": "素食"}
    ).registration
    check_in(ann.id, by=bob, gate="North")
    register(conference=conference, name="Ben", email="ben@example.com")
    _, rows = export()
    assert [row["name"] for row in rows] == ["Ben", "张伟 🎉"]
    assert (rows[1]["gate"], rows[1]["answers"]) == ("North", '{"diet":"素食"}')
    assert rows[1]["checked_in_at"].endswith("+00:00")
    assert [row["name"] for row in export(checked_in="true")[1]] == ["张伟 🎉"]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "＝1+1", '=HYPERLINK("http://x")'])
def test_names_that_are_formulas_are_neutralised_and_come_back_as_they_were(
    conference: Conference, export, upload: Upload, name: str
) -> None:
    register(conference=conference, name=name, email="ann@example.com", phone="+8613800138000")
    content, rows = export()
    assert rows[0]["name"] == f"'{name}"
    assert rows[0]["phone"] == "'+8613800138000"
    Registration.objects.all().delete()
    assert upload(content)["created"] == 1
    again = Registration.objects.get()
    assert (again.name, again.phone) == (name, "+8613800138000")


def test_an_exported_file_can_be_imported_again_and_changes_nothing(
    conference: Conference, export, upload: Upload
) -> None:
    register(conference=conference, name="Ann", email="ann@example.com", answers={"a": [1, True, "x"]})
    content, _ = export()
    report = upload(content)
    assert (report["created"], report["existing"], report["errors"]) == (0, 1, [])
    Registration.objects.all().delete()
    assert upload(content)["created"] == 1
    assert Registration.objects.get().answers == {"a": [1, True, "x"]}


FILE = """\ufeffName,Email,phone,Company
Ann,ann@example.com,+8613800138000,ACME
Ben,ben@,call me,
,carl@example.com,,

"Dora
Two Lines",dora@example.com,,
Eve,ANN@example.com,,
Fritz,fritz@example.com,,x,surplus
Gül,gül@example.com,,"=cmd|' /C calc'!A0"
"""


def test_each_bad_line_is_reported_and_the_others_are_registered(
    conference: Conference, upload: Upload
) -> None:
    report = upload(FILE)
    errors = [(error["line"], error["field"]) for error in report["errors"]]
    # A line is named by its end, as a quoted value may go over several.
    assert errors == [(3, "email"), (3, "phone"), (4, "name"), (7, "name"), (9, None)]
    assert (report["lines"], report["created"], report["existing"]) == (7, 2, 1)
    assert set(Registration.objects.values_list("name", "source", "phone")) == {
        ("Ann", "import", "+8613800138000"),
        ("Gül", "import", ""),
    }
    assert Registration.objects.get(name="Ann").answers == {"Company": "ACME"}


def test_a_dry_run_reports_the_same_and_changes_nothing(conference: Conference, upload: Upload) -> None:
    dry = upload(FILE, dry_run=True)
    assert not Registration.objects.exists()
    real = upload(FILE)
    assert {**dry, "dry_run": False} == real
    again = upload(FILE)
    assert (again["created"], again["existing"]) == (0, 3)
    assert Registration.objects.count() == 2


def test_a_dry_run_sees_repetitions_across_the_whole_file(conference: Conference, upload: Upload) -> None:
    lines = "".join(f"N,n{number % 300}@example.com\n" for number in range(600))
    report = upload("name,email\n" + lines, dry_run=True)
    assert (report["created"], report["existing"]) == (300, 300)


def test_semicolons_and_a_plain_body_are_fine(conference: Conference, bob: User, api: Api) -> None:
    body = "email;name\nann@example.com;Ann, the first\n"
    answer = api(bob).post(f"{URL}/import", body, content_type="text/csv")
    assert answer.json()["created"] == 1
    assert Registration.objects.get().name == "Ann, the first"


@pytest.mark.parametrize(
    "content",
    [b"", b"\n\n", b"name\nAnn\n", "name,email\n张,z@example.cn\n".encode("gbk"), b"\x00\x01\x02",
     "name,email\nA,a@example.com".encode("utf-16")],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_refused_by_name(upload: Upload, content: bytes) -> None:
    error = upload(content, status=400)["error"]
    assert set(error["details"]) == {"file"}
    assert not Registration.objects.exists()


def test_a_file_that_is_too_long_is_refused_whole(upload: Upload) -> None:
    lines = "".join(f"N,n{number}@example.com\n" for number in range(importing.MAX_LINES + 1))
    assert set(upload("name,email\n" + lines, status=400)["error"]["details"]) == {"file"}
    assert not Registration.objects.exists()
    assert upload(b"x" * (importing.MAX_BYTES + 1), status=413)["error"]["code"] == "too_large"


@pytest.mark.parametrize(
    ("line", "field"),
    [("Ann,ann@example.com,[1]", "answers"), ("Ann,ann@example.com,{", "answers"),
     ("A\0nn,ann@example.com,", "name"),
     ("A" * 200_000 + ",ann@example.com,", None)],
)  # fmt: skip
def test_odd_lines_are_errors_and_never_a_failure(upload: Upload, line: str, field: str | None) -> None:
    if field is None:
        upload(f"name,email,answers\n{line}\n", status=400)
    else:
        report = upload(f"name,email,answers\n{line}\nBen,ben@example.com,\n")
        assert [error["field"] for error in report["errors"]] == [field]
        assert report["created"] == 1


def test_no_file_at_all_is_named(conference: Conference, bob: User, api: Api) -> None:
    answer = api(bob).post(f"{URL}/import", {}, format="multipart")
    assert set(answer.json()["error"]["details"]) == {"file"}
    assert api(bob).post(f"{URL}/import", {}, format="json").status_code == 415
