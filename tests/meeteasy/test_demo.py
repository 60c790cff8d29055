"""`manage.py demo`: a believable history, made again without doubling, played and removed."""

import datetime as dt
import random
import re
from collections import Counter
from typing import Any

import httpx
import msgspec
import pytest
from django.contrib.auth.models import User

from analytics.events.lines import LineReader
from analytics.events.parsing import parse_event
from analytics.models import DailySummary, Event
from conferences.models import CheckIn, Conference, Registration
from meeteasy.demo import facts
from meeteasy.demo.history import DEEPEST, History, invent_history
from meeteasy.demo.making import find_demos, free_id, make_demo, remove_demos
from meeteasy.demo.playing import MOST_PER_SECOND, Player
from notifications.models import Notification
from sharing.models import Credit, ShareLink

DOORS = dt.datetime(2026, 5, 20, 1, tzinfo=dt.UTC)
NOW = DOORS + dt.timedelta(days=1, hours=6)


def invent(**other: Any) -> History:
    given = {"doors": DOORS, "now": NOW, "visitors": 1200, "seed": 7, **other}
    return invent_history("demo", **given)


@pytest.fixture(scope="module")
def history() -> History:
    return invent()


def test_a_history_depends_on_its_seed_alone(history: History) -> None:
    assert invent() == history
    assert invent(seed=8).events != history.events
    earlier = invent(now=NOW - dt.timedelta(days=9))
    known = {event["event_id"]: event for event in history.events}
    assert len(earlier.events) < len(known)
    assert all(known[event["event_id"]] == event for event in earlier.events)


def test_a_history_is_believable(history: History) -> None:
    kinds = Counter(event["type"] for event in history.events)
    assert kinds["page_view"] > 10 * kinds["share"] > 100
    assert any(event.get("is_bot") for event in history.events)
    assert sum(event["received_at"] > event["ts"] for event in history.events) > 50
    assert sum("utm_campaign=" in event.get("url", "") for event in history.events) > 20
    names = [item.person.name for item in history.attendees]
    chinese = sum(bool(re.search("[一-龥]", name)) for name in names)
    assert 0.5 < chinese / len(names) < 0.9
    assert len({item.person.email for item in history.attendees}) == len(names)
    assert any(item.arrived_at for item in history.attendees)
    assert any(item.cancelled_at for item in history.attendees)
    assert max(max(event["ts"], event["received_at"]) for event in history.events) <= NOW


def test_chains_of_shares_are_ten_deep(history: History) -> None:
    parents = {
        event["share_code"]: event.get("parent_share_code")
        for event in history.events
        if event["type"] == "share"
    }

    def depth(code: str | None) -> int:
        return 0 if code is None else 1 + depth(parents[code])

    assert max(map(depth, parents)) == DEEPEST >= 10


def test_every_line_is_a_valid_event(history: History) -> None:
    lines = list(enumerate(map(msgspec.json.encode, history.events)))
    rows = LineReader().read_many(lines)
    assert rows is not None
    assert {row.is_bot for _, row in rows} == {True, False}
    proven = [row for _, row in rows if row.type == "share" and row.decode_data().get("proven")]
    assert len(proven) == sum(row.type == "share" for _, row in rows) > 0


def count_everything() -> dict[str, Any]:
    return {
        model.__name__: model.objects.count()
        for model in (Conference, Event, Registration, CheckIn, ShareLink, Credit, Notification)
    }


def say_nothing(text: str) -> None:
    """Nobody listens."""


@pytest.mark.django_db
def test_a_demo_made_again_adds_nothing(alice: User, django_capture_on_commit_callbacks: Any) -> None:
    demo = make_demo(owner=alice, tell=say_nothing, scale=0.06, prepare=False)
    counts = count_everything()
    assert counts["Registration"] > 15
    assert counts["CheckIn"] > 5
    assert counts["ShareLink"] > 10
    assert Registration.objects.filter(answers__track__in=list(facts.TRACKS)).count() > 15
    assert not Notification.objects.exclude(status=Notification.Status.SENT).exists()
    assert sum(day.figures["pv"] for day in DailySummary.objects.filter(conference_id=demo.id)) > 500
    days = [day.figures["registrations"] for day in DailySummary.objects.filter(conference_id=demo.id)]
    standing = Registration.objects.filter(conference=demo, state=Registration.State.APPROVED)
    assert sum(days) == standing.count()
    assert find_demos()[0] == demo

    again = make_demo(owner=alice, tell=say_nothing, scale=0.06, prepare=False)
    assert again == demo
    later = count_everything()
    assert {**later, "Event": counts["Event"]} == counts
    # What happened in these seconds of the conference's second day may have come.
    assert 0 <= later["Event"] - counts["Event"] < 20


@pytest.mark.django_db
def test_removing_the_demo_leaves_other_conferences(conference: Conference, alice: User) -> None:
    own = Conference.objects.create(id="demo", name="A real conference of this name")
    made = make_demo(owner=alice, tell=say_nothing, scale=0.01, prepare=False)
    assert made.id == "demo-2"
    assert remove_demos(tell=say_nothing) == 2
    assert set(Conference.objects.values_list("id", flat=True)) == {own.id, conference.id}
    assert not Event.objects.exists()
    assert remove_demos(tell=say_nothing) == 0
    assert free_id() == "demo-3", "a deleted conference's id is never given again"


class Server:
    """Takes what a player sends; `refuse` answers the next request with 429."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.registered: list[dict[str, Any]] = []
        self.refuse = False

    def answer(self, request: httpx.Request) -> httpx.Response:
        body = msgspec.json.decode(request.content)
        if self.refuse:
            self.refuse = False
            return httpx.Response(429, headers={"Retry-After": "7"})
        if request.url.path == "/api/analytics/events":
            self.events += body["events"]
            return httpx.Response(202, json={"accepted": len(body["events"]), "rejected": []})
        assert request.url.path == "/api/conferences/demo/registrations"
        self.registered.append(body)
        return httpx.Response(201, json={"receipt": "rct_1"})


def play(server: Server, *, visitors: int, registers: bool = True) -> tuple[Player, list[float]]:
    pauses: list[float] = []
    client = httpx.Client(transport=httpx.MockTransport(server.answer), base_url="http://demo.example")
    player = Player(
        client, "demo", registers=registers, chance=random.Random(3), sleep=pauses.append, clock=lambda: 0.0
    )
    player.play(per_second=1000, until=lambda: player.played.visitors >= visitors)
    return player, pauses


def test_played_visitors_send_valid_events_at_a_bounded_rate() -> None:
    server = Server()
    player, pauses = play(server, visitors=300)
    kinds = {parse_event(event).__struct_config__.tag for event in server.events}
    assert kinds == {"page_view", "share", "share_open", "registration"}
    assert sum(pauses) == pytest.approx(300 / MOST_PER_SECOND)
    assert len(server.registered) == player.played.registrations > 10
    assert all(body["email"].endswith("@example.com") for body in server.registered)
    assert play(Server(), visitors=300, registers=False)[0].played.registrations == 0


def test_a_player_waits_as_long_as_the_server_asks() -> None:
    server = Server()
    server.refuse = True
    player, pauses = play(server, visitors=2)
    assert 7.0 in pauses
    assert player.played.refused == 1
