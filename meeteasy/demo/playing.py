"""Play visitors of a demo conference through the public HTTP API, as browsers would."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from analytics.event_types.share import prove_code
from meeteasy.demo import facts
from meeteasy.demo.people import invent_people

MOST_PER_SECOND = 20.0
_LONGEST_PAUSE_SECONDS = 60.0
_LINKS_KEPT = 50
_NONCE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@dataclass
class Played:
    """How many visitors came, events were taken, and people registered. refused: answers that were errors."""

    visitors: int = 0
    events: int = 0
    registrations: int = 0
    refused: int = 0


@dataclass
class Player:
    """Plays one visitor after another.

    client: its base address is the server's. registers: False plays no registrations, which send mails.
    """

    client: httpx.Client
    conference_id: str
    registers: bool
    chance: random.Random = field(default_factory=random.Random)
    sleep: Callable[[float], Any] = time.sleep
    clock: Callable[[], float] = time.monotonic
    played: Played = field(default_factory=Played)

    def __post_init__(self) -> None:
        self._people = invent_people(self.chance)
        self._links: list[str] = []
        self._names = f"live{self.chance.getrandbits(32):08x}"

    def play(self, *, per_second: float, until: Callable[[], bool]) -> Played:
        """Play visitors at this rate, at most MOST_PER_SECOND, until `until` says so.

        A server that is away, or asks for a pause, gets one.
        """
        pause = 1 / min(per_second, MOST_PER_SECOND)
        while not until():
            started = self.clock()
            try:
                self._play_visitor()
            except httpx.TransportError:
                self.played.refused += 1
                self.sleep(2)
            self.sleep(max(0.0, pause - (self.clock() - started)))
        return self.played

    def _play_visitor(self) -> None:
        chance = self.chance
        visitor, session = (f"{chance.getrandbits(128):032x}" for _ in range(2))
        agent = chance.choices(list(facts.AGENTS), list(facts.AGENTS.values()))[0]
        opened = chance.choice(self._links) if self._links and chance.random() < 0.4 else ""
        base = {"conference_id": self.conference_id, "visitor_id": visitor, "session_id": session}
        self.played.visitors += 1
        events: list[dict[str, Any]] = []
        if opened:
            events.append({**base, "type": "share_open", "share_code": opened})
        source = facts.Source(0) if opened else chance.choice(facts.SOURCES)
        for number, page in enumerate(
            chance.choices(list(facts.PAGES), facts.PAGE_WEIGHTS, k=chance.choice((1, 1, 2, 3)))
        ):
            url = f"{facts.SITE}{page}" + (f"?_s={opened}" if opened and number == 0 else "")
            referrer = source.referrer if number == 0 else ""
            events.append(
                {**base, "type": "page_view", "page": page, "url": url, "title": facts.PAGES[page][0],
                 **({"referrer": referrer} if referrer else {})}
            )  # fmt: skip
        if chance.random() < 0.15:
            events.append({**base, "type": "share", **self._share(visitor, opened)})
        self._send(events, agent)
        if self.registers and chance.random() < (0.2 if opened else 0.08):
            self._register(base, opened, agent)

    def _share(self, visitor: str, opened: str) -> dict[str, Any]:
        code = prove_code(self.conference_id, visitor, "".join(self.chance.choices(_NONCE, k=4)))
        self._links = [*self._links, code][-_LINKS_KEPT:]
        channels = facts.CHANNELS
        channel = self.chance.choices(list(channels), list(channels.values()))[0]
        return {"share_code": code, "channel": channel, **({"parent_share_code": opened} if opened else {})}

    def _register(self, base: dict[str, Any], opened: str, agent: str) -> None:
        person = next(self._people)
        name = f"{self._names}-{self.played.registrations}"
        answer = self._post(
            f"/api/conferences/{self.conference_id}/registrations",
            {
                "name": person.name, "email": f"{name}@example.com", "phone": person.phone,
                "language": person.language, "form_id": "main", "visitor_id": base["visitor_id"],
                "share_code": opened,
                "answers": {"company": person.company, "consent": True, "track": "ai",
                            "meals": self.chance.choice(facts.MEALS)},
            },
            agent,
        )  # fmt: skip
        if answer.is_success:
            self.played.registrations += 1
            registration_id = answer.json()["receipt"]
            self._send(
                [{**base, "type": "registration", "form_id": "main", "registration_id": registration_id}],
                agent,
            )

    def _send(self, events: list[dict[str, Any]], agent: str) -> None:
        answer = self._post("/api/analytics/events", {"events": events}, agent)
        if answer.is_success:
            self.played.events += answer.json()["accepted"]

    def _post(self, path: str, body: dict[str, Any], agent: str) -> httpx.Response:
        answer = self.client.post(path, json=body, headers={"User-Agent": agent})
        if not answer.is_success:
            self.played.refused += 1
            if answer.status_code in (429, 503):
                wanted = answer.headers.get("Retry-After", "")
                seconds = float(wanted) if wanted.isdecimal() else 5.0
                self.sleep(min(seconds, _LONGEST_PAUSE_SECONDS))
        return answer
