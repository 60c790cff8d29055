"""The endpoints of conversions: who may, what is refused by name, and how a result is sent."""

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from conferences.models import Conference, Member
from conversion import store
from conversion.models import ConversionJob
from conversion.services.converting import convert
from tests.conversion import documents

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/api/conversions"
Api = Callable[[User | None], APIClient]


@pytest.fixture(autouse=True)
def without_sandbox(settings: Any) -> None:
    settings.CONVERT_WITHOUT_SANDBOX = True


@pytest.fixture
def upload(bob: User, api: Api, conference: Conference) -> Callable[..., Any]:
    def post(content: bytes = documents.make_picture(), name: str = "议程.png", **fields: Any) -> Any:
        file = SimpleUploadedFile(name, content)
        given = {"conference_id": "summit", "target": "picture", "file": file, **fields}
        by = given.pop("by", bob)
        return api(by).post(
            URL, {name: value for name, value in given.items() if value is not None}, format="multipart"
        )

    return post


@pytest.fixture
def done(upload: Callable[..., Any]) -> ConversionJob:
    """A picture that was converted."""
    job_id = upload().json()["id"]
    assert convert(job_id) == "done"
    return ConversionJob.objects.get(pk=job_id)


def test_an_upload_is_accepted_and_shows_its_way(upload: Callable[..., Any], bob: User, api: Api) -> None:
    answer = upload(width="40", format=None)
    assert answer.status_code == 202
    body = answer.json()
    assert (body["status"], body["file_name"], body["target"]) == ("queued", "议程.png", "picture")
    assert body["parameters"]["width"] == 40
    assert (body["result"], body["error"]) == (None, None)

    convert(body["id"])
    now = api(bob).get(answer["Location"]).json()
    assert (now["status"], now["kind"], now["facts"]) == ("done", "png", {"width": 40, "height": 27})
    assert now["result"] == f"{URL}/{body['id']}/result"
    assert api(bob).get(URL, {"conference_id": "summit"}).json()["results"] == [now]


def test_a_failed_conversion_says_why_in_the_readers_language(
    upload: Callable[..., Any], bob: User, api: Api
) -> None:
    job_id = upload(documents.random_bytes(), "a.png").json()["id"]
    convert(job_id)
    english = api(bob).get(f"{URL}/{job_id}").json()["error"]
    chinese = api(bob).get(f"{URL}/{job_id}", headers={"Accept-Language": "zh-hans"}).json()["error"]
    assert english["code"] == chinese["code"] == "corrupt"
    assert "damaged" in english["message"]
    assert "损坏" in chinese["message"]
    refused = api(bob).get(f"{URL}/{job_id}/result")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "conversion_failed")


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"target": None}, "target"),
        ({"target": "mp4"}, "target"),
        ({"file": None}, "file"),
        ({"conference_id": None}, "conference_id"),
        ({"width": "0"}, "width"),
        ({"width": "wide"}, "width"),
        ({"width": "\0"}, "width"),
        ({"format": "svg"}, "format"),
        ({"crop": "1,2,3"}, "crop"),
        ({"crop": "0,0,0,5"}, "crop"),
        ({"page": "1"}, "page"),
        ({"colour": "red"}, "colour"),
        ({"target": "pdf", "width": "100"}, "width"),
    ],
)
def test_a_bad_field_is_refused_by_name(
    upload: Callable[..., Any], fields: dict[str, Any], named: str
) -> None:
    answer = upload(**fields)
    assert answer.status_code == 400, answer.content
    assert named in answer.json()["error"]["details"]
    assert list(store.walk()) == []


def test_an_empty_file_is_refused_by_name(upload: Callable[..., Any]) -> None:
    answer = upload(b"")
    assert (answer.status_code, list(answer.json()["error"]["details"])) == (400, ["file"])


def test_other_bodies_are_refused(bob: User, api: Api, conference: Conference) -> None:
    assert api(bob).post(URL, {"conference_id": "summit"}, format="json").status_code == 415


def test_a_result_is_saved_by_name_and_never_shown(done: ConversionJob, bob: User, api: Api) -> None:
    answer = api(bob).get(f"{URL}/{done.pk}/result")
    content = b"".join(answer.streaming_content)
    assert len(content) == done.output_bytes == int(answer["Content-Length"])
    assert answer["Content-Type"] == "image/webp"
    disposition = answer["Content-Disposition"]
    assert disposition.startswith("attachment;")
    assert "议程.webp" in unquote(disposition)
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"].startswith("sandbox;")
    assert answer["Cache-Control"] == "private, no-store"


def test_one_page_of_a_result_can_be_fetched(upload: Callable[..., Any], bob: User, api: Api) -> None:
    job_id = upload(documents.make_pdf(["a", "b"]), "a.pdf", target="pages", format="png").json()["id"]
    assert convert(job_id) == "done"
    answer = api(bob).get(f"{URL}/{job_id}/result", {"page": 2})
    assert answer["Content-Type"] == "image/png"
    assert 'filename="a-page-002.png"' in answer["Content-Disposition"]
    assert b"".join(answer.streaming_content).startswith(b"\x89PNG")
    missing = api(bob).get(f"{URL}/{job_id}/result", {"page": 3})
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "page_missing")
    for query in ({"page": "0"}, {"seite": "1"}):
        assert api(bob).get(f"{URL}/{job_id}/result", query).status_code == 400


def test_a_result_not_there_yet_is_a_conflict(upload: Callable[..., Any], bob: User, api: Api) -> None:
    answer = api(bob).get(f"{URL}/{upload().json()['id']}/result")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "not_ready")


def test_a_vanished_result_is_made_again(done: ConversionJob, bob: User, api: Api) -> None:
    store.delete(done.output_path)
    assert api(bob).get(f"{URL}/{done.pk}/result").status_code == 409
    assert convert(done.pk) == "done"
    assert api(bob).get(f"{URL}/{done.pk}/result").status_code == 200


def test_strangers_and_viewers_get_nothing(
    done: ConversionJob, upload: Callable[..., Any], charlie: User, api: Api, conference: Conference
) -> None:
    addresses = [f"{URL}/{done.pk}", f"{URL}/{done.pk}/result", f"{URL}?conference_id=summit"]
    for address in addresses:
        assert api(charlie).get(address).status_code == 404
    assert api(charlie).delete(addresses[0]).status_code == 404
    assert api(charlie).post(f"{URL}/{done.pk}/retry").status_code == 404
    assert upload(by=charlie).status_code == 404
    unknown = api(charlie).get(f"{URL}/nothing").json()
    assert api(charlie).get(addresses[0]).json() == unknown, "an id that exists answers as one that does not"

    Member.objects.create(conference=conference, user=charlie, role=Member.Role.VIEWER)
    for address in addresses:
        assert api(charlie).get(address).status_code == 403
    assert upload(by=charlie).status_code == 403
    assert ConversionJob.objects.count() == 1


def test_a_deleted_conversion_is_gone_with_its_files(done: ConversionJob, bob: User, api: Api) -> None:
    assert api(bob).delete(f"{URL}/{done.pk}").status_code == 204
    assert api(bob).get(f"{URL}/{done.pk}").status_code == 404
    assert list(store.walk()) == []


def test_a_failed_conversion_is_tried_again(upload: Callable[..., Any], bob: User, api: Api) -> None:
    job_id = upload(documents.random_bytes(), "a.png").json()["id"]
    convert(job_id)
    assert api(bob).post(f"{URL}/{job_id}/retry").json()["status"] == "queued"
    assert api(bob).post(f"{URL}/{job_id}/retry").json()["error"]["code"] == "wrong_status"


def test_the_list_is_paged_and_filtered(upload: Callable[..., Any], bob: User, api: Api) -> None:
    ids = [upload().json()["id"] for _ in range(3)]
    convert(ids[0])
    query = {"conference_id": "summit", "page_size": 2}
    first = api(bob).get(URL, query).json()
    second = api(bob).get(URL, {**query, "cursor": first["next"]}).json()
    assert [row["id"] for row in first["results"] + second["results"]] == ids[::-1]
    done = api(bob).get(URL, {"conference_id": "summit", "status": "done"}).json()["results"]
    assert [row["id"] for row in done] == ids[:1]
    assert api(bob).get(URL, {"conference_id": "summit", "status": "odd"}).status_code == 400


def test_a_full_conference_is_told_so(upload: Callable[..., Any], settings: Any) -> None:
    settings.CONVERT_MAX_WAITING = 1
    upload()
    answer = upload()
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "too_many_waiting")
    settings.CONVERT_MAX_WAITING, settings.CONVERT_QUOTA_BYTES = 9, 10
    assert upload().json()["error"]["code"] == "quota_exceeded"
    settings.CONVERT_MAX_INPUT_BYTES = 10
    answer = upload()
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
