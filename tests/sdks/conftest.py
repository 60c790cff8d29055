"""The running system, a site that other tools know, and the wire between them."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.sdks.wire import Wire
from tests.support.system import System

DOMAIN = "example.org"
WEBSITE = "0199d3a8-6f5e-7c1a-9b7e-0a4f6d2c8e10"
_SITE = f"""
from django.utils import timezone
from conferences.models import Conference
from conferences.services.keys import create_key
conference = Conference.objects.get(id="test")
for kind, name in (("domain", "{DOMAIN}"), ("website", "{WEBSITE}")):
    conference.aliases.create(kind=kind, name=name, proof="x", verified_at=timezone.now())
print(*(create_key(conference=conference, kind=kind, name=kind, by=None)[1] for kind in ("write", "secret")))
"""


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[System, str, str]]:
    """The system with its two keys, a write key and a secret key."""
    system = System(tmp_path_factory.mktemp("sdks"))
    system.prepare()
    write, secret = system.run_code(_SITE).split()
    system.start("web", "events")
    yield system, write, secret
    system.stop()


@pytest.fixture
def system(running: tuple[System, str, str]) -> System:
    return running[0]


@pytest.fixture
def write_key(running: tuple[System, str, str]) -> str:
    return running[1]


@pytest.fixture
def secret_key(running: tuple[System, str, str]) -> str:
    return running[2]


@pytest.fixture
def wire(system: System) -> Iterator[Wire]:
    made = Wire(system.url)
    yield made
    made.close()


Stored = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def stored(system: System) -> Stored:
    """`stored(3)`: the events of this test, once there are so many and no more come."""
    known = {line["event_id"] for line in _lines(system)}

    def read(count: int) -> list[dict[str, Any]]:
        def new() -> list[dict[str, Any]]:
            return [line for line in _lines(system) if line["event_id"] not in known]

        found: list[dict[str, Any]] = system.wait_for(
            lambda: found if len(found := new()) >= count else [], f"{count} events", seconds=40, every=0.3
        )
        time.sleep(0.5)
        assert len(new()) == count, [line["event_id"] for line in new()]
        return sorted(found, key=lambda line: (line["type"], line["event_id"]))

    return read


def _lines(system: System) -> list[dict[str, Any]]:
    output = system.manage("export_events", "-")
    return [json.loads(line) for line in output.splitlines() if line.startswith("{")]
