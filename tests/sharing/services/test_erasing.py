"""Erasing a person removes the id everywhere, even from repeated or late events, and changes nothing else."""

import datetime as dt
import re
import threading
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import transaction
from rest_framework.test import APIClient

from analytics import erasing, store
from analytics import own_events as sweep
from analytics.days.summaries import compute_day
from analytics.models import DirtyDay, Event
from analytics.reactions import handlers, pipeline
from conferences.models import Conference, ErasedVisitor, Registration
from conferences.services.registrations import register
from sharing.derivation import deriving
from sharing.derivation.facts import read_facts
from sharing.derivation.locks import lock_conferences
from sharing.models import ShareClaim, ShareLink, ShareOpen, ShareRegistration
from sharing.services.erasing import erase_person
from sharing.services.minting import mint_link
from sharing.services.rebuilding import rebuild
from tests.analytics.builders import NOON, on_sql, to_row
from tests.analytics.days.test_redating import before_the_insert
from tests.sharing.cast import state
from tests.sharing.derivation.test_order import in_two_threads

VB = "7f3b2c55-vb"  # the visitor that the tests erase
_OWN = [apps.get_app_config(name) for name in ("conferences", "analytics", "sharing", "notifications")]


def sent(type: str, minute: float, visitor: str | None, **fields: Any) -> dict[str, Any]:
    """An event as a client sends it, with an id that describes it."""
    ts = NOON + dt.timedelta(minutes=minute)
    return {"event_id": f"{type}-{minute}", "type": type, "ts": ts, "visitor_id": visitor, **fields}


STORY = [
    sent("share", 1, "va", share_code="aaaa"),
    sent("page_view", 2, VB, url=f"https://a.example/?who={VB}&utm_source=x", session_id=f"s-{VB}", name=VB),
    sent("page_view", 2.5, "vc"),
    sent("share_open", 3, VB, share_code="aaaa", nested={"of": [VB]}),
    sent(
        "share", 4, VB, share_code="bbbb", parent_share_code="aaaa",
        target_url=f"https://a.example/?from={VB}", channel=VB,
    ),
    sent("share", 4.5, VB, share_code="aaaa"),  # contests it
    sent("share_open", 5, "vc", share_code="bbbb"),
    sent("registration", 6, "vc", registration_id="r-vc"),
    sent("registration", 7, VB, registration_id="r-vb"),
]  # fmt: skip
LATE = [
    sent("page_view", 2.2, VB, properties={"again": VB}, session_id=VB),
    sent("share_open", 3.5, VB, share_code="aaaa"),
    sent("share_open", 5.5, VB, share_code="bbbb"),
    sent("share", 4.2, VB, share_code="bbbb", parent_share_code="aaaa"),
    sent("registration", 8, VB, registration_id="r-vb2", share_code="aaaa"),
]


def deliver(*events: dict[str, Any]) -> None:
    pipeline.store_and_react([to_row(event) for event in events])


def places(visitor: str = VB) -> list[str]:
    """The tables and rows that contain the id, in any column."""
    return [
        f"{model.__name__}: {values}"
        for app in _OWN
        for model in app.get_models()
        for values in model._default_manager.values_list()
        if visitor in repr(values)
    ]


def renamed(value: Any, names: dict[str, str]) -> Any:
    """Replace ids in the value, to compare values that differ only in names."""
    text = repr(value)
    for name, other in names.items():
        text = text.replace(name, other)
    return text


def alike(value: Any, visitor: str = VB) -> list[str]:
    """The value's lists as sorted lists of texts, with one id for the visitor before and after erasing."""
    text = re.sub("erased:[0-9a-f]{24}", visitor, repr(value))
    return sorted(re.split(r"(?<=\)), ", text))


def renamed_events(events: list[dict[str, Any]], old: str, new: str) -> list[dict[str, Any]]:
    return [
        {
            name: value.replace(old, new) if isinstance(value, str) else value
            for name, value in {**event, "event_id": f"again-{event['event_id']}", "nested": None}.items()
        }
        for event in events
    ]


def replacement() -> str:
    return ErasedVisitor.objects.get().replacement


def facts_of(visitor: str) -> list[int]:
    return [
        ShareLink.objects.filter(sharer=visitor).count(),
        ShareClaim.objects.filter(sharer=visitor).count(),
        ShareOpen.objects.filter(visitor=visitor).count(),
        ShareRegistration.objects.filter(visitor=visitor).count(),
        Event.objects.filter(visitor_id=visitor).count(),
    ]


@pytest.mark.django_db
def test_erasing_removes_the_id_and_keeps_all_counts(
    conference: Conference,
) -> None:
    deliver(*STORY)
    before, figures, counts = state(), compute_day("summit", NOON.date()).figures, facts_of(VB)
    assert counts == [1, 2, 1, 1, 5]
    assert len(places()) > 8

    assert erase_person(conference, VB) > 0

    assert places() == []
    assert facts_of(replacement()) == counts
    assert renamed(state(), {replacement(): VB}) == renamed(before, {})
    assert compute_day("summit", NOON.date()).figures == figures


@pytest.mark.django_db
def test_repeated_and_late_events_bring_no_id_back(conference: Conference) -> None:
    deliver(*STORY, *LATE)
    rebuild("summit")
    never_erased, figures = state(), compute_day("summit", NOON.date()).figures
    for model in (*apps.get_app_config("sharing").get_models(), Event):
        model._default_manager.all().delete()

    deliver(*STORY)
    erase_person(conference, VB)
    replacement_id = replacement()
    deliver(*STORY)
    assert places() == []
    deliver(*reversed(LATE))
    deliver(*STORY, *LATE)
    assert places() == []
    assert renamed(state(), {replacement_id: VB}) == renamed(never_erased, {})
    assert compute_day("summit", NOON.date()).figures == figures

    rebuild("summit")
    assert places() == []
    assert renamed(state(), {replacement_id: VB}) == renamed(never_erased, {})
    # Erasing the same person again, by the old or the new id, finds nothing.
    assert erase_person(conference, VB) == erase_person(conference, replacement_id) == 0
    assert replacement() == replacement_id


@pytest.mark.django_db
def test_a_registration_on_our_form_loses_the_id(
    conference: Conference,
) -> None:
    def on_our_form(mail: str) -> Registration:
        made = register(conference=conference, name="B", email=mail, visitor_id=VB, now=NOON)
        return made.registration

    first = on_our_form("b@example.com")
    pipeline.store_and_react([sweep.registration_row(first)])
    erase_person(conference, VB)
    assert places() == []
    second = on_our_form("b2@example.com")  # the same browser after the erasure
    pipeline.store_and_react([sweep.registration_row(first), sweep.registration_row(second)])
    for registration in Registration.objects.all():  # as the sweep reads it
        pipeline.store_and_react([sweep.registration_row(registration)])
    assert places() == []
    assert set(ShareRegistration.objects.values_list("visitor", flat=True)) == {replacement()}
    assert ShareRegistration.objects.count() == 2


@pytest.mark.django_db
def test_a_crash_before_saving_events_leaves_no_id(
    conference: Conference, monkeypatch: pytest.MonkeyPatch
) -> None:
    erase_person(conference, VB)
    made = register(conference=conference, name="B", email="b@example.com", visitor_id=VB, now=NOON)
    row = sweep.registration_row(made.registration)
    again = msgspec.structs.replace(row)

    def die(_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(erasing, "_save", die)
        with pytest.raises(SystemExit):
            pipeline.store_and_react([row])
    pipeline.store_and_react([again])
    assert places() == []


@pytest.mark.django_db
def test_erasing_a_lookalike_visitor_keeps_the_users_links(conference: Conference, alice: User) -> None:
    name = f"user:{alice.pk}"
    mint_link(conference, owner=alice, code="mine", label="poster")
    deliver(sent("share", 1, name, share_code="aaaa"))
    erase_person(conference, f"visitor:{name}")
    owners = dict(ShareLink.objects.values_list("code", "sharer"))
    assert owners == {"mine": name, "aaaa": replacement()}
    assert not Event.objects.filter(visitor_id=name).exists()

    erase_person(conference, name)
    link = ShareLink.objects.get(code="mine")
    assert (link.sharer[:7], link.sharer_user, link.label, link.is_minted) == ("erased:", None, "", True)
    rebuild("summit")
    assert ShareLink.objects.get(code="mine").sharer == link.sharer


@pytest.mark.django_db
def test_an_erased_person_without_visitor_id_stays_erased(conference: Conference) -> None:
    deliver(sent("share", 1, None, share_code="aaaa"))
    sharer = ShareLink.objects.get().sharer
    assert sharer.startswith("anonymous:")
    erase_person(conference, sharer)
    erased = ShareLink.objects.get().sharer
    assert erased == replacement()
    rebuild("summit")
    assert ShareLink.objects.get().sharer == erased


@pytest.mark.django_db
def test_a_changed_secret_key_keeps_erasures(conference: Conference, settings: Any) -> None:
    deliver(*STORY)
    erase_person(conference, VB)
    replacement_id = replacement()
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another"
    deliver(*LATE)
    erase_person(conference, VB)
    assert places() == []
    assert replacement() == replacement_id


@pytest.mark.django_db
def test_erasing_affects_only_one_conference(conference: Conference, alice: User) -> None:
    other = [{**event, "event_id": f"o-{event['event_id']}", "conference_id": "other"} for event in STORY]
    deliver(*STORY, *other)
    erase_person(conference, VB)
    assert Event.objects.filter(visitor_id=VB).count() == 5
    assert ShareLink.objects.get(sharer=VB).conference_id == "other"


# --- Erasing while a worker processes the events ---------------------------------------------------------


@pytest.mark.django_db
def test_replacing_many_short_ids_fits_the_column(conference: Conference) -> None:
    url = "a/" * 1024
    deliver(sent("share", 1, "a", share_code="aaaa", channel="a " * 256, target_url=url))
    erase_person(conference, "a")
    link = ShareLink.objects.get(code="aaaa")
    assert (len(link.channel), len(link.target_url)) == (512, 2048)
    rebuild("summit")
    assert ShareLink.objects.get(code="aaaa").target_url == link.target_url


@pytest.mark.django_db
def test_days_are_recounted_after_an_erasure(conference: Conference) -> None:
    deliver(*STORY)
    DirtyDay.objects.all().delete()
    erase_person(conference, VB)
    assert DirtyDay.objects.filter(conference_id="summit", local_date__isnull=False).exists()


@on_sql
@pytest.mark.django_db
def test_events_stored_during_an_erasure_lose_the_id(
    conference: Conference,
) -> None:
    with before_the_insert(lambda: erase_person(conference, VB) and None):
        deliver(*STORY)
    assert places() == []


@on_sql
@pytest.mark.django_db
def test_control_events_keep_the_id_without_the_check(conference: Conference) -> None:
    rows = [to_row(event) for event in STORY]
    with before_the_insert(lambda: erase_person(conference, VB) and None):
        store.insert_new(rows)
    handlers.react(rows)
    assert {place.partition(":")[0] for place in places()} == {"Event"}  # the tree has its own guard


@pytest.mark.django_db
def test_the_next_delivery_erases_an_id_after_a_crash(
    conference: Conference,
) -> None:
    erase_person(conference, VB)
    store.insert_new([to_row(event) for event in STORY])
    deliver(*STORY)
    assert places() == []


@pytest.mark.django_db
def test_facts_read_before_an_erasure_lose_the_id(
    conference: Conference,
) -> None:
    shares = [to_row(event) for event in STORY if event["type"] != "page_view"]
    in_hand = read_facts([to_row(event) for event in STORY if event["type"] != "page_view"])
    erase_person(conference, VB)
    unguarded = read_facts(shares)
    unguarded.events = ()
    with transaction.atomic():
        lock_conferences(["summit"])
        deriving.derive(unguarded)
    assert {place.partition(":")[0] for place in places()} == {
        "ChannelCount", "Credit", "CreditSum", "QuarterSum", "ShareClaim", "ShareLink", "ShareOpen",
        "ShareRegistration",
    }  # fmt: skip

    for model in apps.get_app_config("sharing").get_models():
        model._default_manager.all().delete()
    deriving.apply_facts(in_hand)
    assert places() == []
    assert facts_of(replacement())[:4] == [1, 2, 1, 1]


@pytest.mark.django_db(transaction=True)
def test_erasing_while_two_workers_deliver_leaves_no_id(conference: Conference) -> None:
    begun = threading.Event()

    def work(number: int) -> None:
        if number:
            begun.wait(20)
            erase_person(conference, VB)
            return
        for round in range(12):
            deliver(*({**event, "event_id": f"{round}-{event['event_id']}"} for event in STORY))
            if round == 3:
                begun.set()

    in_two_threads(work)
    assert places() == []
    assert facts_of(replacement()) == [1, 24, 12, 1, 60]


# --- Through the API -------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_only_owners_erase_through_the_api(
    conference: Conference, api: Callable[[User | None], APIClient], alice: User, bob: User
) -> None:
    deliver(*STORY)
    body = {"conference_id": "summit", "sharer": VB}
    assert api(bob).post("/api/sharing/erase", body, format="json").status_code == 403
    assert places()
    answer = api(alice).post("/api/sharing/erase", body, format="json")
    assert answer.status_code == 200
    assert answer.json()["rows_changed"] >= 10
    assert places() == []
