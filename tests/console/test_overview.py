"""The overview: the same figures as everywhere, ranges, comparison, filters, panels, and its curve."""

import datetime as dt
import re
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.http import QueryDict
from django.utils import timezone

from analytics.days import summaries
from analytics.models import DailySummary
from analytics.ranges.filters import Filter
from analytics.ranges.results import PANELS
from analytics.ranges.segments import NotReadyError
from conferences import services
from conferences.models import Conference
from console import panels
from console.asking import read_asked
from console.selectors import overview
from console.services.digests import write_due
from tests.console.builders import DAY, NOON, build_branch, registered, store
from tests.console.conftest import Browser
from tests.console.test_digests import subscribe
from tests.console.test_signing_in import send_waiting_mails

pytestmark = pytest.mark.django_db

PAGE = "/console/c/summit/"
DAYS = {"from": "2026-05-01", "to": "2026-05-01"}


def view(event_id: str, visitor: str, at: dt.datetime, **fields: Any) -> dict[str, Any]:
    return {"event_id": event_id, "type": "page_view", "visitor_id": visitor, "ts": at, **fields}


def read(conference: Conference, query: str, *, now: dt.datetime) -> dict[str, Any]:
    """What the page shows, at a time of the test's."""
    asked = read_asked(conference, QueryDict(query), now=now)
    return overview.read_overview(conference, asked, opens=overview.no_page)


def test_overview_live_api_csv_and_digest_say_the_same(
    conference: Conference, alice: User, browser: Browser, api: Any
) -> None:
    now = timezone.now()
    store(
        *(view(f"v{n}", f"w{n % 2}", now - dt.timedelta(seconds=9 - n)) for n in range(3)),
        {"event_id": "s1", "type": "share", "share_code": "adaA1", "visitor_id": "w0", "ts": now},
    )  # fmt: skip
    registered(conference, "Ada", "w0", at=(now - NOON) // dt.timedelta(minutes=1))
    today = read_asked(conference, QueryDict("range=today")).span.today
    summaries.compute_range("summit", today, today)
    names = ("pv", "uv", "registrations", "checkins")
    page = browser(alice).get(PAGE, {"range": "today"})
    tiles = page.context["tiles"]
    shown = [tiles[name]["now"] for name in ("views", "visitors", "registrations", "checkins")]
    assert shown == [3, 2, 1, 0]
    query = f"conference_id=summit&from={today}&to={today}"
    client = api(alice)
    totals = client.get(f"/api/analytics/summary?{query}").json()["totals"]
    (daily,) = client.get(f"/api/analytics/daily?{query}").json()["results"]
    live = client.get("/api/analytics/live?conference_id=summit").json()
    csv = b"".join(client.get(f"/api/analytics/daily?{query}&format=csv").streaming_content)
    head, row = (line.split(",") for line in csv.decode("utf-8-sig").splitlines())
    of_csv = dict(zip(head, map(str, row), strict=True))
    for source in (totals, daily, live):
        assert [source[name] for name in names] == shown
    assert [of_csv[name] for name in names] == list(map(str, shown))
    assert read_digest(alice, of=today) == shown
    (item,) = page.context["chart"]["items"][-1:]
    assert sum(item["value"] for item in page.context["chart"]["items"]) >= item["value"]
    (glance,) = browser(alice).get("/console/").context["glances"]
    assert glance["glance"].registrations == 1
    snapshot = browser(alice).get(f"{PAGE}live/").context["snapshot"]
    assert snapshot["attendance"]["registered"] == 1


def read_digest(user: User, *, of: dt.date) -> list[int]:
    """Visitors, page views, registrations and check-ins as the mail about a day says them."""
    subscribe(user)
    zone = ZoneInfo("Asia/Shanghai")
    write_due(now=dt.datetime.combine(of + dt.timedelta(days=1), dt.time(8, 1), tzinfo=zone))
    send_waiting_mails()
    (sent,) = mail.outbox
    found = dict(re.findall(r"^([A-Z][a-z -]+): (\d+) \(", str(sent.body), re.M))
    return [int(found[name]) for name in ("Page views", "Visitors", "Registrations", "Check-ins")]


def test_a_visitor_of_two_days_counts_once(conference: Conference, alice: User, browser: Browser) -> None:
    later = NOON + dt.timedelta(days=1)
    store(view("a", "v1", NOON), view("b", "v1", later), view("c", "v2", later))
    summaries.compute_range("summit", DAY, DAY + dt.timedelta(days=1))
    context = browser(alice).get(PAGE, {"from": "2026-05-01", "to": "2026-05-02"}).context
    assert context["tiles"]["visitors"]["now"] == 2
    assert [item["value"] for item in context["chart"]["items"]] == [1, 2]


def enter(number: int, day: int) -> dict[str, Any]:
    """A check-in that another system's door reports, `day` days after 1 May."""
    at = NOON + dt.timedelta(days=day)
    return {"event_id": f"c{number}-{day}", "type": "checkin", "ts": at, "registration_id": f"r{number}"}


def test_who_came_each_day_is_shown_of_conferences_of_several_days(
    conference: Conference, alice: User, browser: Browser
) -> None:
    store(enter(1, 0), enter(1, 1), enter(2, 1), enter(3, 1))
    last = DAY + dt.timedelta(days=1)
    summaries.compute_range("summit", DAY, last)
    asked = {"from": f"{DAY}", "to": f"{last}", "figure": "present", "by": "hour"}
    shown = browser(alice).get(PAGE, asked)
    assert shown.context["present"] is None
    assert "Came that day</th>" not in shown.content.decode()

    start = NOON - dt.timedelta(hours=3)
    services.update_conference(conference, starts_at=start, ends_at=start + dt.timedelta(days=1, hours=8))
    shown = browser(alice).get(PAGE, asked)
    assert (shown.context["present"].date, shown.context["present"].present) == (last, 3)
    assert [item["value"] for item in shown.context["chart"]["items"]] == [1, 3], "by day, whatever was asked"
    assert shown.context["tiles"]["checkins"]["now"] == 3
    assert "Came that day</th>" in shown.content.decode()
    daily = browser(alice).get(f"/api/analytics/daily?conference_id=summit&from={DAY}&to={last}").json()
    assert [row["present"] for row in daily["results"]] == [1, 3]
    csv = browser(alice).get(f"/api/analytics/daily?conference_id=summit&from={DAY}&to={last}&format=csv")
    head, *rows = [line.split(",") for line in b"".join(csv.streaming_content).decode().splitlines()]
    assert [row[head.index("present")] for row in rows] == ["1", "3"]


def test_the_unfinished_day_is_compared_with_the_same_hours(conference: Conference) -> None:
    yesterday = NOON - dt.timedelta(days=1)
    store(
        view("early", "v1", yesterday - dt.timedelta(hours=1)),
        view("late", "v2", yesterday + dt.timedelta(hours=1)), view("now", "v3", NOON),
    )  # fmt: skip
    summaries.compute_range("summit", DAY - dt.timedelta(days=1), DAY)
    for query in ("range=today", "range=today&by=day"):
        shown = read(conference, query, now=NOON + dt.timedelta(seconds=1))
        assert (shown["tiles"]["views"]["now"], shown["tiles"]["views"]["before"]) == (1, 1)
        hatched = [item for item in shown["chart"]["items"] if item["is_unfinished"]]
        assert [item["value"] for item in hatched] == [1]
    later = NOON + dt.timedelta(days=3)
    shown = read(conference, f"from={DAY}&to={DAY}&by=day", now=later)
    assert shown["tiles"]["views"]["before"] == 2
    assert not any(item["is_unfinished"] for item in shown["chart"]["items"])


def test_hours_of_a_day_stand_beside_those_before(conference: Conference) -> None:
    yesterday = NOON - dt.timedelta(days=1)
    store(view("a", "v1", NOON), view("b", "v2", yesterday), view("c", "v3", yesterday))
    summaries.compute_range("summit", DAY - dt.timedelta(days=1), DAY)
    chart = read(conference, f"from={DAY}&to={DAY}", now=NOON + dt.timedelta(days=3))["chart"]
    assert (chart["by"], len(chart["items"])) == ("hour", 24)
    assert [(item["at"].hour, item["value"], item["was"]) for item in chart["items"] if item["value"]] == [
        (12, 1, 2)
    ]


@pytest.mark.parametrize(("days", "by", "bars"), [(120, "day", 120), (121, "week", 18), (841, "month", 29)])
def test_long_ranges_have_a_bar_a_week_or_month_with_each_visitor_once(
    conference: Conference, days: int, by: str, bars: int
) -> None:
    last = DAY + dt.timedelta(days=1)  # a Saturday, 2 May
    first = last - dt.timedelta(days=days - 1)
    store(
        view("a", "v1", NOON), view("b", "v1", NOON + dt.timedelta(days=1)),
        view("c", "v2", NOON), view("d", "v1", NOON - dt.timedelta(days=60)),
    )  # fmt: skip
    for of_day in (DAY - dt.timedelta(days=60), DAY, last):
        summaries.compute_range("summit", of_day, of_day)
    for query in ("", "&filter=page:contains:/"):
        shown = read(conference, f"from={first}&to={last}{query}", now=NOON + dt.timedelta(days=9))
        chart = shown["chart"]
        assert (chart["by"], len(chart["items"])) == (by, bars)
        assert sum(item["point"].pv for item in chart["items"]) == shown["tiles"]["views"]["now"] == 4
        assert shown["tiles"]["visitors"]["now"] == 2
        counted = [item["value"] for item in chart["items"] if item["value"]]
        assert counted == ([1, 2, 1] if by == "day" else [1, 2])
        last_bar = chart["items"][-1]
        opened = read(conference, last_bar["query"][1:], now=NOON + dt.timedelta(days=9))
        assert opened["tiles"]["visitors"]["now"] == last_bar["value"]


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("today", "2026-05-01", "2026-05-01"), ("yesterday", "2026-04-30", "2026-04-30"),
        ("7", "2026-04-25", "2026-05-01"), ("28", "2026-04-04", "2026-05-01"),
        ("90", "2026-02-01", "2026-05-01"), ("all", "2026-04-20", "2026-05-01"),
    ],
)  # fmt: skip
def test_named_ranges_end_today_in_the_zone(conference: Conference, name: str, first: str, last: str) -> None:
    store(view("a", "v1", NOON - dt.timedelta(days=11)))
    summaries.compute_range("summit", DAY - dt.timedelta(days=11), DAY)
    DailySummary.objects.filter(date=DAY).delete()
    # Late in the evening of the day before in UTC, it is the day's morning in Shanghai.
    now = dt.datetime(2026, 4, 30, 23, tzinfo=dt.UTC)
    span = read_asked(conference, QueryDict(f"range={name}"), now=now).span
    assert (f"{span.first}", f"{span.last}") == (first, last)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"from": "x", "to": "2026-05-01"}, "From"), ({"from": "2026-05-02", "to": "2026-05-01"}, "From"),
        ({"from": "2026-05-01", "to": "soon"}, "To"), ({"from": "1990-01-01", "to": "2026-05-01"}, "From"),
        ({"range": "99"}, "range"),
    ],
)  # fmt: skip
def test_a_senseless_range_is_named_and_the_usual_one(
    conference: Conference, alice: User, browser: Browser, query: dict[str, str], named: str
) -> None:
    answer = browser(alice).get(PAGE, query)
    span = answer.context["span"]
    assert (span.name, span.days) == ("28", 28)
    (problem,) = answer.context["asked"].problems
    assert named in problem
    assert 'role="alert"' in answer.content.decode()


def test_a_filter_holds_for_everything_and_its_csv(
    conference: Conference, alice: User, browser: Browser, api: Any
) -> None:
    store(
        view("a", "v1", NOON, page="/agenda"), view("b", "v1", NOON + dt.timedelta(minutes=1), page="/"),
        view("c", "v2", NOON, page="/venue"),
    )  # fmt: skip
    summaries.compute_range("summit", DAY, DAY)
    answer = browser(alice).get(PAGE, {**DAYS, "filter": "page:is:/agenda"})
    context = answer.context
    assert (context["tiles"]["views"]["now"], context["funnel"][0]["count"]) == (2, 1)
    pages = context["cards"][0][0]
    assert [(row["label"], row["is_chosen"]) for row in pages["rows"]] == [("/", False), ("/agenda", True)]
    assert sum(item["value"] for item in context["chart"]["items"]) == 1
    html = answer.content.decode()
    start = html.index("/api/analytics/summary?")
    address = html[start : html.index('"', start)].replace("&amp;", "&")
    csv = b"".join(browser(alice).get(address).streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    assert csv.splitlines() == ["value,count,visitors", "/,1,1", "/agenda,1,1"]


def test_rows_add_filters_and_chips_remove_them(
    conference: Conference, alice: User, browser: Browser
) -> None:
    store(view("a", "v1", NOON, page="/agenda"), view("c", "v2", NOON, page="/venue"))
    summaries.compute_range("summit", DAY, DAY)
    client = browser(alice)
    (row, _other) = client.get(PAGE, DAYS).context["cards"][0][0]["rows"]
    filtered = client.get(PAGE + row["query"]).context
    assert filtered["asked"].filters == (Filter("page", "is", "/agenda"),)
    (chip,) = filtered["chips"]
    assert client.get(PAGE + chip["without"]).context["asked"].filters == ()
    assert filtered["cards"][0][0]["rows"][0]["query"] == chip["without"]
    found = client.get(PAGE, {**DAYS, "dimension": "page", "contains": "VEN"}).context
    assert [row["label"] for row in found["cards"][0][0]["rows"]] == ["/venue"]


@pytest.mark.parametrize("text", ["page", "colour:is:red", "page:contains:", "page:is:" + "x" * 600])
def test_an_odd_filter_is_left_out_and_named(
    conference: Conference, alice: User, browser: Browser, text: str
) -> None:
    asked = browser(alice).get(PAGE, {**DAYS, "filter": [text, "page:is:/"]}).context["asked"]
    assert asked.filters == (Filter("page", "is", "/"),)
    assert text[:20] in asked.problems[0]


def test_bots_are_hidden_and_shown_apart(conference: Conference, alice: User, browser: Browser) -> None:
    store(view("a", "v1", NOON), {**view("bot", "v9", NOON, page="/crawled"), "bot": True})
    summaries.compute_range("summit", DAY, DAY)
    context = browser(alice).get(PAGE, DAYS).context
    assert (context["tiles"]["visitors"]["now"], context["summary"].totals.bots) == (1, 1)
    shown = browser(alice).get(f"{PAGE}figures/bots/", DAYS).context
    assert (shown["total"], [row["page"] for row in shown["rows"]]) == (1, ["/crawled"])


@pytest.mark.parametrize(
    ("name", "count"), [("visitors", 1), ("views", 1), ("registrations", 5), ("opens", 3), ("checkins", 0)]
)
def test_a_figure_opens_what_it_consists_of(
    conference: Conference, alice: User, browser: Browser, name: str, count: int
) -> None:
    build_branch(conference)
    tile = browser(alice).get(PAGE, DAYS).context["tiles"][name]
    assert tile["now"] == count
    shown = browser(alice).get(tile["url"]).context
    assert (shown["total"], len(shown["rows"])) == (count, count)


def test_registrations_open_to_people_with_a_page(
    conference: Conference, alice: User, browser: Browser
) -> None:
    build_branch(conference)
    client = browser(alice)
    answer = client.get(f"{PAGE}figures/registrations/", DAYS)
    people = answer.context["people"]
    assert [person["name"] for person in people][:2] == ["Eve Eder", "Dan Damm"]
    assert f'href="{PAGE}people/{people[0]["id"]}/"' in answer.content.decode()
    assert client.get(f"{PAGE}figures/registrations/", {"range": "today"}).context["people"] == []


def test_lists_of_events_go_on(conference: Conference, alice: User, browser: Browser) -> None:
    store(*(view(f"e{n:02}", "v1", NOON + dt.timedelta(seconds=n), page=f"/{n}") for n in range(60)))
    summaries.compute_range("summit", DAY, DAY)
    client = browser(alice)
    first = client.get(f"{PAGE}figures/views/", DAYS).context
    second = client.get(f"{PAGE}figures/views/", {**DAYS, "page": "2"}).context
    assert [row["page"] for row in (*first["rows"], *second["rows"])] == [f"/{n}" for n in range(59, -1, -1)]
    assert (first["may_go_on"], second["may_go_on"]) == (True, False)


def test_a_panel_has_others_and_a_page_of_all(conference: Conference, alice: User, browser: Browser) -> None:
    store(*(view(f"e{n:02}", "v1", NOON, page=f"/{n:02}") for n in range(13)))
    summaries.compute_range("summit", DAY, DAY)
    pages = browser(alice).get(PAGE, DAYS).context["cards"][0][0]
    assert (len(pages["rows"]), pages["others"], pages["others_count"]) == (10, 3, 3)
    whole = browser(alice).get(f"{PAGE}panels/pages/", DAYS).context["panel"]
    assert (len(whole["rows"]), whole["others"]) == (13, 0)


def test_values_have_names_for_people() -> None:
    shown = [panels.label_value(*item) for item in (("country", "CN"), ("group", "search"), ("page", "/"))]
    assert shown == ["China", "Search", "/"]


def test_every_panel_of_the_summary_has_a_place() -> None:
    assert set(panels.KINDS) == set(PANELS)


def test_days_before_the_first_visit_have_no_line(conference: Conference) -> None:
    store(view("a", "v1", NOON - dt.timedelta(days=3)), view("b", "v2", NOON))
    summaries.compute_range("summit", DAY - dt.timedelta(days=3), DAY)
    first, last = DAY - dt.timedelta(days=1), DAY + dt.timedelta(days=1)
    chart = read(conference, f"from={first}&to={last}", now=NOON + dt.timedelta(days=5))["chart"]
    assert [item["was"] for item in chart["items"]] == [None, 1, 0]


def test_a_range_that_takes_long_says_so(
    conference: Conference, alice: User, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise NotReadyError("the first days")

    monkeypatch.setattr("analytics.selectors.summary.ensure_days", refuse)
    answer = browser(alice).get(PAGE)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "These days are being summed up" in answer.content.decode()


def test_the_curve_stands_beside_an_earlier_conference(
    conference: Conference, alice: User, browser: Browser
) -> None:
    build_branch(conference)
    doors = NOON + dt.timedelta(days=10)
    services.update_conference(conference, starts_at=doors, capacity=8)
    services.create_conference(
        owner=alice, id="former", name="Former", time_zone="UTC", starts_at=doors - dt.timedelta(days=365)
    )
    DailySummary.objects.create(
        id="former:2025-04-21", conference_id="former", date=dt.date(2025, 4, 21),
        figures={"registrations": 3}, computed_at=NOON,
    )  # fmt: skip
    curve = browser(alice).get(PAGE).context["doors"]
    assert (curve["total"], curve["other"].id, curve["capacity_y"]) == (5, "former", 0.0)
    assert curve["table"] == [
        {"left": 20, "registered": 0, "then": 3}, {"left": 10, "registered": 5, "then": 3},
        {"left": 0, "registered": 5, "then": 3},
    ]  # fmt: skip
