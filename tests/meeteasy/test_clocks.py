"""Clocks that are set forward and back, by an hour and by two days, while clients post.

Either all clocks of the machine, or those of our processes and not that of Redis.
"""

import datetime as dt
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.clients import PostingClients
from tests.support.clocks import Clock
from tests.support.counted import read_own_ids, recount, wait_until_all_are_counted
from tests.support.killing import kill_with_entries_in_hand
from tests.support.system import System

pytestmark = [pytest.mark.processes, pytest.mark.faults]

REGISTER = "/api/conferences/test/registrations"
DAYS = 48
# By how much an event may be dated otherwise than by the clock of when it was sent.
APART_SECONDS = 20
_PHASE_SECONDS = 7
FAST_SECONDS = 60  # what Redis lets a web server be fast (CLOCKS_APART_MS)


@pytest.fixture(params=["machine", "processes"])
def clocked(system: System, request: pytest.FixtureRequest) -> Iterator[tuple[System, Clock, bool]]:
    """A system with load-bearing parts, its clock, and whether Redis has the same one."""
    if Clock.find_compiler() is None:
        pytest.skip("there is no C compiler (bin/test faults installs gcc as root on Debian)")
    clock, is_machine = Clock(system.directory), request.param == "machine"
    system.environment |= {**clock.environment, "REGISTRATION_RATE_PER_MINUTE": "20"}
    if is_machine:
        system.valkey.environment = clock.environment
    system.start("web", "events", "daily", "email", "beat")
    yield system, clock, is_machine
    clock.set(hours=0)


class Timed:
    """What was sent and accepted between two changes of the clock, and between which times by that clock."""

    def __init__(self, system: System, clock: Clock, *, name: str) -> None:
        self.since = clock.now()
        with PostingClients(system.url, threads=1, prefix=name, pause_seconds=0.2) as clients:
            clients.wait_for_batches(10, seconds=120)
            time.sleep(_PHASE_SECONDS)  # for beat and the sweeps
        self.ids, self.until = clients.ids, clock.now()
        self.ahead_seconds = clock.ahead_seconds


def stored_times(system: System) -> dict[str, float]:
    """The times of the conference's events by id."""
    text = system.run_code(
        "from analytics.models import Event\n"
        "for event in Event.objects.filter(conference_id='test'): print(event.event_id, event.ts.timestamp())"
    )
    return {event_id: float(ts) for event_id, ts in (line.split() for line in text.splitlines())}


def send_nameless(system: System, event_id: str) -> None:
    """A page view of a visitor without an id, which the server makes of the day's salt."""
    event = {"type": "page_view", "page": "/", "conference_id": "test", "event_id": event_id}
    answer = system.post([event])
    assert (answer.status_code, answer.json()["accepted"]) == (202, 1)


def register(system: System, number: int) -> int:
    person = {"name": "Ann", "email": f"ann{number}@example.com"}
    return httpx.post(f"{system.url}{REGISTER}", json=person, timeout=120).status_code


def test_clocks_that_jump_cost_no_event_and_double_none(clocked: tuple[System, Clock, bool]) -> None:
    system, clock, is_machine = clocked
    nameless: dict[str, int] = {}
    phases: list[Timed] = []
    registered = 0
    # These also send while the clock is set.
    with PostingClients(system.url, threads=2, prefix="all-", pause_seconds=0.1) as clients:
        for number, hours in enumerate([1, 0, -1, 0, DAYS, 0, -DAYS, 0]):
            clock.set(hours=hours)
            phases.append(Timed(system, clock, name=f"{number}-"))
            nameless[f"nameless-{number}"] = hours
            send_nameless(system, f"nameless-{number}")
            assert register(system, number) == 201, f"with a clock {hours} hours fast"
            registered += 1

    own = read_own_ids(system)
    assert len(own) == registered
    today = dt.datetime.now(dt.UTC).date()
    span = {"from": f"{today - dt.timedelta(days=4)}", "to": f"{today + dt.timedelta(days=4)}"}
    ids = clients.ids.union(nameless, own, *(phase.ids for phase in phases))
    wait_until_all_are_counted(system, ids, seconds=180, **span)

    times = stored_times(system)
    for phase in phases:
        late = phase.ahead_seconds - FAST_SECONDS if phase.ahead_seconds > 0 and not is_machine else 0
        found = [times[event_id] for event_id in phase.ids]
        assert phase.since - late - APART_SECONDS < min(found), phase.ahead_seconds
        assert max(found) < phase.until - late + APART_SECONDS, phase.ahead_seconds
    if not is_machine:
        assert max(times.values()) < time.time() + FAST_SECONDS, "nothing is dated into the future"
    print(f"{len(ids)} events, {len(own)} registrations, {clients.retries} retries")  # noqa: T201


def test_what_depends_on_time_goes_on_when_the_clock_is_set_back(clocked: tuple[System, Clock, bool]) -> None:
    """Two days: beat, heartbeats, a killed worker's entries, limits, salts, lost events of our own."""
    system, clock, _ = clocked
    send_nameless(system, "before")
    clock.set(hours=1)
    clock.set(hours=0)
    send_nameless(system, "after")
    clock.set(hours=DAYS)
    system.wait_for(lambda: 429 in [register(system, n) for n in range(25)], "the rate to be used up")
    with PostingClients(system.url, threads=2, pause_seconds=0) as clients:
        kill_with_entries_in_hand(system, "events")
        system.kill("daily")
        clock.set(hours=0)
    # Of the future, and its worker is dead.
    system.wait_for(lambda: "queue:analytics.daily" in warnings_of(system), "the silent queue", seconds=90)
    system.start("events", "daily")
    system.wait_for(
        lambda: set(recount(system)["ids"]) >= clients.ids, "the killed worker's entries", seconds=60
    )
    system.wait_for(lambda: not warnings_of(system), "beat and all workers to be heard of", seconds=90)
    system.wait_for(lambda: register(system, 100) == 201, "the limit to pass", seconds=90, every=2)

    lost = system.run_code(
        "from conferences.models import Registration\n"
        "from django.utils import timezone\n"
        "row = Registration.objects.get(email='ann100@example.com')\n"
        "row.pk = row.id = 'r' + 'f' * 12; row.email = 'lost@example.com'\n"
        "row.registered_at = timezone.now()\n"
        "Registration.objects.bulk_create([row])\n"
        "print(f'own:reg:{row.id}')"
    ).strip()
    system.wait_for(
        lambda: lost in recount(system)["ids"], "the registration whose event was lost", seconds=120
    )
    ids = recount(system)["ids"]
    assert len(ids) == len(set(ids)), "each is stored once"
    assert recount(system)["dead_letters"] == 0
    visitors = system.run_code(
        "from analytics.models import Event\n"
        "for name in ('before', 'after'): print(Event.objects.get(id__contains=f'{name}/').visitor_id)"
    ).split()
    assert len(set(visitors)) == 1, "an hour costs no salt"


def warnings_of(system: System) -> dict[str, Any]:
    """Those of /readyz about what was started here."""
    warnings = system.http.get("/readyz").json()["warnings"]
    idle = {"queue:notifications.sms", "queue:files.convert", "queue:ai.generate"}
    return {name: text for name, text in warnings.items() if name not in idle}
