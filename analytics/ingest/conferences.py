"""What the door knows of the conferences that clients name: whether they exist, their zone, rules and keys.

Each web process remembers it for a few seconds, so that no request waits for the database. Keys name their
conference and come with it: a made-up one costs no query of its own.
"""

import time
from collections.abc import Callable, Collection

import msgspec
from django.db import close_old_connections

from analytics.ingest.remembering import FRESH_SECONDS as FRESH_SECONDS
from analytics.ingest.remembering import MAX_REMEMBERED, Remembered
from analytics.ingest.rules import Rules, make_rules
from analytics.models import DoorRules
from conferences.keys import Kind
from conferences.models import Alias, Conference, EventKey

_IDS_AT_ONCE = 500
# A key that is not among those remembered may be new: so often a conference is asked about again for that.
_RECHECK_SECONDS = 1.0


class Keys(msgspec.Struct, frozen=True):
    """The valid keys of a conference: the rows' ids by digest."""

    write: dict[str, int]
    secret: dict[str, int]

    def find(self, kind: Kind, digest: str) -> int | None:
        return (self.secret if kind == Kind.SECRET else self.write).get(digest)


class Known(msgspec.Struct, frozen=True):
    """An existing conference. rules: None where its organizers made none."""

    time_zone: str
    rules: Rules | None = None
    keys: Keys = Keys({}, {})
    requires_key: bool = False


def load_conferences(conference_ids: Collection[str]) -> dict[str, Known]:
    """Those of the ids that a conference has. Blocks."""
    ids = list(conference_ids)
    close_old_connections()
    try:
        found: dict[str, Known] = {}
        for start in range(0, len(ids), _IDS_AT_ONCE):
            part = ids[start : start + _IDS_AT_ONCE]
            rules = {row.conference_id: row for row in DoorRules.objects.filter(conference_id__in=part)}
            keys = _load_keys(part)
            conferences = Conference.objects.filter(id__in=part)
            for conference_id, zone, is_required in conferences.values_list(
                "id", "time_zone", "event_key_required"
            ):
                row = rules.get(conference_id)
                found[conference_id] = Known(
                    zone,
                    make_rules(row) if row else None,
                    keys.get(conference_id, Keys({}, {})),
                    is_required,
                )
        return found
    finally:
        close_old_connections()


def _load_keys(conference_ids: list[str]) -> dict[str, Keys]:
    keys: dict[str, Keys] = {}
    rows = EventKey.objects.filter(conference_id__in=conference_ids, revoked_at=None)
    for conference_id, kind, digest, pk in rows.values_list("conference_id", "kind", "digest", "pk"):
        of_conference = keys.setdefault(conference_id, Keys({}, {}))
        (of_conference.secret if kind == Kind.SECRET else of_conference.write)[digest] = pk
    return keys


def load_aliases(names: Collection[str]) -> dict[str, str]:
    """The conferences that domains and website ids stand for. Blocks."""
    close_old_connections()
    try:
        verified = Alias.objects.filter(name__in=list(names), verified_at__isnull=False)
        return dict(verified.values_list("name", "conference_id"))
    finally:
        close_old_connections()


class Directory(Remembered[Known]):
    """Remembers conferences."""

    def __init__(
        self,
        load: Callable[[Collection[str]], dict[str, Known]] = load_conferences,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(load, clock=clock)
        # For the caller to look at first: those that exist, have no rules and require no key. Sets are
        # compared at once.
        self.plain: set[str] = set()
        # Not forgotten with the rest: visitors' ids depend on it, with the database away, too.
        self._zones: dict[str, str] = {}
        self._rechecked_at = 0.0

    def _forget(self) -> None:
        super()._forget()
        self.plain = set()

    def get_zone(self, conference_id: str) -> str | None:
        """The conference's time zone; None if it is not known here (yet)."""
        return self._zones.get(conference_id)

    async def recheck(self, conference_id: str, *, wait_seconds: float) -> Known | None:
        """Ask about a conference again, because a key may be new; at most once in _RECHECK_SECONDS for all
        conferences together, since clients choose how many wrong keys there are."""
        if self._clock() < self._rechecked_at + _RECHECK_SECONDS:
            return None
        self._rechecked_at = self._clock()
        self._known.pop(conference_id, None)
        self._missing.discard(conference_id)
        self.plain.discard(conference_id)
        known, _ = await self.look_up([conference_id], wait_seconds=wait_seconds)
        return known.get(conference_id)

    def _remember(self, found: dict[str, Known]) -> None:
        if len(self._zones) > MAX_REMEMBERED:
            self._zones = {}
        self._zones.update((conference_id, known.time_zone) for conference_id, known in found.items())
        super()._remember(found)
        self.plain |= {
            conference_id
            for conference_id, known in found.items()
            if known.rules is None and not known.requires_key
        }
