"""Read facts from stored events, and store claims and opens. Repeated events are stored once."""

from collections import Counter
from collections.abc import Callable, Container, Sequence
from functools import lru_cache

import msgspec

from analytics.erasing import erase_rows
from analytics.event_types import is_confirmed
from analytics.events.rows import EventRow
from sharing.derivation import bulk, store
from sharing.derivation.registrations import RegistrationRecord, Standing, digest_form, report_key
from sharing.models import ShareClaim, ShareOpen
from sharing.rules.attribution import digest_of_chain
from sharing.rules.codes import code_of, is_malformed, link_key
from sharing.rules.opens import Moment, Open

FACT_TYPES = ("share", "share_open", "registration", "registration_standing")
# Prefixes of a sharer's id: of an event without a visitor id, and of one of our users.
ANONYMOUS = "anonymous:"
USER = "user:"


class Claim(msgspec.Struct, frozen=True, gc=False):
    """A claim: somebody shared a code, or the server minted it. Mirrors the model ShareClaim."""

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
        """The sort key of claims to a code: the first claim decides (Node.claim_order)."""
        return (not self.is_minted, not self.is_proven, self.received_ms, *self.moment)


def event_key(moment: Moment, key: str) -> str:
    """The key of an event. It contains the conference, because two conferences may use the same event id.

    key: any key in the event's conference.
    """
    return f"{moment[1]}/{key.partition('/')[0]}"


class _OwnFields(msgspec.Struct, gc=False):
    """The fields of these event types that matter for sharing."""

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
    """The facts of a delivery. Claims and opens by bots are facts; a bot's registration is not.

    events: the events that the facts were read from, if any. Opens always come from events.
    is_complete: whether `events` has all events of its registrations, so that they replace what is stored.
    """

    events: Sequence[EventRow] = ()
    is_complete: bool = False
    claims: list[Claim] = msgspec.field(default_factory=list)
    opens: list[Open] = msgspec.field(default_factory=list)
    registrations: list[RegistrationRecord] = msgspec.field(default_factory=list)
    standings: list[Standing] = msgspec.field(default_factory=list)

    def conference_ids(self) -> set[str]:
        """The conferences whose trees these facts may change."""
        if self.events:
            return {event.conference_id for event in self.events}
        return {claim.link_key.partition("/")[0] for claim in self.claims} | {
            item.conference_id for item in self.registrations
        }


def read_facts(events: Sequence[EventRow], *, is_complete: bool = False) -> Facts:
    """The facts in events of FACT_TYPES."""
    facts = Facts(events, is_complete)
    key_of = lru_cache(maxsize=None)(link_key)  # codes repeat within a delivery
    for event in events:
        if "/" in event.conference_id:
            continue  # no conference has such an id, and in a key it would look like another conference
        data = _decode(event.data)
        moment = (event.ts_ms, event.event_id)
        # An event without a visitor id (an import) counts as a person of its own.
        visitor = known_as(event.visitor_id) if event.visitor_id else f"{ANONYMOUS}{event.event_id}"
        if event.type == "share":
            key = key_of(event.conference_id, data.share_code)
            if is_malformed(key):  # signed, but not by us: it must not create a link
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
    """The facts with all erased visitors replaced, including those erased since the events were read.

    Call it under the lock: either it finds the erasure, or the erasure finds what the caller stores next.
    """
    return read_facts(new.events, is_complete=new.is_complete) if erase_rows(new.events) else new


def known_as(visitor_id: str) -> str:
    """A visitor's id as stored in our tables. The prefix keeps a visitor id from passing as one of our users,
    who own minted links."""
    return f"visitor:{visitor_id}" if visitor_id.startswith(USER) else visitor_id


def visitor_id_of(sharer: str) -> str | None:
    """The visitor id of a stored sharer, the inverse of `known_as`; None for one of our users."""
    if sharer.startswith(USER):
        return None
    return sharer.removeprefix("visitor:") if sharer.startswith(f"visitor:{USER}") else sharer


def _digest(chain: list[str] | None, conference_id: str, key_of: Callable[[str, str], str]) -> str:
    """The digest of a chain that a browser sent, without the signatures of its codes; "" for no chain."""
    if not chain:
        return ""
    return digest_of_chain([code_of(key_of(conference_id, code)) for code in chain])


def insert_claims(claims: Sequence[Claim]) -> list[Claim]:
    """Store claims. Returns the new ones, without those of bots."""
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


# A visitor with this many stored opens is no person. Further ones that come several at once are no facts:
# each registration of a visitor reads all of that visitor's opens.
MAX_OPENS = 2_000
_SEVERAL = 5


def leave_out_excess(opens: Sequence[Open]) -> Sequence[Open]:
    """The opens without those beyond MAX_OPENS of their visitor."""
    counts = Counter([item.visitor for item in opens])
    busy = [visitor for visitor, count in counts.items() if count >= _SEVERAL]
    if not busy:
        return opens
    room = {visitor: MAX_OPENS - stored for visitor, stored in store.count_opens(busy, MAX_OPENS).items()}
    if all(counts[visitor] <= left for visitor, left in room.items()):
        return opens
    kept = []
    for item in sorted(opens, key=lambda item: item.moment):
        left = room.get(item.visitor, 1)
        if left > 0:
            kept.append(item)
        if item.visitor in room:
            room[item.visitor] = left - 1
    return kept


def insert_opens(opens: Sequence[Open], *, known_links: Container[str]) -> Sequence[Open]:
    """Store opens. Returns the new ones, including those of bots.

    opens: each event once. known_links: the existing links of these opens, including this delivery's links.
    """
    columns = ("id", "ms", "link_key", "visitor", "is_bot", "chain_digest", "is_early")
    # All opens of a link share the end of their keys and whether the link is known.
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
