"""Who sends a request: which key it carries, and whether that is one."""

import asyncio
import base64
import datetime as dt
import re
import time
from typing import NamedTuple

from django.db import close_old_connections

from analytics.ingest.conferences import Directory
from analytics.ingest.remembering import Remembered
from analytics.ingest.requests import RefusedError, Request
from conferences.keys import SECRET_BEGINNING, GivenKey, Kind, may_be_conference_id, read_key
from conferences.services.keys import USE_NOTED_SECONDS, note_uses
from meeteasy.core.logs import get_logger

log = get_logger(__name__)

MESSAGES = {
    "key_required": "The conference takes events only with one of its keys.",
    "wrong_key": "The key is not, or no longer, one of the conference.",
}
_MAX_BASIC_BYTES = 512
# A key or a site that cannot be looked up is refused, so a request waits longer than one without.
_WAIT_SECONDS = 3.0
_KEY_IN_QUERY = re.compile(rb"(?:\A|&)key=(wk_[A-Za-z0-9_-]{1,128})(?:&|\Z)")


class Sender(NamedTuple):
    """conference_id: of the valid key; "" without one. has_wrong_key: a key was given that is none."""

    conference_id: str = ""
    is_secret: bool = False
    has_wrong_key: bool = False

    def refuse(self, conference_id: str) -> str | None:
        """Why a conference that requires a key takes nothing from this sender; None: it does."""
        if self.conference_id == conference_id:
            return None
        return "wrong_key" if self.has_wrong_key or self.conference_id else "key_required"


ANYBODY = Sender()


def find_key(request: Request) -> str:
    """The key that a request carries, in its header or its query; "" without one.

    A tracker that can set no header has its write key in the address: `?key=wk_…`. A secret key is not read
    from there: addresses end up in logs.
    """
    if request.authorization:
        return read_authorization(request.authorization)
    if not request.query:
        return ""
    match = _KEY_IN_QUERY.search(request.query)
    return match[1].decode() if match else ""


def read_authorization(header: bytes) -> str:
    """The key in an Authorization header: `Bearer <key>` or the user name of `Basic`; "" without one."""
    scheme, _, value = header.partition(b" ")
    scheme, value = scheme.lower(), value.strip()
    if scheme == b"bearer":
        return value.decode("latin-1")
    if scheme == b"basic" and len(value) <= _MAX_BASIC_BYTES:
        try:
            decoded = base64.b64decode(value, validate=True)
        except ValueError:
            return ""
        return decoded.partition(b":")[0].decode("latin-1")
    return ""


class Senders:
    """Checks keys and names against what the web process remembers, and notes when keys were used."""

    def __init__(self, directory: Directory, aliases: Remembered[str]) -> None:
        self.directory = directory
        self.aliases = aliases
        self._used: set[int] = set()
        self._noting: asyncio.Task[None] | None = None
        self._noted_at = -float(USE_NOTED_SECONDS)

    async def identify(self, text: str) -> Sender:
        """The sender with this key; a text that is no key of ours says nothing.

        Raises RefusedError for a secret key that is none, or a part of one: what it says must not become a
        mere report.
        """
        given = read_key(text) if text else None
        if given is not None:
            return await self._check(given)
        if text.startswith(SECRET_BEGINNING):
            raise RefusedError(401, "wrong_key", MESSAGES["wrong_key"])
        return ANYBODY

    async def identify_by(self, text: str) -> tuple[Sender, str]:
        """The sender, and the conference that a key or a conference's id stands for. For protocols whose key
        says what an event is about. Raises RefusedError if it is neither."""
        given = read_key(text)
        conference_id = text if given is None else given.conference_id
        if may_be_conference_id(conference_id):
            self.directory.forget_stale()
            _, missing = await self.directory.look_up([conference_id], wait_seconds=_WAIT_SECONDS)
            if not missing:
                return ANYBODY if given is None else await self._check(given), conference_id
        raise RefusedError(401, "wrong_key", "The write key is neither a key nor the id of a conference.")

    async def find_site(self, name: str) -> str | None:
        """The conference that a domain or a website id stands for; None: of none.

        Raises RefusedError while that cannot be looked up.
        """
        self.aliases.forget_stale()
        known, missing = await self.aliases.look_up([name], wait_seconds=_WAIT_SECONDS)
        if name in known:
            return known[name]
        if name in missing:
            return None
        raise _cannot_look()

    async def _check(self, given: GivenKey) -> Sender:
        self.directory.forget_stale()
        known, missing = await self.directory.look_up([given.conference_id], wait_seconds=_WAIT_SECONDS)
        conference = known.get(given.conference_id)
        key_id = conference.keys.find(given.kind, given.digest) if conference else None
        if key_id is None and not missing:
            if conference is None and given.kind == Kind.SECRET:
                raise _cannot_look()
            conference = await self.directory.recheck(given.conference_id, wait_seconds=_WAIT_SECONDS)
            key_id = conference.keys.find(given.kind, given.digest) if conference else None
        if key_id is not None:
            self._note_use(key_id)
            return Sender(given.conference_id, is_secret=given.kind == Kind.SECRET)
        if given.kind == Kind.SECRET:
            raise RefusedError(401, "wrong_key", MESSAGES["wrong_key"])
        return Sender(has_wrong_key=True)

    def _note_use(self, key_id: int) -> None:
        self._used.add(key_id)
        if self._noting is None:
            self._noting = asyncio.create_task(self._note_soon())

    async def _note_soon(self) -> None:
        """Write what was used once a minute, and the first use at once: never for each request."""
        await asyncio.sleep(max(0.0, self._noted_at + USE_NOTED_SECONDS - time.monotonic()))
        self._noting, self._noted_at = None, time.monotonic()
        await self._note_now()

    async def _note_now(self) -> None:
        used, self._used = self._used, set()
        if not used:
            return
        try:
            await self.directory.in_thread(_note_uses, used, dt.datetime.now(dt.UTC))
        except Exception as error:  # of any kind: it is only shown to people
            log.warning("key_uses_not_noted", error=repr(error))

    async def stop(self) -> None:
        if self._noting is not None:
            self._noting.cancel()
            self._noting = None
        await self._note_now()


def _note_uses(key_ids: set[int], at: dt.datetime) -> None:
    close_old_connections()
    try:
        note_uses(key_ids, at=at)
    finally:
        close_old_connections()


def _cannot_look() -> RefusedError:
    return RefusedError(503, "keys_unavailable", "Keys cannot be looked up at the moment.", retry_after=2)
