"""The quota of reports with real processes: many clients, an organizer's decisions, exact counts."""

import re
import sqlite3
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import httpx
import pytest

from tests.support.system import System

pytestmark = pytest.mark.processes

PER_CLIENT, PER_CONFERENCE = 5, 40
CLIENTS, EACH = 12, 20
ALL = CLIENTS * EACH
HELD = "/api/analytics/held"
IN_TEST = {"conference_id": "test"}


@pytest.fixture
def quota(system: System) -> System:
    """This machine is the proxy, so that a test can have many addresses."""
    system.environment |= {
        "REPORTS_PER_CLIENT_HOUR": str(PER_CLIENT),
        "REPORTS_PER_CONFERENCE_HOUR": str(PER_CONFERENCE),
        "TRUSTED_PROXIES": "127.0.0.1",
    }
    if time.time() % 3600 > 3480:  # the next hour has a quota of its own
        time.sleep(3601 - time.time() % 3600)
    system.start("web", "events", "daily", "beat")
    return system


def report(client: int, number: int) -> dict[str, Any]:
    name = f"{client:02}-{number:02}"
    return {
        "type": "registration", "conference_id": "test", "event_id": f"report-{name}", "form_id": "f",
        "registration_id": f"r-{name}", "visitor_id": f"v-{name}",
    }  # fmt: skip


def post_as(system: System, client: int, events: list[dict[str, Any]]) -> None:
    answer = httpx.post(
        f"{system.url}/api/analytics/events",
        json={"events": events}, headers={"X-Forwarded-For": f"203.0.113.{client}"}, timeout=20,
    )  # fmt: skip
    assert (answer.status_code, answer.json()["accepted"]) == (202, len(events))


def send_all(system: System) -> None:
    """Each client sends its reports in four requests, all clients at once."""

    def send(client: int) -> None:
        for start in range(0, EACH, 5):
            post_as(system, client, [report(client, number) for number in range(start, start + 5)])

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(send, range(CLIENTS)))


def figures(system: System) -> tuple[int, int, int]:
    """Registrations, those of them that are only reported, and held reports, over all days."""
    rows = system.get("/api/analytics/daily", **IN_TEST)["results"]
    names = ("registrations", "registrations_reported", "held")
    registrations, reported, held = (sum(row[name] for row in rows) for name in names)
    return registrations, reported, held


def wait_for_figures(system: System, registrations: int, held: int) -> None:
    expected = (registrations, registrations, held)
    system.wait_for(lambda: figures(system) == expected, f"{expected}, not {figures(system)}", seconds=60)


def stored(system: System) -> Counter[str]:
    """How many events are stored, by hold."""
    with closing(sqlite3.connect(system.directory / "meeteasy.sqlite3")) as connection:
        rows = connection.execute("SELECT hold, count(*) FROM analytics_event GROUP BY hold").fetchall()
    return Counter(dict(rows))


def list_held(system: System, **params: Any) -> list[str]:
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = system.get(HELD, **IN_TEST, page_size=70, cursor=cursor, **params)
        found += [item["event_id"] for item in page["results"]]
        cursor = page["next"]
    return found


def decide(system: System, action: str, event_ids: list[str], reason: str = "") -> None:
    body = {**IN_TEST, "action": action, "event_ids": event_ids, "reason": reason}
    headers = {"Authorization": f"Token {system.token()}"}
    answer = system.http.post(HELD, json=body, headers=headers)
    assert answer.status_code == 202, answer.text


class Operator:
    """A browser in the admin."""

    def __init__(self, system: System) -> None:
        system.run_code(
            "from django.contrib.auth.models import User\n"
            "user = User.objects.get(username='organizer')\n"
            "user.set_password('a long password')\n"
            "user.save()"
        )
        self.browser = httpx.Client(base_url=system.url, timeout=30, follow_redirects=True)
        self.page = "/admin/analytics/heldreport/"
        self.browser.get("/accounts/login/")
        self._post("/accounts/login/", {"username": "organizer", "password": "a long password"})

    def _post(self, path: str, fields: dict[str, Any]) -> str:
        token = {"csrfmiddlewaretoken": self.browser.cookies["csrftoken"]}
        answer = self.browser.post(path, data={**token, **fields})
        answer.raise_for_status()
        return answer.text

    def void_the_first(self, count: int, reason: str) -> None:
        keys = re.findall(r'name="_selected_action" value="([^"]+)"', self.browser.get(self.page).text)
        body = {"action": "void", "reason": reason, "select_across": "0", "_selected_action": keys[:count]}
        assert "1 conference" in self._post(self.page, body)


def test_reports_beyond_the_quotas_wait_for_an_organizer(quota: System) -> None:
    system = quota
    send_all(system)
    wait_for_figures(system, PER_CONFERENCE, ALL - PER_CONFERENCE)
    assert stored(system) == {"": PER_CONFERENCE, "held": ALL - PER_CONFERENCE}, "none is lost"
    held = list_held(system)
    assert len(set(held)) == len(held) == ALL - PER_CONFERENCE
    of_client = Counter(event_id[:9] for event_id in held)
    assert all(EACH - PER_CLIENT <= count <= EACH for count in of_client.values())

    decide(system, "release", held[:10], "a stand without network")
    wait_for_figures(system, PER_CONFERENCE + 10, ALL - PER_CONFERENCE - 10)
    Operator(system).void_the_first(20, "a script")
    wait_for_figures(system, PER_CONFERENCE + 10, ALL - PER_CONFERENCE - 30)
    decide(system, "void", [], "all the rest")
    wait_for_figures(system, PER_CONFERENCE + 10, 0)
    voided = list_held(system, hold="void")
    assert len(voided) == ALL - PER_CONFERENCE - 10
    decide(system, "release", voided[-5:])
    wait_for_figures(system, PER_CONFERENCE + 15, 0)

    history = system.get(f"{HELD}/decisions", **IN_TEST)["results"]
    assert [(row["action"], row["event_count"], row["reason"], row["decided_by"]) for row in history] == [
        ("release", 5, "", "organizer"),
        ("void", ALL - PER_CONFERENCE - 30, "all the rest", "organizer"),
        ("void", 20, "a script", "organizer"),
        ("release", 10, "a stand without network", "organizer"),
    ]
    assert all(row["done_at"] for row in history)

    send_all(system)  # as clients do that got no answer
    post_as(system, 99, [report(99, 0)])
    system.wait_for(lambda: sum(stored(system).values()) == ALL + 1, "the last report")
    assert stored(system) == {"": PER_CONFERENCE + 15, "void": len(voided) - 5, "held": 1}
    wait_for_figures(system, PER_CONFERENCE + 15, 1)
