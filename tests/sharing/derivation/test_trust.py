"""Credits after a change of trust are as if the conference had always had the new setting."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.days import redating
from analytics.days.summaries import refresh_dirty_days
from analytics.models import DailySummary, Event
from analytics.reactions.pipeline import store_and_react
from conferences import services
from conferences.models import Conference
from sharing.models import ShareLink, ShareRegistration
from tests.sharing.cast import credits_of, opened, refusals_of, registered, row, share, state
from tests.sharing.derivation.generated import in_deliveries
from tests.sharing.derivation.test_order import empty

BEFORE = [share(1, "ann", "aaaa"), opened(2, "cat", "aaaa"), share(3, "ben", "bbbb", "aaaa")]


def arrive(*events: dict[str, Any]) -> None:
    store_and_react([row(sent) for sent in events])


def trust(conference: Conference, trusts: bool) -> None:
    services.update_conference(conference, trust_client_registrations=trusts)
    redating.redate_changed_conferences()


def on_our_form(at: float, visitor: str, registration_id: str, **fields: Any) -> dict[str, Any]:
    return registered(
        at, visitor, registration_id, event_id=f"own:reg:{registration_id}-{at}", **fields
    )  # fmt: skip


@pytest.mark.django_db
def test_credits_of_reported_registrations_follow_the_trust_setting(
    conference: Conference,
) -> None:
    arrive(*BEFORE, registered(4, "cat"))
    assert credits_of("r-cat") == ["aaaa"]
    trusted = state()
    trust(conference, False)
    refresh_dirty_days()
    assert credits_of("r-cat") == []
    assert refusals_of("r-cat") == {("aaaa", "not_trusted")}
    assert ShareLink.objects.get(code="aaaa").direct == 0
    assert DailySummary.objects.get().figures["share_conversions"] == 0
    trust(conference, True)
    refresh_dirty_days()
    assert state() == trusted
    assert DailySummary.objects.get().figures["share_conversions"] == 1


@pytest.mark.django_db
def test_the_window_of_a_registration_never_changes(conference: Conference) -> None:
    arrive(*BEFORE, registered(4, "cat"))
    services.update_conference(conference, attribution_window_days=3)
    trust(conference, False)
    assert ShareRegistration.objects.get().window_days == 30


@pytest.mark.django_db
def test_adopted_registrations_follow_the_trust_setting(alice: Any) -> None:
    arrive(*BEFORE, registered(4, "cat"), on_our_form(5, "cat", "ours"))
    assert credits_of("r-cat") == credits_of("ours") == ["aaaa"]
    services.create_conference(
        owner=alice, id="summit", name="Summit", time_zone="UTC", trust_client_registrations=False
    )
    redating.redate_changed_conferences()
    assert (credits_of("r-cat"), credits_of("ours")) == ([], ["aaaa"])


a_registration = st.builds(
    lambda at, visitor, number, code, ours: (on_our_form if ours else registered)(
        at, visitor, f"r{number}", share_code=code
    ),
    st.integers(4, 9),
    st.sampled_from(["cat", "dan", "ann", ""]),
    st.integers(1, 3),
    st.sampled_from(["", "aaaa", "bbbb"]),
    st.booleans(),
)


@pytest.mark.django_db
@settings(max_examples=40)
@given(registrations=st.lists(a_registration, min_size=1, max_size=12), seed=st.integers(0, 2**32))
def test_only_events_and_the_last_setting_matter(
    alice: Any, registrations: list[dict[str, Any]], seed: int
) -> None:
    chance = random.Random(seed)
    events = [{**sent, "event_id": f"{sent['event_id']}-{n}"} for n, sent in enumerate(registrations)]
    events = [*BEFORE, opened(3.5, "dan", "bbbb"), *events]

    def begin() -> Conference:
        empty()
        Event.objects.all().delete()
        Conference.objects.all().delete()
        return services.create_conference(owner=alice, id="summit", name="Summit", time_zone="UTC")

    conference = begin()
    last = chance.random() < 0.5
    for delivery in in_deliveries(list(events), chance):
        if chance.random() < 0.4:
            services.update_conference(conference, trust_client_registrations=chance.random() < 0.5)
        if chance.random() < 0.4:
            redating.redate_changed_conferences()
        arrive(*delivery)
    trust(conference, last)
    found = state(), sorted(ShareRegistration.objects.values_list())

    conference = begin()
    trust(conference, last)
    arrive(*events)
    assert found == (state(), sorted(ShareRegistration.objects.values_list()))
