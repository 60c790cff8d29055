"""Clients that post without pause and behave as docs/delivery.md asks: what got no 202 they send again."""

import itertools
import threading
import time
from typing import Any

import httpx


class PostingClients:
    """Threads that each post one batch after the other, every event with an id of its own.

        with PostingClients(url, threads=4) as clients:
            ...  # kill something
        clients.ids  # of all events, each of which was answered with 202 in the end

    host: the name that they ask for, if it is not the address.
    prefix: of the events' ids, where several post.
    retries: how many times a batch got another answer than 202, or none, and was sent again.
    """

    def __init__(
        self,
        url: str,
        *,
        threads: int = 4,
        batch: int = 10,
        pause_seconds: float = 0.01,
        host: str = "",
        prefix: str = "",
    ) -> None:
        self.ids: set[str] = set()
        self.retries = 0
        self.batches = 0
        self._url = f"{url}/api/analytics/events"
        self._batch = batch
        self._pause_seconds = pause_seconds
        self._prefix = prefix
        self._headers = {"Host": host} if host else {}
        self._stop = threading.Event()
        self._give_up_at = float("inf")
        self._lock = threading.Lock()
        self._failures: list[BaseException] = []
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(threads)]

    def __enter__(self) -> "PostingClients":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._give_up_at = time.monotonic() + 60
        self._stop.set()
        for thread in self._threads:
            thread.join()
        if self._failures:
            raise self._failures[0]

    def wait_for_batches(self, count: int, *, seconds: float = 60) -> None:
        """Wait until `count` more batches were answered with 202."""
        wanted, deadline = self.batches + count, time.monotonic() + seconds
        while self.batches < wanted:
            assert time.monotonic() < deadline, f"{wanted - self.batches} of {count} batches not accepted"
            time.sleep(0.02)

    def _run(self, thread: int) -> None:
        try:
            for number in itertools.count():
                if self._stop.is_set():
                    return
                events = [
                    make_event(f"{self._prefix}{thread}-{number}-{place}") for place in range(self._batch)
                ]
                self._send_until_accepted(events)
                with self._lock:
                    self.batches += 1
                    self.ids.update(event["event_id"] for event in events)
                time.sleep(self._pause_seconds)
        except BaseException as error:
            self._failures.append(error)

    def _send_until_accepted(self, events: list[dict[str, Any]]) -> None:
        while True:
            try:
                # verify=False: reading the certificates of authorities takes longer than all the rest.
                answer = httpx.post(
                    self._url, json={"events": events}, headers=self._headers, timeout=15, verify=False
                )
                if answer.status_code == 202:
                    assert answer.json() == {"accepted": len(events), "rejected": []}
                    return
                assert answer.status_code in (429, 503), answer.text
            except httpx.TransportError:
                pass
            assert time.monotonic() < self._give_up_at, "no 202 within a minute"
            with self._lock:
                self.retries += 1
            time.sleep(0.1)


def make_event(event_id: str, *, conference_id: str = "test") -> dict[str, Any]:
    """Page views of ten visitors, and now and then a registration or a check-in."""
    number = sum(event_id.encode())
    event = {"event_id": event_id, "conference_id": conference_id, "visitor_id": f"v{number % 10}"}
    if number % 11 == 0:
        return {**event, "type": "registration", "form_id": "f", "registration_id": f"r-{event_id}"}
    if number % 13 == 0:
        return {**event, "type": "checkin", "method": "qr", "registration_id": f"r{number % 7}"}
    return {**event, "type": "page_view", "page": f"/{number % 5}"}
