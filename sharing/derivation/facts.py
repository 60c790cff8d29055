"""From stored events to facts, and the facts into their tables: each event once, however often it comes."""

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from analytics.days.redating import mark_where_trust_changed
from analytics.erasing import erase_rows
from analytics.event_types import is_own
from analytics.events.rows import EventRow
from conferences.models import Conference
from sharing.derivation import bulk
from sharing.models import ShareClaim, ShareOpen, ShareRegistration
from sharing.rules.attribution import Moment, Open, Registration
from sharing.rules.codes import chain_digest, code_of, is_malformed, link_key

EVENT_TYPES = ("share", "share_open", "registration")
DEFAULT_WINDOW_DAYS = 30
# What stands before the id of an event that says nothing of its visitor, and of a user.
ANONYMOUS = "anonymous:"
USER = "user:"


class Claim(msgspec.Struct, frozen=True, gc=False):
    """Somebody shared a code, or the server minted it; a mirror of the model ShareClaim."""

    link_key: str
    moment: Moment
    sharer: str
    parent_key: str = ""
    channel: str = ""
    target_url: str = ""
    label: str = ""
    is_minted: bool = False
    is_bot: bool = False


class RegistrationRecord(msgspec.Struct, gc=False):
    """A registration as far as one or more events tell it; a mirror of the model ShareRegistration."""

    id: str
    moment: Moment
    visitor: str = ""
    visitor_moment: Moment | None = None
    code_key: str = ""
    code_moment: Moment | None = None
    is_trusted: bool = True
    window_days: int = DEFAULT_WINDOW_DAYS

    @property
    def conference_id(self) -> str:
        return self.id.partition("/")[0]

    @property
    def registration(self) -> Registration:
        return Registration(self.moment, self.visitor, self.code_key, self.window_days, self.is_trusted)

    def merge(self, other: "RegistrationRecord") -> None:
        """Take what `other` knows from earlier on; may be repeated.

        What is not trusted adds nothing to what is, and gives way to it.
        """
        if self.is_trusted and not other.is_trusted:
            return
        if other.is_trusted and not self.is_trusted:
            self.moment, self.is_trusted = other.moment, True
            self.visitor, self.visitor_moment = other.visitor, other.visitor_moment
            self.code_key, self.code_moment = other.code_key, other.code_moment
            return
        self.moment = min(self.moment, other.moment)
        if other.visitor_moment and (
            self.visitor_moment is None or other.visitor_moment < self.visitor_moment
        ):
            self.visitor, self.visitor_moment = other.visitor, other.visitor_moment
        if other.code_moment and (self.code_moment is None or other.code_moment < self.code_moment):
            self.code_key, self.code_moment = other.code_key, other.code_moment


class _OwnFields(msgspec.Struct, gc=False):
    """The fields of the three event types that say something here."""

    share_code: str = ""
    parent_share_code: str = ""
    channel: str = ""
    target_url: str = ""
    attribution_chain: list[str] | None = None


_decode = msgspec.json.Decoder(_OwnFields).decode


class Facts(msgspec.Struct):
    """What a delivery reports. Claims and opens of bots are facts, too; a bot's registration is none.

    events: what they were read from, if that was events; opens always are. is_complete: whether
    these are all events of the registrations in them, so that what they told before no longer counts.
    """

    events: Sequence[EventRow] = ()
    is_complete: bool = False
    claims: list[Claim] = msgspec.field(default_factory=list)
    opens: list[Open] = msgspec.field(default_factory=list)
    registrations: list[RegistrationRecord] = msgspec.field(default_factory=list)

    def conference_ids(self) -> set[str]:
        """Whose trees they may change."""
        if self.events:
            return {event.conference_id for event in self.events}
        return {claim.link_key.partition("/")[0] for claim in self.claims} | {
            item.conference_id for item in self.registrations
        }


def read_facts(events: Sequence[EventRow], *, is_complete: bool = False) -> Facts:
    """The facts in events of EVENT_TYPES."""
    facts = Facts(events, is_complete)
    key_of = lru_cache(maxsize=None)(link_key)  # codes repeat within a delivery
    for event in events:
        if "/" in event.conference_id:
            continue  # no conference can have such an id, and in keys it would look like another's
        data = _decode(event.data)
        moment = (event.ts_ms, event.event_id)
        # Without a visitor id (an import), nobody is known to be the same person.
        visitor = known_as(event.visitor_id) if event.visitor_id else f"{ANONYMOUS}{event.event_id}"
        if event.type == "share":
            key = key_of(event.conference_id, data.share_code)
            if is_malformed(key):  # signed, but not by us: no link may come of it
                continue
            parent = data.parent_share_code and key_of(event.conference_id, data.parent_share_code)
            claim = Claim(
                key, moment, visitor, "" if is_malformed(parent) else parent,
                data.channel, data.target_url, is_bot=event.is_bot,
            )  # fmt: skip
            facts.claims.append(claim)
        elif event.type == "share_open":
            opened = Open(
                key_of(event.conference_id, data.share_code), moment, visitor, event.is_bot,
                _digest(data.attribution_chain, event.conference_id, key_of),
            )  # fmt: skip
            facts.opens.append(opened)
        elif event.type == "registration" and not event.is_bot:
            reported = RegistrationRecord(f"{event.conference_id}/{event.subject}", moment)
            if event.visitor_id:
                reported.visitor, reported.visitor_moment = visitor, moment
            if code := data.share_code:
                reported.code_key, reported.code_moment = key_of(event.conference_id, code), moment
            # Whether it is trusted beside those of our own form is looked up when it is stored.
            reported.is_trusted = is_own(event.event_id)
            facts.registrations.append(reported)
    return facts


def without_erased(new: Facts) -> Facts:
    """The facts without those who were erased since the events were read. Asked under the lock: either this
    finds the erasure, or the erasure finds what the caller is about to store."""
    return read_facts(new.events, is_complete=new.is_complete) if erase_rows(new.events) else new


def known_as(visitor_id: str) -> str:
    """A visitor as they stand in our tables. Nobody becomes one of our users, who own minted links, by a
    visitor id that looks like one's."""
    return f"visitor:{visitor_id}" if visitor_id.startswith(USER) else visitor_id


def visitor_id_of(sharer: str) -> str | None:
    """The other way round; None for one of our users."""
    if sharer.startswith(USER):
        return None
    return sharer.removeprefix("visitor:") if sharer.startswith(f"visitor:{USER}") else sharer


def _digest(chain: list[str] | None, conference_id: str, key_of: Callable[[str, str], str]) -> str:
    """Of a chain as a browser has it, in which signed codes stand with their signatures; "" without one."""
    if not chain:
        return ""
    return chain_digest([code_of(key_of(conference_id, code)) for code in chain])


def insert_claims(claims: Sequence[Claim]) -> list[Claim]:
    """Store claims; returns those that were new, bots' left out."""
    columns = (
        "link_key", "ms", "event_id", "sharer", "parent_key", "channel", "target_url", "label", "is_minted",
        "is_bot",
    )  # fmt: skip
    rows = [
        (
            claim.link_key, *claim.moment, claim.sharer, claim.parent_key, claim.channel, claim.target_url,
            claim.label, +claim.is_minted, +claim.is_bot,
        )
        for claim in claims
    ]  # fmt: skip
    new = bulk.insert_new(ShareClaim, columns, rows)
    return [claim for claim in claims if not claim.is_bot and claim.moment[1] in new]


def insert_opens(opens: Sequence[Open], *, known_links: Collection[str]) -> Sequence[Open]:
    """Store opens; returns those that were new, bots' included.

    opens: each event once. known_links: which of their links exist, with those of the same delivery.
    """
    columns = ("event_id", "ms", "link_key", "visitor", "is_bot", "chain_digest", "is_early")
    rows = [
        (
            item.moment[1], item.moment[0], item.key, item.visitor, +item.is_bot, item.chain_digest,
            +(item.key not in known_links),
        )
        for item in opens
    ]  # fmt: skip
    new = bulk.insert_new(ShareOpen, columns, rows)
    return opens if len(new) == len(opens) else [item for item in opens if item.moment[1] in new]


_COLUMNS = (
    "ms", "event_id", "visitor", "visitor_ms", "visitor_event_id", "code_key", "code_ms", "code_event_id",
    "is_trusted", "window_days",
)  # fmt: skip


def load_registrations(ids: Iterable[str]) -> dict[str, RegistrationRecord]:
    rows = bulk.fetch(
        f"SELECT id, {', '.join(_COLUMNS)} FROM {{keys}} "  # noqa: S608
        f"JOIN {ShareRegistration._meta.db_table} ON id = keys.key",
        list(ids),
    )
    return {row[0]: _reported(row) for row in rows}


def find_registrations_by(visitors: Iterable[str]) -> list[RegistrationRecord]:
    """The registrations of these visitors, in all conferences."""
    rows = bulk.fetch(
        f"SELECT id, {', '.join(_COLUMNS)} FROM {{keys}} "  # noqa: S608
        f"JOIN {ShareRegistration._meta.db_table} ON visitor = keys.key",
        list(visitors),
    )
    return [_reported(row) for row in rows]


def merge_registrations(
    reported: Sequence[RegistrationRecord], *, anew: bool = False
) -> tuple[dict[str, RegistrationRecord], dict[str, Moment]]:
    """Store registrations. Returns those that are new or known otherwise now, and when the latter were
    thought to have happened so far.

    anew: `reported` replaces what is known of them. The window stays that of the first time.
    """
    if not reported:
        return {}, {}
    conferences = Conference.objects.in_bulk({item.conference_id for item in reported})
    mark_where_trust_changed(conferences.values())
    known = load_registrations({item.id for item in reported})
    merged = {} if anew else {key: msgspec.structs.replace(item) for key, item in known.items()}
    for item in reported:
        conference = conferences.get(item.conference_id)
        if item.id in known:
            item.window_days = known[item.id].window_days
        elif conference is not None:
            item.window_days = conference.attribution_window_days
        item.is_trusted = item.is_trusted or conference is None or conference.trust_client_registrations
        if item.id in merged:
            merged[item.id].merge(item)
        else:
            merged[item.id] = item
    inserted = {key: item for key, item in merged.items() if key not in known}
    updated = {key: item for key, item in merged.items() if key in known and item != known[key]}
    bulk.insert(
        ShareRegistration,
        ("id", "conference_id", *_COLUMNS),
        [(key, item.conference_id, *_values(item)) for key, item in inserted.items()],
    )
    bulk.update(ShareRegistration, _COLUMNS, [(*_values(item), key) for key, item in updated.items()])
    return inserted | updated, {key: known[key].moment for key in updated}


def _values(item: RegistrationRecord) -> tuple[object, ...]:
    return (
        *item.moment, item.visitor, *(item.visitor_moment or (None, "")), item.code_key,
        *(item.code_moment or (None, "")), +item.is_trusted, item.window_days,
    )  # fmt: skip


def _reported(row: tuple[Any, ...]) -> RegistrationRecord:
    key, ms, event_id, visitor, visitor_ms, visitor_id, code, code_ms, code_id, is_trusted, window_days = row
    return RegistrationRecord(
        key, (ms, event_id), visitor, None if visitor_ms is None else (visitor_ms, visitor_id),
        code, None if code_ms is None else (code_ms, code_id), bool(is_trusted), window_days,
    )  # fmt: skip
