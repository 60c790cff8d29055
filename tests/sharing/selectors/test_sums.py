"""Leaderboard, channels and timeline: order, ranges of days, and the cost of a page."""

import datetime as dt
from bisect import bisect_left
from collections import defaultdict
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conferences import services
from conferences.models import Conference
from sharing.models import CreditSum
from sharing.rules.credit_models import CREDIT_MODELS, SCALE
from sharing.selectors import quarters
from sharing.selectors.figures import count_day
from tests.sharing.api.test_api import Api, get, happen
from tests.sharing.cast import START_MS, opened, registered, share
from tests.sharing.plain import PlainTree
from tests.support.share_events import share_events

pytestmark = pytest.mark.django_db

DAY = 24 * 60


@pytest.fixture
def story(conference: Conference) -> None:
    """va's link brings vx on the first day and, through vb's, vy and vz on the second; vc's brings nobody."""
    happen(
        share(1, "va", "aaaa", channel="wechat"), share(2, "vb", "bbbb", "aaaa", channel="mail"),
        share(3, "vc", "cccc", channel="poster"), share(3, "vc", "dddd", channel="badge"),
        opened(4, "vx", "aaaa"), registered(5, "vx"),
        *(opened(DAY + 4, who, "bbbb") for who in ("vy", "vz")),
        *(registered(DAY + 5, who) for who in ("vy", "vz")),
    )  # fmt: skip


def table(answer: dict[str, Any], by: str) -> list[tuple[Any, ...]]:
    return [
        (item[by], item["credit"], item["registrations"], item["direct"], item["assisted"])
        for item in answer["results"]
    ]


SECOND_DAY = {"from": "2026-05-02", "to": "2026-05-02"}


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, [("va", 3.0, 3, 1, 2), ("vb", 2.0, 2, 2, 0)]),
        ({"to": "2026-05-01"}, [("va", 1.0, 1, 1, 0)]),
        # Equal credits sort by name.
        (SECOND_DAY, [("va", 2.0, 2, 0, 2), ("vb", 2.0, 2, 2, 0)]),
        ({"from": "2026-05-03"}, []),
        ({"model": "last_touch"}, [("vb", 2.0, 2, 2, 0), ("va", 1.0, 3, 1, 2)]),
        ({"model": "linear", **SECOND_DAY}, [("va", 1.0, 2, 0, 2), ("vb", 1.0, 2, 2, 0)]),
    ],
)
def test_the_leaderboard_covers_the_requested_days(
    story: None, api: Api, alice: User, params: dict[str, str], expected: list[tuple[Any, ...]]
) -> None:
    answer = get(api(alice), "leaderboard", **params)
    assert table(answer, "sharer") == expected
    assert answer["count"] == len(expected)
    shorter = get(api(alice), "leaderboard", page_size=1, **params)
    assert (table(shorter, "sharer"), shorter["count"]) == (expected[:1], len(expected))


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, [("wechat", 3.0, 3, 1, 2), ("mail", 2.0, 2, 2, 0)]),
        ({"to": "2026-05-01"}, [("wechat", 1.0, 1, 1, 0), ("mail", 0.0, 0, 0, 0)]),
        ({"model": "last_touch"}, [("mail", 2.0, 2, 2, 0), ("wechat", 1.0, 3, 1, 2)]),
    ],
)
def test_channels_without_credit_come_last(
    story: None, api: Api, alice: User, params: dict[str, str], expected: list[tuple[Any, ...]]
) -> None:
    answer = get(api(alice), "channels", **params)
    nothing = [("badge", 0.0, 0, 0, 0), ("poster", 0.0, 0, 0, 0)]
    credited = [item for item in expected if item[1]]
    without = sorted([item for item in expected if not item[1]] + nothing)
    assert table(answer, "channel") == credited + without
    assert answer["count"] == 4
    assert {item["channel"]: (item["links"], item["opens"]) for item in answer["results"]} == {
        "wechat": (1, 1), "mail": (1, 2), "poster": (1, 0), "badge": (1, 0),
    }  # fmt: skip
    assert table(get(api(alice), "channels", page_size=3, **params), "channel") == (credited + without)[:3]


def test_a_registration_counts_once_per_channel(conference: Conference, api: Api, alice: User) -> None:
    happen(share(1, "va", "aaaa", channel="mail"), share(2, "vb", "bbbb", "aaaa", channel="mail"))
    happen(opened(3, "vx", "bbbb"), registered(4, "vx"))
    assert table(get(api(alice), "channels"), "channel") == [("mail", 2.0, 1, 1, 1)]


BAD_PAGES = [{"page_size": 0}, {"page_size": 1001}, {"page_size": "x"}, {"cursor": "x"}, {"cursor": "WzFd"}]


@pytest.mark.parametrize("params", BAD_PAGES)
@pytest.mark.parametrize("path", ["leaderboard", "channels"])
def test_a_bad_page_is_rejected(
    conference: Conference, api: Api, alice: User, path: str, params: dict[str, Any]
) -> None:
    response = api(alice).get(f"/api/sharing/{path}", {"conference_id": "summit", **params})
    assert response.status_code == 400
    assert next(iter(params)) in response.json()["error"]["details"]


def read_pages(client: Any, path: str, size: int, **params: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = get(client, path, page_size=size, cursor=cursor, **params)
        assert len(page["results"]) == size or page["next"] is None
        rows += page["results"]
        cursor = page["next"]
    return rows


WAYS = [(path, by, days) for path, by in (("leaderboard", "sharer"), ("channels", "channel"))
        for days in ({}, {"from": "1970-01-01"}, SECOND_DAY)]  # fmt: skip


@pytest.mark.parametrize("model", list(CREDIT_MODELS))
@pytest.mark.parametrize(("path", "by", "days"), WAYS)
def test_pages_of_any_size_have_the_same_rows_and_ranks(
    story: None, api: Api, alice: User, path: str, by: str, days: dict[str, str], model: str
) -> None:
    whole = get(api(alice), path, model=model, **days)
    assert whole["next"] is None
    assert len(whole["results"]) == whole["count"]
    for size in (1, 2, 3):
        assert read_pages(api(alice), path, size, model=model, **days) == whole["results"]
    credits = [row["credit"] for row in whole["results"]]
    assert [row["rank"] for row in whole["results"]] == [
        1 + sum(other > credit for other in credits) for credit in credits
    ]


@pytest.mark.parametrize("days", [{}, {"from": "1970-01-01"}], ids=["all time", "a range"])
def test_equal_sums_of_parts_share_a_rank(
    conference: Conference, api: Api, alice: User, days: dict[str, str]
) -> None:
    """Three thirds are one, and 2,203 fifths are 440.6, not 440.599999999997."""
    happen(
        share(1, "va", "aaaa"), share(2, "vb", "bbbb", "aaaa"), share(3, "vc", "cccc", "bbbb"),
        share(1, "one", "eeee"), opened(4, "x", "eeee"), registered(5, "x"),
        *(opened(4, f"v{n}", "cccc") for n in range(3)), *(registered(5, f"v{n}") for n in range(3)),
    )  # fmt: skip
    rows = get(api(alice), "leaderboard", model="linear", **days)["results"]
    assert [(row["rank"], row["sharer"], row["credit"]) for row in rows] == [
        (1, "one", 1.0), (1, "va", 1.0), (1, "vb", 1.0), (1, "vc", 1.0),
    ]  # fmt: skip
    happen(
        *(share(10 + n, f"w{n}", f"way{n}", f"way{n - 1}" if n else "") for n in range(5)),
        *(opened(20, f"y{n}", "way4") for n in range(2203)), *(registered(21, f"y{n}") for n in range(2203)),
    )  # fmt: skip
    top = get(api(alice), "leaderboard", model="linear", page_size=6, **days)["results"]
    assert [(row["rank"], row["credit"]) for row in top] == [(1, 440.6)] * 5 + [(6, 1.0)]


@pytest.mark.parametrize("days", [{}, {"from": "1970-01-01"}], ids=["all time", "a range"])
@pytest.mark.parametrize("model", list(CREDIT_MODELS))
def test_the_leaderboard_matches_the_plain_implementation(
    conference: Conference,
    api: Api,
    alice: User,
    model: str,
    days: dict[str, str],
    django_assert_max_num_queries: Any,
) -> None:
    events = list(share_events(links=300, seed=5, conference_id="summit", opens_per_link=4))
    happen(*events)
    plain = PlainTree(events)
    shared_ms = {event["share_code"]: event["ts"] for event in reversed(events) if event["type"] == "share"}
    registered_ms = {
        event["registration_id"]: event["ts"] for event in events if event["type"] == "registration"
    }
    credit: dict[str, float] = defaultdict(float)
    counts: dict[str, int] = defaultdict(int)
    for registration_id, chain in plain.credits.items():
        ages = [registered_ms[registration_id] - shared_ms[code] for code, _ in chain]
        for (code, _), weight in zip(chain, CREDIT_MODELS[model].weigh(ages), strict=True):
            credit[plain.sharers[code]] += weight
            counts[plain.sharers[code]] += 1
    assert len(counts) > 50
    with django_assert_max_num_queries(12):
        answer = get(api(alice), "leaderboard", model=model, page_size=1000, **days)
    found = {item["sharer"]: item for item in answer["results"]}
    assert {name: item["registrations"] for name, item in found.items()} == counts
    assert {name: item["credit"] for name, item in found.items()} == pytest.approx(credit)
    order = [item["credit"] for item in answer["results"]]
    assert order == sorted(order, reverse=True)


@pytest.mark.parametrize("model", list(CREDIT_MODELS))
def test_sharers_without_credit_under_the_model_come_last_by_name(
    conference: Conference, api: Api, alice: User, model: str
) -> None:
    happen(*share_events(links=150, seed=5, conference_id="summit", opens_per_link=4))
    sums = CreditSum.objects.filter(kind="sharer").values_list("name", CreditSum.column_of(model))
    expected = sorted(sums, key=lambda row: (-row[1], row[0]))
    highest = [units for _, units in expected]
    without = highest.count(0)
    assert len(expected) > 40
    if model == "first_touch":
        assert 0 < len(expected) - without < 7 < without
    ranks = [1 + bisect_left(highest, -units, key=lambda other: -other) for units in highest]
    for size in (1, 7, 30, len(expected)):
        rows = read_pages(api(alice), "leaderboard", size, model=model)
        assert [(row["rank"], row["sharer"]) for row in rows] == [
            (rank, name) for rank, (name, _) in zip(ranks, expected, strict=True)
        ]
        assert [row["credit"] for row in rows] == [units / SCALE for units in highest]


PART = {"from": "2026-05-01", "to": "2026-05-02"}


def spread_events(days: int = 3) -> list[dict[str, Any]]:
    return list(share_events(links=300, seed=5, conference_id="summit", opens_per_link=4, hours=24 * days))


@pytest.mark.parametrize("model", list(CREDIT_MODELS))
def test_a_range_is_the_same_whether_it_is_remembered_or_not(
    conference: Conference, api: Api, alice: User, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    happen(*spread_events())
    kept = get(api(alice), "leaderboard", model=model, **PART)
    pages = {size: read_pages(api(alice), "leaderboard", size, model=model, **PART) for size in (1, 7, 50)}
    monkeypatch.setattr(quarters, "MOST_ROWS", 0)
    assert get(api(alice), "leaderboard", model=model, **PART) == kept
    assert 20 < kept["count"] < get(api(alice), "leaderboard", model=model)["count"]
    for size, rows in pages.items():
        assert rows == kept["results"] == read_pages(api(alice), "leaderboard", size, model=model, **PART)


def test_only_changed_quarter_hours_are_read_again(
    conference: Conference, api: Api, alice: User, django_assert_max_num_queries: Any
) -> None:
    happen(*spread_events())
    start_ms, end_ms = START_MS, START_MS + 2 * DAY * 60_000
    with CaptureQueriesContext(connection) as first:
        before = quarters.add_up_days("summit", "full", start_ms, end_ms)
    assert len(first) > 2
    with django_assert_max_num_queries(1):
        quarters.add_up_days("summit", "full", start_ms, end_ms)
    happen(opened(DAY, "new", "L0"), share(DAY - 1, "va", "late"), opened(DAY, "vx", "late"))
    happen(registered(DAY + 1, "vx"))
    with django_assert_max_num_queries(3):  # what has changed, it, and whether it still is what it was
        after = quarters.add_up_days("summit", "full", start_ms, end_ms)
    assert before is not None
    assert after is not None
    assert after.count() == before.count() + 1


def test_a_process_remembers_a_bounded_number_of_sums(
    conference: Conference, monkeypatch: pytest.MonkeyPatch
) -> None:
    happen(*spread_events())
    credits = CreditSum.objects.get(kind="total").credits
    monkeypatch.setattr(quarters, "MOST_ROWS", credits)
    for model in CREDIT_MODELS:
        assert quarters.add_up_days("summit", model, None, None) is not None
        assert 0 < sum(each.rows for each in quarters._remembered.values()) <= credits


# --- Days ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "hours"), [("Europe/Berlin", 23), ("Australia/Lord_Howe", 24.5), ("Asia/Shanghai", 24)]
)
def test_the_timeline_counts_long_and_short_days(
    alice: User, api: Api, zone: str, hours: float, django_assert_max_num_queries: Any
) -> None:
    """Berlin's clocks go forward an hour on 2026-03-29, Lord Howe's back half an hour on 2026-04-05."""
    services.create_conference(owner=alice, id="summit", name="Summit", time_zone=zone)
    changed = {"Europe/Berlin": dt.date(2026, 3, 29), "Australia/Lord_Howe": dt.date(2026, 4, 5)}
    day = changed.get(zone, dt.date(2026, 4, 1))
    start = dt.datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    minute = (start.timestamp() * 1000 - START_MS) / 60_000
    length = hours * 60
    # Links in the first and last minute of the day, and just outside of it.
    happen(*(share(minute + at, "va", f"at{n:02}") for n, at in enumerate((-1, 0, length - 1, length))))
    happen(opened(minute + 1, "vb", "at01"), registered(minute + length - 0.5, "vb"))
    client = api(alice)
    with django_assert_max_num_queries(6):
        year = get(client, "timeline", **{"from": "2026-01-01", "to": "2026-12-31"})["results"]
    assert [item["date"] for item in year] == [
        (dt.date(2026, 1, 1) + dt.timedelta(days=n)).isoformat() for n in range(365)
    ]
    found = {item["date"]: (item["shares"], item["share_conversions"]) for item in year}
    assert {date: figures for date, figures in found.items() if any(figures)} == {
        (day - dt.timedelta(days=1)).isoformat(): (1, 0),
        day.isoformat(): (2, 1),
        (day + dt.timedelta(days=1)).isoformat(): (1, 0),
    }
    assert count_day("summit", day) == {"shares": 2, "share_conversions": 1}
