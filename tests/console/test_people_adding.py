"""Adding people by hand and from a file, and the questions of the form."""

import csv
import io

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile

from conferences.models import Conference, Job, Registration
from conferences.services import jobs
from conferences.services.erasing import erase_registration
from conferences.services.registrations import register
from notifications.models import Notification
from tests.console.conftest import Browser

pytestmark = pytest.mark.django_db

PEOPLE = "/console/c/summit/people/"
NEW = f"{PEOPLE}new/"
IMPORT = f"{PEOPLE}import/"
SHIRT = {
    "key": "shirt", "kind": "choice", "label": {"en": "T-shirt"}, "required": True,
    "options": [{"value": "m", "label": {"en": "M"}}, {"value": "l", "label": {"en": "L"}}],
}  # fmt: skip


def upload(client, content: str, *, name: str = "list.csv"):
    return client.post(IMPORT, {"file": SimpleUploadedFile(name, content.encode())})


def test_a_person_added_by_hand_is_approved_with_mail(
    conference: Conference, bob: User, browser: Browser
) -> None:
    conference.approval_required, conference.capacity, conference.questions = True, 1, [SHIRT]
    conference.save()
    register(conference=conference, name="Full", email="full@example.com", answers={"shirt": "m"})
    client = browser(bob)
    given = {"name": "张伟", "email": "zw@example.com", "language": "en", "sends_mail": "on"}
    answer = client.post(NEW, {**given, "answers.shirt": "l"})
    made = Registration.objects.get(name="张伟")
    assert answer["Location"] == f"{PEOPLE}{made.id}/"
    assert (made.state, made.answers) == ("approved", {"shirt": "l"})
    (mail,) = Notification.objects.filter(registration_id=made.id)
    assert mail.message_type == "registration_confirmation"


def test_without_the_tick_nobody_gets_a_mail(conference: Conference, bob: User, browser: Browser) -> None:
    browser(bob).post(NEW, {"name": "Ann", "email": "ann@example.com", "language": "en"})
    assert Registration.objects.get().state == "approved"
    assert not Notification.objects.exists()


def test_a_known_address_is_named_at_its_field(conference: Conference, bob: User, browser: Browser) -> None:
    known = register(conference=conference, name="Ann", email="ann@example.com").registration
    html = (
        browser(bob).post(NEW, {"name": "B", "email": "ANN@example.com", "language": "en"}).content.decode()
    )
    assert "registered already" in html
    assert f"{PEOPLE}{known.id}/" in html
    assert Registration.objects.get().name == "Ann"


def test_bad_fields_are_named(conference: Conference, bob: User, browser: Browser) -> None:
    html = browser(bob).post(NEW, {"name": "A", "email": "none", "phone": "12", "language": "en"}).content
    assert b'id="id_email-error"' in html
    answer = browser(bob).post(NEW, {"name": "A", "email": "a@b.cn", "phone": "12", "language": "xx"})
    assert b'id="id_language-error"' in answer.content
    assert not Registration.objects.exists()


def test_a_preview_says_what_each_line_does(conference: Conference, bob: User, browser: Browser) -> None:
    register(conference=conference, name="Ann", email="ann@example.com")
    client = browser(bob)
    answer = upload(
        client, "name,email\nAnn,ann@example.com\n新人,new@example.com\nBad,none\n新人,new@example.com\n"
    )
    job = Job.objects.get()
    jobs.work_on_job(job.pk)
    html = client.get(answer["Location"]).content.decode()
    rows = html.split("What each line would do")[1].split("<tr>")[2:]
    said = [
        next(word for word in ("registered already", "problem", "new") if f"</svg>{word}</span>" in row)
        for row in rows
    ]
    assert said == ["registered already", "new", "problem", "registered already"]
    assert "Import 1 person" in html
    assert Registration.objects.count() == 1


def test_a_previewed_file_is_imported_once(conference: Conference, bob: User, browser: Browser) -> None:
    client = browser(bob)
    address = upload(client, "姓名,邮箱\n张伟,zw@example.com\n")["Location"]
    preview = Job.objects.get()
    jobs.work_on_job(preview.pk)
    first, second = client.post(f"{address}import/"), client.post(f"{address}import/")
    preview.refresh_from_db()
    assert bytes(preview.content) == b""
    assert second["Location"] == IMPORT
    started = Job.objects.exclude(pk=preview.pk).get()
    assert first["Location"] == f"{PEOPLE}jobs/{started.pk}/"
    jobs.work_on_job(started.pk)
    assert Registration.objects.get().name == "张伟"
    assert not Notification.objects.exists()
    started.refresh_from_db()
    assert bytes(started.content) == b""


def test_discarded_and_old_previews_lose_their_file(
    conference: Conference, bob: User, browser: Browser
) -> None:
    import datetime as dt

    from django.utils import timezone

    client = browser(bob)
    for end in ("discard", "forget", "erase"):
        address = upload(client, "name,email\nAnn,ann@example.com\n")["Location"]
        job = Job.objects.first()
        assert job is not None
        jobs.work_on_job(job.pk)
        assert Job.objects.filter(pk=job.pk).exclude(content=b"").exists(), end
        if end == "discard":
            client.post(f"{address}import/", {"discard": "1"})
        elif end == "forget":
            jobs.forget_old_jobs(now=timezone.now() + dt.timedelta(minutes=61))
        else:
            made = register(conference=conference, name="Ann", email="ann@example.com").registration
            erase_registration(made.id)
        assert not Job.objects.filter(pk=job.pk).exclude(content=b"").exists(), end
        assert "Upload it again" in client.get(address).content.decode()


def test_unreadable_files_are_refused_with_the_reason(
    conference: Conference, bob: User, browser: Browser
) -> None:
    client = browser(bob)
    answer = client.post(IMPORT, {"file": SimpleUploadedFile("a.csv", "姓名,邮箱".encode("gb18030"))})
    assert (answer.status_code, b"UTF-8" in answer.content) == (400, True)
    assert client.post(IMPORT).status_code == 400
    assert not Job.objects.exists()


def test_a_chinese_file_makes_the_round_trip(
    conference: Conference, alice: User, bob: User, browser: Browser
) -> None:
    from conferences import services

    client = browser(alice)
    address = upload(client, "姓名,邮箱,手机,公司\n欧阳娜娜,ouyang@例子.中国,+8613800138000,星河，实验室\n")[
        "Location"
    ]
    jobs.work_on_job(Job.objects.get().pk)
    client.post(f"{address}import/")
    jobs.work_on_job(Job.objects.first().pk)
    url = "/api/conferences/{}/registrations?format=csv"
    exported = b"".join(client.get(url.format("summit")).streaming_content)
    services.create_conference(owner=alice, id="again", name="再来", time_zone="Asia/Shanghai")
    other = "/console/c/again/people/"
    address = client.post(f"{other}import/", {"file": SimpleUploadedFile("导出.csv", exported)})["Location"]
    jobs.work_on_job(Job.objects.first().pk)
    client.post(f"{address}import/")
    jobs.work_on_job(Job.objects.first().pk)
    returned = b"".join(client.get(url.format("again")).streaming_content)
    rows = [
        [(row["name"], row["email"], row["phone"], row["answers"], row["state"])
         for row in csv.DictReader(io.StringIO(text.decode("utf-8-sig")))]
        for text in (exported, returned)
    ]  # fmt: skip
    assert rows[0] == rows[1]
    assert rows[0][0][0] == "欧阳娜娜"
    assert "星河，实验室" in rows[0][0][3]


QUESTIONS = f"{PEOPLE}questions/"
NEW_QUESTION = f"{PEOPLE}new-question/"


def test_questions_are_added_ordered_and_removed(
    conference: Conference, alice: User, browser: Browser
) -> None:
    conference.languages = ["en", "zh-hans"]
    conference.save()
    client = browser(alice)
    client.post(NEW_QUESTION, {"label-en": "Company", "label-zh-hans": "公司", "kind": "text"})
    client.post(
        NEW_QUESTION,
        {
            "label-en": "Meal", "kind": "choice", "required": "1",
            "option-0-value": "", "option-0-en": "Rice",
            "option-1-value": "", "option-1-en": "Noodles", "option-1-zh-hans": "面条",
            "option-2-value": "", "option-2-en": "",
        },
    )  # fmt: skip
    conference.refresh_from_db()
    assert conference.questions == [
        {"key": "company", "kind": "text", "required": False, "label": {"en": "Company", "zh-hans": "公司"}},
        {
            "key": "meal", "kind": "choice", "required": True, "label": {"en": "Meal"},
            "options": [
                {"value": "Rice", "label": {"en": "Rice"}},
                {"value": "Noodles", "label": {"en": "Noodles", "zh-hans": "面条"}},
            ],
        },
    ]  # fmt: skip
    client.post(f"{QUESTIONS}meal/move/", {"to": "up"})
    client.post(f"{QUESTIONS}meal/move/", {"to": "up"})
    conference.refresh_from_db()
    assert [item["key"] for item in conference.questions] == ["meal", "company"]
    client.post(f"{QUESTIONS}meal/remove/")
    conference.refresh_from_db()
    assert [item["key"] for item in conference.questions] == ["company"]


def test_options_keep_their_values_when_they_move(
    conference: Conference, alice: User, browser: Browser
) -> None:
    conference.questions = [SHIRT]
    conference.save()
    client = browser(alice)
    given = {
        "label-en": "Shirt", "option-0-value": "m", "option-0-en": "Medium", "option-1-value": "l",
        "option-1-en": "Large", "option-2-value": "stolen", "option-2-en": "Huge", "required": "1",
    }  # fmt: skip
    moved = client.post(f"{QUESTIONS}shirt/", {**given, "do": "up-1"}).content.decode()
    assert moved.index('value="Large"') < moved.index('value="Medium"')
    conference.refresh_from_db()
    assert conference.questions == [SHIRT]
    client.post(f"{QUESTIONS}shirt/", {**given, "kind": "number"})
    conference.refresh_from_db()
    (question,) = conference.questions
    assert (question["key"], question["kind"], question["label"]) == ("shirt", "choice", {"en": "Shirt"})
    assert [(item["value"], item["label"]["en"]) for item in question["options"]] == [
        ("m", "Medium"), ("l", "Large"), ("Huge", "Huge"),
    ]  # fmt: skip


def test_an_unfinished_question_is_not_saved(conference: Conference, alice: User, browser: Browser) -> None:
    client = browser(alice)
    for given, name in (
        ({"kind": "text"}, "label-error"), ({"kind": "none", "label-en": "A"}, "kind-error"),
        ({"kind": "choice", "label-en": "A", "option-0-value": "", "option-0-en": ""}, "options-error"),
    ):  # fmt: skip
        answer = client.post(NEW_QUESTION, given)
        assert (answer.status_code, f'id="{name}"' in answer.content.decode()) == (400, True)
    conference.refresh_from_db()
    assert conference.questions == []
