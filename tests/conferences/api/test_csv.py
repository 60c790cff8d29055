"""Exporting and importing registrations as CSV. test_jobs.py tests the job itself."""

import csv
import io
import time
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile

from conferences.models import Conference, Registration
from conferences.services import csv_files
from conferences.services.checkins import check_in
from conferences.services.jobs import work_on_job
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
    """Upload a file, run the job in a worker, and return its report."""

    def post(content: str | bytes, *, status: int = 202, dry_run: bool = False) -> dict:
        data = content if isinstance(content, bytes) else content.encode()
        answer = api(bob).post(
            f"{URL}/import{'?dry_run=true' if dry_run else ''}",
            {"file": SimpleUploadedFile("list.csv", data)},
            format="multipart",
        )
        assert answer.status_code == status, answer.content
        if status != 202:
            return answer.json()
        work_on_job(answer.json()["id"])
        job = api(bob).get(answer["Location"]).json()
        assert (job["status"], job["done"]) == ("done", job["total"]), job
        assert job["counts"]["failed"] == len(job["errors"])
        return {**job, "noted": job["warnings"], **job["counts"]}

    return post


def test_the_export_lists_all_registrations_with_check_ins(conference: Conference, bob: User, export) -> None:
    ann = register(
        conference=conference, name="张伟 🎉", email="ann@example.com", answers={"diet": "素食"}
    ).registration
    check_in(ann.id, by=bob, gate="North")
    register(conference=conference, name="Ben", email="ben@example.com")
    _, rows = export()
    assert [row["name"] for row in rows] == ["Ben", "张伟 🎉"]
    assert (rows[1]["gate"], rows[1]["answers"]) == ("North", '{"diet":"素食"}')
    assert rows[1]["checked_in_at"].endswith("+08:00")  # in Shanghai
    assert [row["name"] for row in export(checked_in="true")[1]] == ["张伟 🎉"]


@pytest.mark.parametrize("heading", ["x", "y{number}", '"a b"'])
def test_a_file_with_too_many_columns_is_refused_at_once(upload: Upload, heading: str) -> None:
    """Naming thousands of equal headings would hold a thread of the web server for hours."""
    columns = ",".join(heading.format(number=number) for number in range(50_000))
    started = time.monotonic()
    answer = upload(f"name,email,{columns}\nAnn,ann@example.com\n", status=400)
    assert answer["error"]["details"] == {"file": [f"More than {csv_files.MAX_COLUMNS} columns."]}
    assert time.monotonic() - started < 10


def test_empty_columns_at_the_end_are_none(conference: Conference, upload: Upload) -> None:
    """Some spreadsheet programs write as many as a sheet can have."""
    empty = "," * 16_000
    report = upload(f"name,email,diet{empty}\nAnn,ann@example.com,none{empty}\nBob,bob@example.com,x,,y\n")
    assert (report["created"], [item["line"] for item in report["errors"]]) == (1, [3])
    assert Registration.objects.get().answers == {"diet": "none"}


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "＝1+1", "=HYPERLINK(A1)", "'=x", "''=x"])
def test_formulas_in_names_are_neutralised_and_restored(
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


def test_importing_an_export_changes_nothing(conference: Conference, export, upload: Upload) -> None:
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


def test_bad_lines_are_reported_and_the_others_imported(conference: Conference, upload: Upload) -> None:
    report = upload(FILE)
    errors = [(error["line"], error["field"]) for error in report["errors"]]
    # The report names the first line of a record that spans several lines.
    assert errors == [(3, "email"), (3, "phone"), (4, "name"), (6, "name"), (9, None)]
    assert (report["total"], report["created"], report["existing"]) == (7, 2, 1)
    assert set(Registration.objects.values_list("name", "source", "phone")) == {
        ("Ann", "import", "+8613800138000"),
        ("Gül", "import", ""),
    }
    assert Registration.objects.get(name="Ann").answers == {"Company": "ACME"}


def test_a_dry_run_reports_and_changes_nothing(conference: Conference, upload: Upload) -> None:
    dry = upload(FILE, dry_run=True)
    assert not Registration.objects.exists()
    real = upload(FILE)
    same = ("total", "created", "existing", "failed", "errors")
    assert [dry[name] for name in same] == [real[name] for name in same]
    again = upload(FILE)
    assert (again["created"], again["existing"]) == (0, 3)
    assert Registration.objects.count() == 2


def test_a_dry_run_finds_repetitions_across_the_file(conference: Conference, upload: Upload) -> None:
    lines = "".join(f"N,n{number % 300}@example.com\n" for number in range(600))
    report = upload("name,email\n" + lines, dry_run=True)
    assert (report["created"], report["existing"]) == (300, 300)


def test_semicolons_and_a_plain_body_are_accepted(conference: Conference, bob: User, api: Api) -> None:
    body = "email;name\nann@example.com;Ann, the first\n"
    answer = api(bob).post(f"{URL}/import", body, content_type="text/csv")
    work_on_job(answer.json()["id"])
    assert Registration.objects.get().name == "Ann, the first"


@pytest.mark.parametrize(
    "content",
    [b"", b"\n\n", b"name\nAnn\n", "name,email\n张,z@example.cn\n".encode("gbk"), b"\x00\x01\x02",
     "name,email\nA,a@example.com".encode("utf-16")[:-1], "name,email\n".encode("utf-16-le")],
)  # fmt: skip
def test_an_unreadable_file_is_refused(upload: Upload, content: bytes) -> None:
    error = upload(content, status=400)["error"]
    assert set(error["details"]) == {"file"}
    assert not Registration.objects.exists()


def test_a_file_with_too_many_lines_is_refused(upload: Upload) -> None:
    lines = "".join(f"N,n{number}@example.com\n" for number in range(csv_files.MAX_LINES + 1))
    assert set(upload("name,email\n" + lines, status=400)["error"]["details"]) == {"file"}
    assert not Registration.objects.exists()
    assert upload(b"x" * (csv_files.MAX_BYTES + 1), status=413)["error"]["code"] == "too_large"


@pytest.mark.parametrize(
    ("line", "field"),
    [("Ann,ann@example.com,[1]", "answers"), ("Ann,ann@example.com,{", "answers"),
     ("A\0nn,ann@example.com,", "name"),
     ("A" * 200_000 + ",ann@example.com,", None)],
)  # fmt: skip
def test_malformed_lines_never_fail_the_import(upload: Upload, line: str, field: str | None) -> None:
    if field is None:
        upload(f"name,email,answers\n{line}\n", status=400)
    else:
        report = upload(f"name,email,answers\n{line}\nBen,ben@example.com,\n")
        assert [error["field"] for error in report["errors"]] == [field]
        assert report["created"] == 1


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_quotation_mark_that_is_not_closed_is_named(upload: Upload, end: str) -> None:
    """It would swallow all lines behind it, and one error would stand for them all."""
    content = f'name,email\nAnn,ann@example.com\n"Ben,ben@example.com\nCleo,cleo@example.com{end}'
    error = upload(content, status=400)["error"]
    assert error["details"]["file"] == ["Line 3: a quotation mark is not closed."]
    assert upload(content.replace('"Ben', "Ben"))["created"] == 3
    assert upload(f'name,email\nDan,dan@example.com\n"Eve",eve@example.com{end}')["created"] == 2


def test_a_missing_file_is_reported(conference: Conference, bob: User, api: Api) -> None:
    answer = api(bob).post(f"{URL}/import", {}, format="multipart")
    assert set(answer.json()["error"]["details"]) == {"file"}
    assert api(bob).post(f"{URL}/import", {}, format="json").status_code == 415


REGISTERED = ("name", "state", "source")


def test_importing_an_export_keeps_cancelled_and_pending_states(
    conference: Conference, export, upload: Upload
) -> None:
    conference.approval_required = True
    conference.save()
    for state in ("pending", "approved", "rejected", "cancelled"):
        made = register(conference=conference, name=state, email=f"{state}@example.com").registration
        Registration.objects.filter(id=made.id).update(state=state)
    content, _ = export()
    before = set(Registration.objects.values_list(*REGISTERED))
    assert upload(content)["existing"] == 4
    assert upload("name,email\nAgain,cancelled@example.com\n")["existing"] == 1
    assert set(Registration.objects.values_list(*REGISTERED)) == before
    Registration.objects.all().delete()
    assert upload(content)["created"] == 4
    assert {(name, state) for name, state, _ in Registration.objects.values_list(*REGISTERED)} == {
        (name, state) for name, state, _ in before
    }
    standing = Registration.objects.values_list("state", "standing_version")
    assert dict(standing) == {"pending": 0, "approved": 0, "rejected": 1, "cancelled": 1}


@pytest.mark.parametrize(
    ("content", "answers"),
    [
        ('name,email,"Topics (AI; data; web; ops)"\nAnn,ann@example.com,AI\n',
         {"Topics (AI; data; web; ops)": "AI"}),
        ('name;email;"Topics, all"\nAnn;ann@example.com;AI\n', {"Topics, all": "AI"}),
        ("name\temail\tSize\nAnn\tann@example.com\tM\n", {"Size": "M"}),
        ("name,email,Topic,Topic,Topic\nAnn,ann@example.com,a,b,c\n",
         {"Topic": "a", "Topic (2)": "b", "Topic (3)": "c"}),
        ("Name,Email,State,Source,ID,Gate\nAnn,ann@example.com,California,Booth,7,West\n",
         {"State": "California", "Source": "Booth", "ID": "7", "Gate": "West"}),
        ("name,email,state,id\nAnn,ann@example.com,California,7\n", {"state": "California", "id": "7"}),
        ("name,email,Cafe\u0301\nAnn,ann@example.com,Rene\u0301\n", {"Café": "René"}),
        ("姓名,邮箱,公司\nAnn,ann@example.com,ACME\n", {"公司": "ACME"}),
        ("Name,E-Mail,手机号码\nAnn,ann@example.com,\n", {}),
        ("full_name,email_address,phone_number\nAnn,ann@example.com,\n", {}),
        ("\ufeff\ufeffname,\u200bemail\u00a0\nAnn,ann@example.com\n", {}),
        ("name,email,Email Address\nAnn,ann@example.com,old\n", {"Email Address": "old"}),
        ("sep=;\r\nname;email;Size, cm\r\nAnn;ann@example.com;1,5\r\n", {"Size, cm": "1,5"}),
        ('\ufeff"sep=|"\nname|email|A;B;C;D\nAnn|ann@example.com|x\n', {"A;B;C;D": "x"}),
        ("name\temail\tGröße\nAnn\tann@example.com\tM\n".encode("utf-16"), {"Größe": "M"}),
    ],
)  # fmt: skip
def test_unknown_headings_become_answers(
    conference: Conference, upload: Upload, content: str | bytes, answers: dict[str, str]
) -> None:
    assert upload(content)["created"] == 1
    ann = Registration.objects.get()
    assert (ann.name, ann.state, ann.answers) == ("Ann", "approved", answers)


def test_a_repeated_field_is_refused(upload: Upload) -> None:
    error = upload("name,email,Email\nAnn,ann@example.com,b@example.com\n", status=400)["error"]
    assert "email" in error["details"]["file"][0]


def test_line_numbers_are_right_after_a_multiline_record(upload: Upload) -> None:
    content = 'name,email,Note\nAnn,ann@example.com,"one\ntwo\n\nthree"\n\nBen,ben,x\n"C\nD",c@example.com,\n'
    errors = upload(content)["errors"]
    assert [(error["line"], error["field"]) for error in errors] == [(7, "email"), (8, "name")]


def test_line_numbers_count_the_line_that_names_the_delimiter(upload: Upload) -> None:
    errors = upload("sep=,\nname,email\nAnn,ann@example.com\nBen,ben\n")["errors"]
    assert [(error["line"], error["field"]) for error in errors] == [(4, "email")]


def test_bad_optional_data_in_a_line_is_a_warning(upload: Upload) -> None:
    report = upload(f"name,email,share_code,language\nAnn,ann@example.com,{'x' * 70},{'e' * 40}\n")
    assert (report["created"], report["warnings"]) == (1, 2)


def test_an_unknown_state_is_reported(conference: Conference, export, upload: Upload) -> None:
    register(conference=conference, name="Ann", email="ann@example.com")
    content, _ = export()
    report = upload(content.replace(b",approved,", b",asleep,"))
    assert [error["field"] for error in report["errors"]] == ["state"]
