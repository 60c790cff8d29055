"""From stored events to facts; claims and opens into their tables, each once, however often it comes."""

from collections.abc import Callable, Container, Sequence
from functools import lru_cache

import msgspec

from analytics.erasing import erase_rows
from analytics.event_types import is_confirmed
from analytics.events.rows import EventRow
from sharing.derivation import bulk
from sharing.derivation.registrations import RegistrationRecord, Standing, digest_form, report_key
from sharing.models import ShareClaim, ShareOpen
from sharing.rules.attribution import digest_of_chain
from sharing.rules.codes import code_of, is_malformed, link_key
from sharing.rules.opens import Moment, Open

EVENT_TYPES = ("share", "share_open", "registration", "registration_standing")
# What stands before the id of an event that says nothing of its visitor, and of a user.
ANONYMOUS = "anonymous:"
USER = "user:"


class Claim(msgspec.Struct, frozen=True, gc=False):
    """Somebody shared a code, or the server minted it; a mirror of the model ShareClaim."""

    link_key: str
    moment: Moment
    received_ms: int
    sharer: str
    parent_key: str = ""
    channel: str = ""
    target_url: str = ""
    label: str = ""
    is_minted: bool = False
    is_proven: bool = False
    is_automatic: bool = False
    is_bot: bool = False

    @property
    def id(self) -> str:
        return event_key(self.moment, self.link_key)

    @property
    def order(self) -> tuple[bool, bool, int, int, str]:
        """Of two claims to a code the one that sorts first decides (Node.claim_order)."""
        return (not self.is_minted, not self.is_proven, self.received_ms, *self.moment)


def event_key(moment: Moment, key: str) -> str:
    """The key of an event: its id may be another event's in another conference.

    key: of anything in its conference.
    """
    return f"{moment[1]}/{key.partition('/')[0]}"


class _OwnFields(msgspec.Struct, gc=False):
    """The fields of these event types that say something here."""

    share_code: str = ""
    parent_share_code: str = ""
    channel: str = ""
    target_url: str = ""
    minted: bool | None = None
    proven: bool = False
    attribution_chain: list[str] | None = None
    form_id: str = ""
    registration_id: str = ""
    source: str = ""
    version: int = 0
    stands: bool = True


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
    standings: list[Standing] = msgspec.field(default_factory=list)

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
                key, moment, event.received_ms, visitor, "" if is_malformed(parent) else parent,
                data.channel, data.target_url, is_proven=data.proven, is_automatic=bool(data.minted),
                is_bot=event.is_bot,
            )  # fmt: skip
            facts.claims.append(claim)
        elif event.type == "share_open":
            opened = Open(
                key_of(event.conference_id, data.share_code), moment, visitor, event.is_bot,
                _digest(data.attribution_chain, event.conference_id, key_of),
            )  # fmt: skip
            facts.opens.append(opened)
        elif event.type == "registration" and not event.is_bot:
            facts.registrations.append(_read_registration(event, data, visitor, key_of))
        elif event.type == "registration_standing":
            key = f"{event.conference_id}/{event.subject}"
            facts.standings.append(Standing(key, data.source, data.version, data.stands))
    return facts


def _read_registration(
    event: EventRow, data: _OwnFields, visitor: str, key_of: Callable[[str, str], str]
) -> RegistrationRecord:
    moment = (event.ts_ms, event.event_id)
    reported = RegistrationRecord(f"{event.conference_id}/{event.subject}", moment)
    reported.form_digest = digest_form(data.form_id)
    reported.is_confirmed = is_confirmed(event.event_id)
    reported.is_held = event.is_held and not reported.is_confirmed
    if event.visitor_id:
        reported.visitor, reported.visitor_moment = visitor, moment
        if not data.registration_id:
            reported.id = report_key(event.conference_id, reported.form_digest, visitor)
    if code := data.share_code:
        reported.code_key, reported.code_moment = key_of(event.conference_id, code), moment
    return reported


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
    return digest_of_chain([code_of(key_of(conference_id, code)) for code in chain])


def insert_claims(claims: Sequence[Claim]) -> list[Claim]:
    """Store claims; returns those that were new, bots' left out."""
    columns = (
        "id", "link_key", "ms", "received_ms", "sharer", "parent_key", "channel", "target_url", "label",
        "is_minted", "is_proven", "is_automatic", "is_bot",
    )  # fmt: skip
    rows = [
        (
            claim.id, claim.link_key, claim.moment[0], claim.received_ms, claim.sharer, claim.parent_key,
            claim.channel, claim.target_url, claim.label, +claim.is_minted, +claim.is_proven,
            +claim.is_automatic, +claim.is_bot,
        )
        for claim in claims
    ]  # fmt: skip
    new = bulk.insert_new(ShareClaim, columns, rows)
    return [claim for claim, row in zip(claims, rows, strict=True) if not claim.is_bot and row[0] in new]


def insert_opens(opens: Sequence[Open], *, known_links: Container[str]) -> Sequence[Open]:
    """Store opens; returns those that were new, bots' included.

    opens: each event once. known_links: which of their links exist, with those of the same delivery.
    """
    columns = ("id", "ms", "link_key", "visitor", "is_bot", "chain_digest", "is_early")
    # What is the same for all opens of a link: the end of their keys, and whether it is known.
    of_link = {
        key: (f"/{key.partition('/')[0]}", +(key not in known_links)) for key in {o.key for o in opens}
    }
    rows = [
        (
            item.moment[1] + of_link[item.key][0], item.moment[0], item.key, item.visitor, +item.is_bot,
            item.chain_digest, of_link[item.key][1],
        )
        for item in opens
    ]  # fmt: skip
    new = bulk.insert_new(ShareOpen, columns, rows)
    if len(new) == len(opens):
        return opens
    return [item for item, row in zip(opens, rows, strict=True) if row[0] in new]
