"""Attacks of a cheating sharer with curl, through validation and the store."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.test import APIClient

from analytics import own_events
from analytics.days.summaries import refresh_dirty_days
from analytics.event_types.share import prove_code
from analytics.events.clock import now_ms
from analytics.events.rows import EventRow
from analytics.events.validation import Client, make_row, parse_event
from analytics.models import DailySummary
from analytics.reactions.pipeline import store_and_react
from conferences.models import Conference
from sharing.models import ShareLink
from sharing.services import voiding
from sharing.services.rebuilding import rebuild
from tests.sharing.cast import credits_of, refusals_of, state, tree

pytestmark = pytest.mark.django_db

CODE = "A1b2C3d4E5f6G7h8"
DAY_MS = 86_400_000


class World:
    """A world in which events arrive a minute apart; `ago_ms` is how old a client claims its event to be."""

    def __init__(self) -> None:
        self.received_ms = now_ms() - 3_600_000
        self.number = 0

    def row(self, type: str, visitor: str, *, ago_ms: int = 0, bot: bool = False, **fields: Any) -> EventRow:
        self.received_ms += 60_000
        self.number += 1
        event = {
            "type": type, "conference_id": "summit", "visitor_id": visitor, "event_id": f"e{self.number:04}",
            "ts": self.received_ms - ago_ms, **fields,
        }  # fmt: skip
        if type == "registration":
            event.setdefault("form_id", "form")
        return make_row(parse_event(event), Client(self.received_ms, bot, lambda conference_id: ""))

    def arrive(self, *args: Any, **fields: Any) -> None:
        store_and_react([self.row(*args, **fields)])


@pytest.fixture
def world(conference: Conference) -> World:
    return World()


def figures() -> dict[str, int]:
    refresh_dirty_days()
    totals = {"shares": 0, "share_conversions": 0}
    for summary in DailySummary.objects.all():
        for name in totals:
            totals[name] += summary.figures[name]
    return totals


def test_a_backdated_claim_does_not_steal_a_code(world: World) -> None:
    world.arrive("share", "ann", share_code=CODE)
    world.arrive("share_open", "bob", share_code=CODE)
    world.arrive("registration", "bob", registration_id="r-bob")
    world.arrive("share", "thief", share_code=CODE, ago_ms=6 * DAY_MS)
    link = ShareLink.objects.get()
    assert (link.sharer, link.is_contested, link.direct) == ("ann", True, 1)
    assert credits_of("r-bob") == [CODE]
    assert figures() == {"shares": 1, "share_conversions": 1}
    before = state()
    rebuild("summit")
    assert state() == before


def test_a_proven_code_cannot_be_stolen_by_claiming_first(world: World) -> None:
    code = prove_code("summit", "ann", "Ab-_")
    assert len(code) == 16
    world.arrive("share", "thief", share_code=code)
    world.arrive("share_open", "bob", share_code=code)
    world.arrive("registration", "bob", registration_id="r-bob")
    assert ShareLink.objects.get().sharer == "thief"
    world.arrive("share", "ann", share_code=code, ago_ms=30 * 60_000)
    link = ShareLink.objects.get()
    assert (link.sharer, link.is_proven, link.is_contested) == ("ann", True, True)
    world.arrive("share", "thief", share_code=code, proven=True)  # the flag alone proves nothing
    assert ShareLink.objects.get().sharer == "ann"


def test_a_claim_in_the_owners_name_sets_no_parent(world: World) -> None:
    world.arrive("share", "thief", share_code="thief-code")
    world.arrive("share", "ann", share_code=CODE)
    world.arrive("share", "ann", share_code=CODE, parent_share_code="thief-code", ago_ms=6 * DAY_MS)
    assert tree() == {CODE: None, "thief-code": None}


def test_a_report_about_our_own_registration_changes_no_credit(world: World, conference: Conference) -> None:
    world.arrive("share", "ann", share_code=CODE)
    world.arrive("share", "thief", share_code="thief-code")
    world.arrive("share_open", "bob", share_code=CODE)
    own = world.row("page_view", "bob", page="/")
    event = {
        "type": "registration", "conference_id": "summit", "visitor_id": "bob", "event_id": "own:reg:r-bob",
        "ts": own.ts_ms, "form_id": "form", "registration_id": "r-bob",
    }  # fmt: skip
    server = Client(own.received_ms, False, lambda conference_id: "", is_server=True)
    store_and_react([make_row(parse_event(event), server)])
    assert credits_of("r-bob") == [CODE]
    before = state()
    world.arrive(
        "registration", "thief2", registration_id="r-bob", share_code="thief-code", ago_ms=20 * 60_000
    )
    assert state() == before


def test_reports_without_an_id_count_once_at_most(world: World) -> None:
    world.arrive("share", "ann", share_code=CODE)
    world.arrive("share_open", "bob", share_code=CODE)
    for _ in range(3):
        world.arrive("registration", "bob")
    assert figures()["share_conversions"] == 1
    assert ShareLink.objects.get().direct == 1
    event = {
        "type": "registration", "conference_id": "summit", "visitor_id": "bob", "event_id": "own:reg:r-bob",
        "ts": world.received_ms, "form_id": "form", "registration_id": "r-bob",
    }  # fmt: skip
    server = Client(world.received_ms, False, lambda conference_id: "", is_server=True)
    store_and_react([make_row(parse_event(event), server)])
    assert credits_of("r-bob") == [CODE]
    assert figures()["share_conversions"] == 1
    assert ShareLink.objects.get().direct == 1


def test_an_automatic_code_counts_from_anothers_first_open(world: World) -> None:
    world.arrive("share", "ann", share_code=CODE)
    world.arrive("share", "bob", share_code="bobs-code", parent_share_code=CODE, minted=True)
    assert figures()["shares"] == 1
    assert (ShareLink.objects.get(code=CODE).child_count, ShareLink.objects.get(code=CODE).subtree_links) == (
        0, 0,
    )  # fmt: skip
    world.arrive("share_open", "bob", share_code="bobs-code")  # he reloads his own page
    world.arrive("share_open", "crawler", share_code="bobs-code", bot=True)
    assert figures()["shares"] == 1
    assert ShareLink.objects.get(code="bobs-code").opens == 0
    world.arrive("share_open", "cat", share_code="bobs-code")
    link = ShareLink.objects.get(code="bobs-code")
    assert (link.shared_ms, link.opens, link.openers) == (world.received_ms, 1, 1)
    assert figures()["shares"] == 2
    above = ShareLink.objects.get(code=CODE)
    assert (above.child_count, above.subtree_links) == (1, 1)


def test_an_event_id_in_two_conferences_counts_twice(world: World) -> None:
    world.arrive("share", "ann", share_code=CODE)
    world.arrive("share_open", "evil", share_code=CODE, conference_id="evil", event_id="order-1")
    world.arrive("share_open", "bob", share_code=CODE, event_id="order-1")
    assert ShareLink.objects.get().opens == 1


@pytest.mark.parametrize("kind", ["registration", "link", "sharer"])
def test_voiding_changes_the_sums_and_can_be_undone(
    world: World, api: Callable[[User | None], APIClient], alice: User, kind: str
) -> None:
    world.arrive("share", "ann", share_code=CODE)
    world.arrive("share_open", "bob", share_code=CODE)
    world.arrive("registration", "bob", registration_id="r-bob")
    assert figures() == {"shares": 1, "share_conversions": 1}
    day = DailySummary.objects.get()
    before, revision = state(), day.revision
    key = {"registration": "r-bob", "link": CODE, "sharer": "ann"}[kind]
    client = api(alice)
    path = "/api/conferences/summit/void"

    def settle() -> None:
        # The event of a registration goes through the stream, which no worker reads here.
        for decision in voiding.Void.objects.filter(kind="registration"):
            store_and_react([voiding.void_row(decision)])
        voiding.apply_decisions()

    made = client.post(path, {"kind": kind, "key": key, "reason": "500 fakes"}, format="json")
    assert made.status_code == 201, made.json()
    assert client.post(path, {"kind": kind, "key": key, "reason": "x"}, format="json").status_code == 409
    settle()
    assert credits_of("r-bob") == []
    assert refusals_of("r-bob") == {(CODE, "withdrawn" if kind == "registration" else "voided")}
    link = ShareLink.objects.get()
    assert (link.direct, link.subtree_conversions) == (0, 0)
    assert figures() == {"shares": 1 if kind == "registration" else 0, "share_conversions": 0}
    day.refresh_from_db()  # not the day of the decision, which may be the next one
    assert day.revision > revision
    rebuild("summit")
    assert credits_of("r-bob") == []

    undone = client.delete(f"{path}?kind={kind}&key={key}")
    assert undone.status_code == 200
    settle()
    assert state() == before
    assert figures() == {"shares": 1, "share_conversions": 1}
    (row,) = client.get(path).json()["results"]
    assert (row["key"], row["reason"], row["voided_by"], row["undone_by"]) == (
        key, "500 fakes", "alice", "alice",
    )  # fmt: skip


def test_only_owners_void_and_only_existing_targets(
    world: World, api: Callable[[User | None], APIClient], alice: User, bob: User, charlie: User
) -> None:
    body = {"kind": "link", "key": CODE, "reason": "x"}
    path = "/api/conferences/summit/void"
    assert api(None).post(path, body, format="json").status_code == 401
    assert api(charlie).post(path, body, format="json").status_code == 404
    assert api(bob).post(path, body, format="json").status_code == 403
    assert api(alice).post(path, body, format="json").status_code == 404
    wrong = api(alice).post(path, {**body, "kind": "planet"}, format="json")
    assert "kind" in wrong.json()["error"]["details"]


def test_the_highest_version_of_a_standing_counts(world: World) -> None:
    world.arrive("share", "ann", share_code=CODE)
    world.arrive("share_open", "bob", share_code=CODE)
    now = timezone.now() - dt.timedelta(minutes=1)

    def told(version: int, stands: bool) -> EventRow:
        return own_events.standing_row(
            conference_id="summit", registration_id="r-bob", source="state", stands=stands, version=version,
            at=now,
        )  # fmt: skip

    store_and_react([told(1, stands=False)])  # before the registration itself
    world.arrive("registration", "bob", registration_id="r-bob")
    assert refusals_of("r-bob") == {(CODE, "withdrawn")}
    store_and_react([told(3, stands=False)])
    store_and_react([told(2, stands=True)])
    assert credits_of("r-bob") == []
    store_and_react([told(4, stands=True)])
    assert credits_of("r-bob") == [CODE]
    assert figures()["share_conversions"] == 1
