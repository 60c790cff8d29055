"""The public page as a browser without JavaScript sees it."""

import datetime as dt
import io
import json
import re
from typing import Any
from xml.etree import ElementTree

import pytest
import redis
from django.core.cache import cache
from django.test import Client, override_settings
from django.utils import timezone
from icalendar import Calendar
from PIL import Image

from conferences.models import Conference, Registration
from conferences.services import cancel_conference, reinstate_conference, update_conference
from meeteasy.core.redis import get_quick_redis

pytestmark = pytest.mark.django_db

URL = "/conf/summit"


@pytest.fixture
def conference(conference: Conference, django_capture_on_commit_callbacks: Any) -> Conference:
    return update_conference(
        conference,
        tagline="Two days about open events",
        venue="West Bund, Shanghai",
        starts_at=dt.datetime(2099, 11, 26, 1, tzinfo=dt.UTC),
        ends_at=dt.datetime(2099, 11, 27, 9, tzinfo=dt.UTC),
        languages=["en", "zh-hans"],
    )


def get(path: str = URL, *, language: str = "", status: int = 200) -> str:
    answer = Client().get(path, headers={"Accept-Language": language} if language else {})
    assert answer.status_code == status
    return str(answer.content.decode())


def test_the_page_shows_the_conference(conference: Conference) -> None:
    page = get()
    for text in (
        "<h1>Summit</h1>", "26–27 November 2099, West Bund, Shanghai", "Two days about open events",
        "Thursday 26 November 2099, 09:00", "Shanghai time", 'data-conference="summit"',
    ):  # fmt: skip
        assert text in page
    assert '<html lang="en">' in page


def test_the_visitor_gets_their_language(conference: Conference) -> None:
    for wanted, expected in (("zh-CN,zh;q=0.9", "zh-hans"), ("de,fr;q=0.5", "en"), ("", "en")):
        answer = Client().get(URL, headers={"Accept-Language": wanted})
        assert f'<html lang="{expected}">' in answer.content.decode()
        assert (answer["Content-Language"], "Accept-Language" in answer["Vary"]) == (expected, True)
    page = get(f"{URL}?lang=zh-hans", language="en")
    assert "2099年11月26日–27日" in page
    assert "上海时间" in page
    assert 'href="?lang=en"' in page


def test_a_conference_in_another_language_only_has_our_english(conference: Conference) -> None:
    update_conference(conference, languages=["de"])
    page = get(language="zh-CN")
    assert '<html lang="de">' in page
    assert "When and where" in page
    assert "<nav" not in page


def test_messengers_find_a_preview(conference: Conference) -> None:
    page = get()
    for name, content in {
        "og:title": "Summit",
        "og:url": "http://localhost:8000/conf/summit",
        "og:image": "http://localhost:8000/conf/summit/card.png?lang=en",
        "og:description": "26–27 November 2099, West Bund, Shanghai – Two days about open events",
    }.items():
        assert f'<meta property="{name}" content="{content}">' in page
    assert '<link rel="canonical" href="http://localhost:8000/conf/summit">' in page
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', page)
    assert found
    event = json.loads(found[1])
    assert (event["@type"], event["name"], event["startDate"]) == (
        "Event", "Summit", "2099-11-26T09:00:00+08:00",
    )  # fmt: skip
    assert event["location"] == {
        "@type": "Place", "name": "West Bund, Shanghai", "address": "West Bund, Shanghai"
    }  # fmt: skip


def test_names_are_text_everywhere(conference: Conference) -> None:
    update_conference(conference, name='</script><img src=x onerror=alert(1)>"', venue="<b>x</b>")
    for page in (get(), get(f"{URL}/register?state=approved")):
        assert "<img src=x" not in page
        assert "<b>x</b>" not in page
        assert page.count("</script>") == page.count("<script")


def test_the_page_carries_a_valid_share_code_only(conference: Conference) -> None:
    assert 'name="share_code" value="AbCd1234EfGh5678"' in get(f"{URL}?_s=AbCd1234EfGh5678")
    assert 'href="?lang=zh-hans&amp;_s=AbCd1234EfGh5678"' in get(f"{URL}?_s=AbCd1234EfGh5678")
    for bad in ("", '"><script>', "share-code-of-this-visit!", "x" * 500):
        page = get(f"{URL}?_s={bad}")
        assert 'name="share_code" value=""' in page
        assert "of-this-visit" not in page


@pytest.mark.parametrize("tail", ["/", ".", "。", "，来报名", ")", "%29%E3%80%82"])
def test_what_stands_behind_the_address_costs_nothing(conference: Conference, tail: str) -> None:
    answer = Client().get(f"{URL}{tail}?_s=AbCd1234EfGh5678&utm_source=mail")
    assert (answer.status_code, answer["Location"]) == (301, f"{URL}?_s=AbCd1234EfGh5678&utm_source=mail")


@pytest.mark.parametrize("tail", [".", "。", "，来报名", ")", "...", "）。", "%0A"])
def test_punctuation_behind_a_link_is_no_part_of_its_code(conference: Conference, tail: str) -> None:
    assert 'name="share_code" value="AbCd1234EfGh5678"' in get(f"{URL}?_s=AbCd1234EfGh5678{tail}")


def test_a_warm_page_needs_no_database(conference: Conference, django_assert_num_queries: Any) -> None:
    cold = get()
    with django_assert_num_queries(0):
        assert get(f"{URL}?_s=AbCd1234EfGh5678") == cold.replace(
            'name="share_code" value=""', 'name="share_code" value="AbCd1234EfGh5678"'
        ).replace('href="?lang=zh-hans"', 'href="?lang=zh-hans&amp;_s=AbCd1234EfGh5678"')


def test_a_change_shows_at_once(conference: Conference, django_capture_on_commit_callbacks: Any) -> None:
    get()
    with django_capture_on_commit_callbacks(execute=True):
        update_conference(conference, name="Summit of all")
    assert "<h1>Summit of all</h1>" in get()


@pytest.mark.parametrize("broken", ["get", "set"])
def test_the_page_needs_no_cache(
    conference: Conference, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise redis.ConnectionError("away")

    monkeypatch.setattr(get_quick_redis(), broken, fail)
    assert "<h1>Summit</h1>" in get()


def test_an_unknown_conference_is_404(db: None) -> None:
    for path in ("", "/register", "/register?state=approved", "/calendar.ics", "/card.png", "/qr.svg"):
        get(f"/conf/unknown{path}", status=404)


def test_nobody_may_frame_the_page(conference: Conference) -> None:
    answer = Client().get(URL)
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert answer["X-Frame-Options"] == "DENY"
    assert not answer.cookies


def test_registration_says_its_phase(conference: Conference) -> None:
    now = timezone.now()
    hour = dt.timedelta(hours=1)

    def phase(**settings: Any) -> str:
        update_conference(conference, **settings)
        cache.clear()
        return get()

    page = phase(registration_opens_at=now + hour)
    assert "Registration opens on" in page
    assert "<form" not in page
    page = phase(registration_opens_at=None, registration_closes_at=now - hour)
    assert "Registration closed on" in page
    assert "<form" not in page
    page = phase(registration_closes_at=now + hour, approval_required=True)
    assert "The organizers decide about each registration." in page
    page = phase(approval_required=False, capacity=2)
    assert "2 of 2 places are free" in page
    assert "open until" in page
    for number in range(2):
        Registration.objects.create(
            conference=conference,
            name="P",
            email=f"{number}@example.com",
            registered_at=now,
            state="approved",
        )
    page = phase(waiting_list=True)
    assert "Join the waiting list" in page
    page = phase(waiting_list=False)
    assert "All places are taken." in page
    assert "<form" not in page


def test_a_cancelled_or_past_conference_says_so(
    conference: Conference, django_capture_on_commit_callbacks: Any
) -> None:
    get()
    with django_capture_on_commit_callbacks(execute=True):
        cancel_conference(conference, by="test")
    page = get()
    for text in ("Cancelled", "This conference does not take place.", "schema.org/EventCancelled"):
        assert text in page
    assert 'class="btn" type="button" popovertarget="share"' not in page  # nobody is to be brought along
    assert "<form" not in page
    with django_capture_on_commit_callbacks(execute=True):
        reinstate_conference(conference, by="test")
    begin = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    update_conference(conference, starts_at=begin, ends_at=begin + dt.timedelta(days=1))
    cache.clear()
    page = get()
    assert "This conference is over." in page
    assert "does not take place" not in page


def test_the_calendar_entry_is_in_the_conferences_zone(conference: Conference) -> None:
    answer = Client().get(f"{URL}/calendar.ics")
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="summit.ics"'
    (event,) = Calendar.from_ical(answer.content).walk("VEVENT")
    assert (str(event["summary"]), str(event["location"])) == ("Summit", "West Bund, Shanghai")
    assert event["dtstart"].dt.isoformat() == "2099-11-26T09:00:00+08:00"
    update_conference(conference, starts_at=None, ends_at=None)
    get(f"{URL}/calendar.ics", status=404)


def test_the_picture_is_a_png_of_the_right_size(conference: Conference) -> None:
    update_conference(conference, name="星会开源峰会 2026 with a very long name that needs several lines" * 3)
    answer = Client().get(f"{URL}/card.png")
    picture = Image.open(io.BytesIO(answer.content))
    assert (answer["Content-Type"], picture.size, picture.format) == ("image/png", (1200, 630), "PNG")
    assert len(answer.content) < 300_000
    assert len(picture.convert("RGB").getcolors(2**24) or []) > 100  # there is something on it


def test_the_qr_code_is_an_svg_of_the_link(conference: Conference) -> None:
    plain = Client().get(f"{URL}/qr.svg").content
    coded = Client().get(f"{URL}/qr.svg?_s=AbCd1234EfGh5678").content
    assert ElementTree.fromstring(plain).tag.endswith("svg")
    assert ElementTree.fromstring(coded).tag.endswith("svg")
    assert plain != coded
    assert Client().get(f"{URL}/qr.svg?_s=%22%3E").content == plain


def test_search_engines_read_event_pages_only(conference: Conference) -> None:
    assert "Allow: /conf/" in get("/robots.txt")
    assert '<meta name="robots" content="index, follow">' in get()
    assert 'content="noindex"' in get(f"{URL}/register?state=approved")


@override_settings(PUBLIC_URL="https://meet.example")
def test_links_use_the_public_address(conference: Conference) -> None:
    assert 'href="https://meet.example/conf/summit"' in get()
