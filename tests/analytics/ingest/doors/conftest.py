"""Requests as other tools' clients send them."""

from collections.abc import Callable
from typing import Any

import httpx
import msgspec
import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from conferences.models import Alias, Conference
from tests.analytics.ingest.conftest import BROWSER, Door

WEBSITE = "0199d3a8-6f5e-7c1a-9b7e-0a4f6d2c8e10"
DOMAIN = "example.org"


class OtherDoor:
    """A client of another tool's protocol: `post("/v1/track", {...})`."""

    def __init__(self, door: Door) -> None:
        self.door = door

    async def post(
        self, path: str, body: Any = None, *, content: bytes | None = None, **headers: str
    ) -> httpx.Response:
        content = msgspec.json.encode(body) if content is None else content
        headers = {"user_agent": BROWSER, "content_type": "text/plain", **headers}
        return await self.door.request("POST", path=path, content=content, **headers)


@pytest.fixture
def other(door: Door) -> OtherDoor:
    return OtherDoor(door)


@pytest.fixture
def make_conference(transactional_db: None) -> Callable[..., Any]:
    """Makes `summit`, which example.org and the website WEBSITE stand for."""

    def make(**fields: Any) -> Conference:
        conference = Conference.objects.create(id="summit", name="Summit", time_zone="UTC", **fields)
        for kind, name in (("domain", DOMAIN), ("website", WEBSITE)):
            conference.aliases.create(kind=kind, name=name, proof="x", verified_at=timezone.now())
        other = Conference.objects.create(id="other", name="Other", time_zone="UTC")
        Alias.objects.create(conference=other, kind="domain", name="claimed.example", proof="x")
        return conference

    return sync_to_async(make)
