"""The first thing a newcomer tries, from outside, on real processes."""

import pytest

from tests.support.system import System


@pytest.mark.processes
def test_an_event_from_curl_is_summarized_within_a_minute(system: System) -> None:
    system.web_processes = 2
    system.start("web", "events", "daily", "beat")
    answer = system.http.post(
        "/api/analytics/events",
        content='{"events": [{"type": "page_view", "conference_id": "test", "page": "/"}]}',
        headers={"Content-Type": "application/json", "User-Agent": "curl/8.0"},
    )
    assert answer.status_code == 202
    assert answer.json() == {"accepted": 1, "rejected": []}

    token = system.token()
    summary = system.wait_for(
        lambda: system.get("/api/analytics/daily", token=token, conference_id="test")["results"],
        "the day's summary",
        seconds=60,
    )[0]
    assert (summary["pv"], summary["uv"], summary["revision"]) == (1, 1, 1)
