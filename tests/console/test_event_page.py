"""The editor of the event page: prompt, blocks, publishing, revisions."""

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conferences.models import Conference
from conferences.services import update_conference
from tests.console.conftest import Browser
from visuspace.models import GenerationJob, Page, Revision
from visuspace.services.generating import generate

pytestmark = pytest.mark.django_db

URL = "/console/c/summit/page/en/"
HERO = {"block": ["hero:hero"], "hero.lead": "Hello"}


def post(client: Client, action: str, *, seen: int = 0, status: int = 200, **data: Any) -> str:
    answer = client.post(URL, {"seen": seen, "action": action, **data}, follow=status == 200)
    assert answer.status_code == status
    return str(answer.content.decode())


def visit() -> str:
    cache.clear()
    return Client().get("/conf/summit").content.decode()


def blocks_of(revision: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = Revision.objects.get(number=revision).blocks
    return found


def test_looking_at_a_page_that_nobody_made_makes_none(helper: Client) -> None:
    assert helper.get("/console/c/summit/page/")["Location"] == URL
    page = helper.get(URL).content.decode()
    for text in ("Visitors see the plain page", "Top of the page", "Registration form", "No draft yet"):
        assert text in page
    assert not Page.objects.exists()
    assert helper.get("/console/c/summit/page/fr/").status_code == 404


def test_a_description_becomes_the_draft(helper: Client) -> None:
    helper.post(f"{URL}generate/", {"prompt": "First.\r\n\r\nSecond."})
    waiting = helper.get(f"{URL}job/?seen=0").content.decode()
    assert "Waiting for a worker" in waiting
    assert 'hx-trigger="generation from:body, every 5s"' in waiting

    generate(GenerationJob.objects.get().pk)
    done = helper.get(f"{URL}job/?seen=0").content.decode()
    assert "revision 1 is the draft" in done
    assert "every 5s" not in done
    assert "Today: 1 of 50 generations" in done
    page = helper.get(URL).content.decode()
    assert ">\nFirst.</textarea>" in page
    assert "data-fresh" not in page, "it is the one that is shown"

    helper.post(f"{URL}generate/", {"prompt": "First.\n\nSecond.", "again": "1"})
    assert GenerationJob.objects.count() == 2


def test_a_failure_is_said_in_plain_words(helper: Client, conference: Conference) -> None:
    page = Page.objects.create(conference=conference, language="en")
    job = GenerationJob.objects.create(
        page=page, key="k", provider="openai", model="small", status="failed", due_at=timezone.now(),
        error_code="unauthorized", tokens_in=1200, cost="0.0024",
    )  # fmt: skip
    shown = helper.get(f"{URL}job/").content.decode()
    for text in ("refused our key", "openai, small; 1,200 tokens read", "cost 0.0024"):
        assert text in shown
    helper.cookies["django_language"] = "zh-hans"
    assert "模型服务器拒绝了我们的密钥" in helper.get(f"{URL}job/").content.decode()

    job.status, job.error_code, job.due_at = (
        "queued",
        "rate_limited",
        dt.datetime(2026, 5, 1, 4, tzinfo=dt.UTC),
    )
    job.save()
    helper.cookies["django_language"] = "en"
    shown = helper.get(f"{URL}job/").content.decode()
    assert "The model&#x27;s server is busy. It is tried again at 12:00." in shown


def test_refused_generations_say_why(helper: Client, settings: Any) -> None:
    settings.GENERATIONS_PER_DAY = 1
    helper.post(f"{URL}generate/", {"prompt": "a"})
    answer = helper.post(f"{URL}generate/", {"prompt": "b"}, follow=True)
    assert "has used its 1 generations of today" in answer.content.decode()
    answer = helper.post(f"{URL}generate/", {"prompt": "x" * 4001}, follow=True)
    assert "at most 4000 characters; this one has 4001" in answer.content.decode()
    assert GenerationJob.objects.count() == 1


def test_edited_blocks_are_saved_and_published(helper: Client) -> None:
    data = {
        "block": ["hero:hero", "text:text", "faq:faq"], "hero.lead": "Hello", "text.heading": "About",
        "text.paragraphs": "One\r\nline.\r\n\r\nTwo <b>.",
        "faq.items-0-question": "Food?", "faq.items-0-answer": "Yes.", "faq.items-1-question": "",
    }  # fmt: skip
    page = post(helper, "save", **data)
    assert "Saved as revision 1." in page
    assert blocks_of(1)[1:] == [
        {"type": "text", "id": "text", "schema_version": 1, "heading": "About",
         "paragraphs": ["One line.", "Two <b>."]},
        {"type": "faq", "id": "faq", "schema_version": 1, "items": [{"question": "Food?", "answer": "Yes."}]},
    ]  # fmt: skip
    assert "About" not in visit()
    assert "Published. Visitors see revision 2." in post(helper, "publish", seen=1, **data)
    assert "Two &lt;b&gt;." in visit()


def test_somebody_elses_work_is_never_overwritten(helper: Client, alice: User, browser: Browser) -> None:
    post(helper, "save", **HERO)
    post(browser(alice), "save", seen=1, **{**HERO, "hero.lead": "Alice was here"})

    page = post(helper, "save", seen=1, status=409, **{**HERO, "hero.lead": "Bob, too"})
    assert "Somebody else changed this page" in page
    assert ">\nBob, too</textarea>" in page
    assert 'name="overwrite" value="2"' in page
    assert Revision.objects.count() == 2

    post(helper, "overwrite", seen=1, overwrite=2, **{**HERO, "hero.lead": "Bob, too"})
    assert [blocks_of(number)[0]["lead"] for number in (1, 2, 3)] == ["Hello", "Alice was here", "Bob, too"]
    post(helper, "overwrite", seen=1, overwrite=2, status=409, **HERO)


def test_blocks_move_come_and_go_unsaved(helper: Client) -> None:
    data = {"block": ["hero:hero", "text:text", "venue:venue"], "text.paragraphs": "Typed"}

    def order(page: str) -> list[str]:
        return [part.partition('"')[0] for part in page.split('name="block" value="')[1:]]

    moved = post(helper, "up:venue", **data)
    assert order(moved) == ["hero:hero", "venue:venue", "text:text"]
    assert ">\nTyped</textarea>" in moved
    assert "Now at place 2 of 3. Not saved yet." in moved
    assert order(post(helper, "down:venue", **data)) == data["block"]
    assert order(post(helper, "remove:text", **data)) == ["hero:hero", "venue:venue"]
    added = post(helper, "add:text", **data)
    assert order(added) == [*data["block"], "text-2:text"]
    assert 'value="add:hero"' not in added, "a page has one top"
    assert order(post(helper, "add:hero", **data)) == data["block"]
    for nonsense in ("", "up:", "up:none", "explode:text", "earlier:text:pictures:1", "add:video"):
        assert order(post(helper, nonsense, **data)) == data["block"]
    assert not Page.objects.exists()


def test_what_is_no_block_is_left_out_and_numbers_are_bounded(helper: Client) -> None:
    hostile = ["hero:hero", "hero:hero", "<b>:text", "x:video", "text"]
    post(helper, "save", block=[*hostile, *(f"t-{number}:text" for number in range(50))])
    assert [block["id"] for block in blocks_of(1)] == ["hero", *(f"t-{number}" for number in range(25))]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"block": ["hero:hero"], "hero.lead": "x" * 601}, "at most 600 characters"),
        ({"block": ["text:text"], "text.paragraphs": "x" * 2001}, "A paragraph has at most 2000 characters."),
        ({"block": ["text:text"], "text.paragraphs": "x\n\n" * 11}, "at most 10 paragraphs"),
        ({"block": ["faq:faq"], "faq.items-0-question": "Food?"}, "Fill in both, or neither."),
        ({"block": ["a:hero", "b:hero"]}, "There can be only one block"),
    ],
)  # fmt: skip
def test_what_cannot_be_saved_is_named_and_kept(helper: Client, data: dict[str, Any], message: str) -> None:
    page = post(helper, "save", status=400, **data)
    assert message in page
    assert not Revision.objects.exists()


def test_a_preview_runs_nothing_and_is_framed_by_us_only(helper: Client, conference: Conference) -> None:
    post(helper, "save", **HERO)
    answer = helper.get(f"{URL}preview/1/")
    page = answer.content.decode()
    assert '<p class="lead">Hello</p>' in page
    assert "<script src" not in page
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    assert (
        f'sandbox="allow-same-origin" loading="lazy" src="{URL}preview/1/"'
        in helper.get(URL).content.decode()
    )
    update_conference(conference, languages=["en", "zh-hans"])
    for path in ("en/preview/2/", "zh-hans/preview/1/", "fr/preview/1/"):
        assert helper.get(f"/console/c/summit/page/{path}").status_code == 404


def test_an_earlier_revision_comes_back_and_a_page_is_taken_back(helper: Client) -> None:
    post(helper, "publish", **HERO)
    post(helper, "save", seen=1, **{**HERO, "hero.lead": "Worse"})
    helper.post(f"{URL}restore/", {"revision": "1"})
    assert (blocks_of(3), Revision.objects.get(number=3).source) == (blocks_of(1), "restored")

    helper.post(f"{URL}publish/", {"revision": "2"})
    assert "Worse" in visit()
    helper.post(f"{URL}publish/", {"undo": "1"})
    assert "Worse" not in visit()
    for path in ("restore", "publish"):
        for number in ("9", "x", "", "9" * 40):
            page = helper.post(f"{URL}{path}/", {"revision": number}, follow=True).content.decode()
            assert "There is no such revision." in page


def test_each_language_has_its_own_page(helper: Client, conference: Conference) -> None:
    update_conference(conference, languages=["en", "zh-hans"])
    chinese = "/console/c/summit/page/zh-hans/"
    post(helper, "publish", **HERO)
    helper.post(chinese, {"seen": 0, "action": "publish", **HERO, "hero.lead": "你好"})
    assert list(Page.objects.order_by("language").values_list("language", "draft__number")) == [
        ("en", 1), ("zh-hans", 1),
    ]  # fmt: skip
    assert '<p class="lead">Hello</p>' in visit()
    assert '<p class="lead">你好</p>' in Client().get("/conf/summit?lang=zh-hans").content.decode()
    assert f'href="{chinese}"' in helper.get(URL).content.decode()


def test_the_editor_asks_as_many_queries_for_many_revisions(helper: Client) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert helper.get(URL).status_code == 200
        return len(queries)

    post(helper, "publish", **HERO)
    few = count()
    for number in range(1, 25):
        post(helper, "save", seen=number, block=["hero:hero", f"t{number}:text"])
    generate(GenerationJob.objects.create(
        page=Page.objects.get(), key="k", provider="template", due_at=timezone.now()
    ).pk)  # fmt: skip
    assert count() <= few + 1
    assert few < 20
