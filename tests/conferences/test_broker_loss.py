"""Losing the broker with all its data does not lose registrations from the statistics."""

import datetime as dt
import shutil

import pytest

from tests.support.system import System

pytestmark = pytest.mark.processes


def test_registrations_around_a_broker_loss_are_counted(system: System) -> None:
    system.start("web", "events", "daily", "beat")
    token = system.token()
    registered: list[str] = []

    def register(count: int) -> None:
        for _ in range(count):
            number = len(registered) + 10  # no address may be part of another one
            answer = system.http.post(
                "/api/conferences/test/registrations",
                json={"name": f"Attendee {number}", "email": f"attendee{number}@example.com"},
            )
            assert answer.status_code == 201, answer.text
            registered.append(f"attendee{number}@example.com")

    def check_in(email: str) -> None:
        found = system.get("/api/conferences/test/registrations", token=token, q=email)["results"]
        answer = system.http.post(
            "/api/conferences/test/checkins",
            json={"registration_id": found[0]["id"]},
            headers={"Authorization": f"Token {token}"},
        )
        assert answer.json()["status"] == "checked_in", answer.text

    def counted() -> tuple[int, int]:
        today = dt.datetime.now(dt.UTC).date()  # the conference `test` is in UTC
        found = system.get("/api/analytics/daily", token=token, conference_id="test")["results"]
        days = [day for day in found if day["date"] >= (today - dt.timedelta(days=1)).isoformat()]
        return sum(day["registrations"] for day in days), sum(day["checkins"] for day in days)

    register(2)
    check_in(registered[0])
    system.wait_for(lambda: counted() == (2, 1), "the first registrations in the summary")

    # The stream entries of these two are never stored: no worker runs, and the broker's disk is lost too.
    system.kill("events")
    register(2)
    check_in(registered[1])
    system.valkey.kill()
    shutil.rmtree(system.valkey.directory)

    register(3)  # registering works meanwhile
    check_in(registered[2])

    system.valkey.start()
    system.start("events")
    register(1)
    system.wait_for(lambda: counted() == (8, 3), "every registration in the summary", seconds=180)
