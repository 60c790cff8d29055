"""Summaries of ranges against a plain recount, on generated events: late, repeated, shuffled, odd."""

import datetime as dt
import random
import uuid
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from analytics.days.summaries import refresh_dirty_days
from analytics.events.rows import EventRow
from analytics.ranges import queries
from analytics.ranges.filters import Filter
from analytics.ranges.results import PANELS, Comparison, Summary
from analytics.reactions.pipeline import store_and_react
from analytics.selectors.summary import get_summary
from conferences.models import Conference
from tests.analytics.builders import to_row
from tests.analytics.ranges.plain import recount

pytestmark = pytest.mark.django_db

# The night to the second day of each is one in which clocks change, or none.
ZONES = {
    "Asia/Shanghai": dt.date(2026, 5, 1),
    "Europe/Berlin": dt.date(2026, 3, 28),
    "America/Havana": dt.date(2026, 3, 7),
}
DAYS = 4

PAGES = [
    "/",
    "/agenda",
    'say "hi", ok',
    "two\r\nlines",
    "\\N",
    "议程/日程",
    "/Agenda?x=1",
    "'; DROP TABLE x--",
    "NULL",
]
SOURCES = [
    # referrer, url; and what comes out: referrer, group, utm_source, utm_campaign
    ("", "", "", "direct", "", ""),
    ("https://www.google.com/", "https://x.example/", "Google", "search", "", ""),
    ("https://x.example/a", "https://x.example/b", "", "own", "", ""),
    (
        "",
        "https://x.example/?utm_source=wechat&utm_campaign=spring",
        "WeChat",
        "messenger",
        "wechat",
        "spring",
    ),
    ("https://blog.example/", "https://x.example/?_s=q7Jm0Zt4", "blog.example", "share", "", ""),
]
CONTEXTS: list[dict[str, str]] = [
    {},
    {"browser": "Chrome", "os": "Windows", "device": "desktop", "country": "DE"},
    {"browser": "Feishu", "os": "iOS", "device": "phone", "app": "Feishu", "country": "CN"},
]


@st.composite
def events_of_days(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Events of some visitors on some days, often near midnight and often half an hour apart."""
    zone = draw(st.sampled_from(sorted(ZONES)))
    start = dt.datetime.combine(ZONES[zone], dt.time(), ZoneInfo(zone)).astimezone(dt.UTC)
    found: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 25))):
        minutes = draw(
            st.one_of(
                st.integers(0, DAYS * 24 * 60 - 1),
                st.integers(-4, 4).map(lambda quarter: 24 * 60 + 15 * quarter),
                st.integers(-4, 4).map(lambda quarter: 48 * 60 + 15 * quarter),
            )
        )
        kind = draw(st.sampled_from(["page_view"] * 5 + ["share_open", "share", "registration", "ai_chat"]))
        referrer, url, name, group, utm_source, utm_campaign = draw(st.sampled_from(SOURCES))
        context = draw(st.sampled_from(CONTEXTS))
        visitor = draw(st.sampled_from(["ann", "ben", "cat"]))
        if kind == "registration" and draw(st.booleans()):
            visitor = ""
        sent: dict[str, Any] = {}
        out: dict[str, Any] = {}
        if kind == "page_view":
            sent = {"page": draw(st.sampled_from(PAGES)), "url": url, "referrer": referrer}
            if not name and group == "direct" and context.get("app"):
                name, group = "Feishu", "messenger"
            out = {
                "page": sent["page"], "referrer": name, "group": group, "utm_source": utm_source,
                "utm_campaign": utm_campaign, **context,
            }  # fmt: skip
        elif kind == "share":
            sent = out = {"channel": draw(st.sampled_from(["wechat", "weibo"]))}
        elif kind == "registration":
            sent, out = {"registration_id": f"r{number}"}, {"counts": True}
        found.append(
            {
                "key": f"e{number:03d}",
                "type": kind,
                "ts": start + dt.timedelta(minutes=minutes, milliseconds=draw(st.integers(0, 1))),
                "visitor": visitor,
                "bot": draw(st.integers(0, 9)) == 0,
                "sent": sent,
                "context": context,
                "zone": zone,
                **out,
            }
        )
    return found


def make_row(event: dict[str, Any], conference_id: str) -> EventRow:
    row = to_row(
        {
            "event_id": event["key"], "type": event["type"], "ts": event["ts"],
            "visitor_id": event["visitor"], "bot": event["bot"], "conference_id": conference_id,
            **event["sent"],
        }
    )  # fmt: skip
    row.context = msgspec.json.encode(event["context"]).decode() if event["context"] else ""
    return row


def as_recounted(summary: Summary) -> dict[str, Any]:
    """In the shape of the plain recount."""
    totals = summary.totals
    return {
        "pv": totals.pv,
        "uv": totals.uv,
        "visits": totals.visits,
        "bounces": totals.bounces,
        "duration": round(totals.duration_seconds, 1),
        "share_opens": totals.share_opens,
        "registrations": totals.registrations,
        "checkins": totals.checkins,
        "days": {
            day.date: (day.pv, day.uv, day.registrations, day.visits)
            for day in summary.days
            if day.pv or day.visits or day.registrations
        },
        "hours": {
            hour.begins_at.astimezone(dt.UTC): (hour.pv, hour.uv, hour.registrations)
            for hour in summary.hours
        },
        "funnel": [step.visitors for step in summary.funnel],
        "panels": {
            PANELS[name]: {row.value: (row.count, row.visitors) for row in panel.rows}
            for name, panel in summary.panels.items()
            if name not in ("mediums",)
        },
    }


def expected(events: list[dict[str, Any]], *args: Any, **kwargs: Any) -> dict[str, Any]:
    found = recount(events, *args, **kwargs)
    seconds = found["duration"].total_seconds() / found["visits"] if found["visits"] else 0.0
    return {**found, "duration": round(seconds, 1)}


FILTERS = [
    [],
    [("page", "is", "/agenda")],
    [("page", "contains", "AGENDA"), ("group", "is", "search")],
    [("entry_page", "contains", "/")],
    [("app", "is", "Feishu")],
    [("channel", "is", "wechat"), ("country", "is", "")],
]


@pytest.fixture(params=[queries._PART_EVENTS, 1], ids=["one part", "many parts"])
def _parts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "_PART_EVENTS", request.param)
    if request.param == 1:
        monkeypatch.setattr(queries, "_MARKS", 0)  # pairs are sorted


@pytest.mark.usefixtures("_parts")
@settings(max_examples=6, phases=[Phase.generate])
@given(events=events_of_days(), seed=st.integers(0, 2**16))
def test_summaries_equal_a_plain_recount(events: list[dict[str, Any]], seed: int) -> None:
    shuffle = random.Random(seed)
    zone, first = events[0]["zone"], ZONES[events[0]["zone"]]
    conference = Conference.objects.create(id=uuid.uuid4().hex, name="Generated", time_zone=zone)
    now = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
    # Twice: at first a part of the events, summed up; then all, so that the rest is late and some come again.
    some = shuffle.sample(events, len(events) // 2)
    for batch in (some, shuffle.sample(events, len(events))):
        if batch:
            store_and_react([make_row(event, conference.id) for event in batch])
        refresh_dirty_days()
        last = first + dt.timedelta(days=DAYS - 1)
        get_summary(conference, first=first, last=last, now=now)

    for from_day, to_day in ((0, DAYS - 1), (1, 2), (2, 2)):
        ends = first + dt.timedelta(days=from_day), first + dt.timedelta(days=to_day)
        for filters in FILTERS:
            summary = get_summary(
                conference,
                first=ends[0],
                last=ends[1],
                filters=[Filter(*item) for item in filters],
                limit=100,
                now=now,
            )
            assert as_recounted(summary) == expected(events, zone, *ends, filters=filters), filters

    # A series by week: its visitors do not add up either. The first and the last days are in parts of weeks.
    summary = get_summary(conference, first=first - dt.timedelta(days=120), last=last, now=now)
    counted = [recount(events, zone, week.first, week.last) for week in summary.periods]
    assert [(week.pv, week.uv) for week in summary.periods] == [(week["pv"], week["uv"]) for week in counted]
    assert sum(week.pv for week in summary.periods) == summary.totals.pv

    elapsed = dt.timedelta(minutes=shuffle.randrange(23 * 60))
    for from_day, to_day in ((2, 3), (1, 1)):
        ends = first + dt.timedelta(days=from_day), first + dt.timedelta(days=to_day)
        now = dt.datetime.combine(ends[1], dt.time(), ZoneInfo(zone)).astimezone(dt.UTC) + elapsed
        summary = get_summary(conference, first=ends[0], last=ends[1], compare=True, now=now)
        compared = summary.comparison
        assert compared is not None
        before = recount(events, zone, compared.first, compared.last, until=compared.until)
        assert as_compared(compared) == {
            **{name: before[name] for name in ("pv", "uv", "visits", "bounces", "share_opens", "days")},
            "hours": before["hours"] if from_day == to_day else {},
        }


def as_compared(compared: Comparison) -> dict[str, Any]:
    totals = compared.totals
    return {
        "pv": totals.pv,
        "uv": totals.uv,
        "visits": totals.visits,
        "bounces": totals.bounces,
        "share_opens": totals.share_opens,
        "days": {
            day.date: (day.pv, day.uv, day.registrations, day.visits)
            for day in compared.days
            if day.pv or day.visits or day.registrations
        },
        "hours": {
            hour.begins_at.astimezone(dt.UTC): (hour.pv, hour.uv, hour.registrations)
            for hour in compared.hours
        },
    }
