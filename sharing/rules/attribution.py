"""The rules that decide whom a registration credits: pure functions of earlier events, by event time.

docs/definitions.md defines the terms. docs/sharing.md explains why any order of arrival gives the same
result. This module reads no database, so each rule can be tested on its own.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Protocol

import msgspec

from sharing.rules.codes import chain_digest, code_of, is_malformed
from sharing.rules.opens import Moment, Open, Opens
from sharing.rules.reasons import Reason

_DAY_MS = 86_400_000
# A registration names reasons only for this many of the last opens before it. All opens are considered, but
# n opens and n registrations of one visitor must not write n * n rows.
NAMED_OPENS = 50
# The number of places in a chain that can be credited. The next place stands for all above it.
MAX_DEPTH = 100


class Link(Protocol):
    """A link as the rules see it: who shared it first and when, and its accepted parent."""

    id: str
    sharer: str
    channel: str
    parent_id: str | None
    is_void: int
    first_ms: int

    @property
    def first(self) -> Moment: ...


class Registration(msgspec.Struct, frozen=True, gc=False):
    """A registration: its time, visitor ("": unknown), code ("": none) and window.

    refusal: why the registration does not count; None if it counts.
    """

    moment: Moment
    visitor: str
    code_key: str
    window_days: int
    refusal: Reason | None = None

    @property
    def oldest_ms(self) -> int:
        """Opens before this instant are outside the window."""
        return self.moment[0] - self.window_days * _DAY_MS


class Credited(msgspec.Struct, frozen=True, gc=False):
    """A credit: the link, its place in the chain (1: nearest), its age at the registration, its owner."""

    key: str
    distance: int
    age_ms: int
    sharer: str
    channel: str


class Uncredited(msgspec.Struct, frozen=True, gc=False):
    """A code without credit, the reason, and its place in the chain (None: not in the chain)."""

    key: str
    reason: Reason
    distance: int | None = None


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """The result for a registration. Credits go from the nearest link to the root-most.

    refused_ms: the registration's time, which is stored with `refused`; 0 if nothing is.
    """

    credits: tuple[Credited, ...] = ()
    refused: tuple[Uncredited, ...] = ()
    refused_ms: int = 0

    @property
    def rows(self) -> int:
        return len(self.credits) + len(self.refused)


GetLink = Callable[[str], Link | None]
_Refuse = Callable[..., None]


def attribute(registration: Registration, opens: Opens, get_link: GetLink) -> Outcome:
    """Decide whom the registration credits.

    opens: all opens by its visitor in its conference, including bot opens.
    get_link: returns a link of that conference by key, with its final parent, or None.
    """
    refused: dict[tuple[str, Reason], Uncredited] = {}

    def refuse(key: str, reason: Reason, distance: int | None = None) -> None:
        refused.setdefault((key, reason), Uncredited(key, reason, distance))

    touch = find_touch(registration, opens, get_link, refuse)
    given: list[Credited] = []
    if touch is not None and registration.refusal is not None:
        refuse(touch.key, registration.refusal)
    elif touch is not None:
        given = _credit_chain(touch, registration, get_link, refuse)
    _name_opens(registration, opens, touch, get_link, refuse)
    return Outcome(
        tuple(given),
        tuple(sorted(refused.values(), key=lambda item: (item.key, item.reason))),
        registration.moment[0] if refused else 0,
    )


def _credit_chain(
    touch: Open, registration: Registration, get_link: GetLink, refuse: _Refuse
) -> list[Credited]:
    """Credit each link of the chain from `touch` up, except those with a reason against it."""
    moment, visitor = registration.moment, registration.visitor
    way = walk_up(touch.key, moment, get_link)
    chain = list(islice(way, MAX_DEPTH))
    beyond = next(way, None)
    if beyond is not None:
        refuse(beyond.id, Reason.BEYOND_DEPTH, MAX_DEPTH + 1)
    if chain and chain[-1].first >= moment:  # only the last link of a walk may be
        refuse(chain[-1].id, Reason.SHARED_LATER, len(chain))
        del chain[-1]
    given: list[Credited] = []
    credited: set[str] = set()
    for distance, link in enumerate(chain, start=1):
        sharer = link.sharer
        if sharer == visitor:
            refuse(link.id, Reason.SELF_REFERRAL, distance)
        elif link.is_void:
            refuse(link.id, Reason.VOIDED, distance)
        elif sharer in credited:
            refuse(link.id, Reason.SHARER_ALREADY_CREDITED, distance)
        else:
            credited.add(sharer)
            age_ms = moment[0] - link.first_ms
            given.append(Credited(link.id, distance, age_ms, sharer, link.channel))
    if touch.chain_digest and touch.chain_digest != digest_of_chain(
        [code_of(link.id) for link in reversed(chain)]
    ):
        refuse(touch.key, Reason.CHAIN_CONTRADICTS_TREE)
    return given


def digest_of_chain(codes: list[str]) -> str:
    """A digest (16 hex characters) of the nearest MAX_DEPTH codes of a chain, given root first."""
    return chain_digest(codes[-MAX_DEPTH:])


def find_touch(registration: Registration, opens: Opens, get_link: GetLink, refuse: _Refuse) -> Open | None:
    """Find what brought the registrant: the last open that counts, or the code sent with the registration.

    Some opens do not count: bot opens, opens of a code not yet shared, and opens of the visitor's own code.
    The rules ignore them, so an earlier open decides. Without an open in the window, the registration's code
    counts, e.g. because the form is on another site. It does not count if the visitor opened it only before
    the window.
    """
    last = opens.last_before(registration.moment)
    if last is not None and last.moment[0] >= registration.oldest_ms:
        return last
    own = opens.last_own_before(registration.moment)
    if own is not None and own.moment[0] < registration.oldest_ms:
        own = None
    code = registration.code_key
    if code:
        problem = _problem(code, registration.moment, get_link)
        link = get_link(code)
        came_with = Open(code, registration.moment, registration.visitor)
        if problem is not None:
            refuse(code, problem)
        elif link is not None and registration.visitor and link.sharer == registration.visitor:
            own = own or came_with
        elif opens.was_opened_before(
            code, registration.oldest_ms
        ):  # and not within the window, or it would have counted
            refuse(code, Reason.OUTSIDE_WINDOW)
        else:
            return came_with
    return own and _touch_by_own(own, registration, opens, get_link, refuse)


def _touch_by_own(
    own: Open, registration: Registration, opens: Opens, get_link: GetLink, refuse: _Refuse
) -> Open | None:
    """The visitor's own code, if nothing else brought them: its ancestors get the credit, not the visitor.

    None if the visitor opened the nearest other sharer's code in the chain, but only before the window.
    """
    for link in islice(walk_up(own.key, registration.moment, get_link), MAX_DEPTH):
        if link.sharer == registration.visitor:
            continue
        if opens.was_opened_before(link.id, registration.oldest_ms):
            refuse(own.key, Reason.SELF_REFERRAL)
            refuse(link.id, Reason.OUTSIDE_WINDOW)
            return None
        break
    return own


def _name_opens(
    registration: Registration, opens: Opens, touch: Open | None, get_link: GetLink, refuse: _Refuse
) -> None:
    """Name the reasons why the last opens before the registration did not count."""
    expired = []
    for opened in islice(opens.before(registration.moment), NAMED_OPENS):
        if opened is touch:
            break
        if opened.is_bot:
            refuse(opened.key, Reason.BOT)
        elif opened.moment[0] < registration.oldest_ms:
            expired.append(opened)
        elif (problem := _problem(opened.key, registration.moment, get_link)) is not None:
            refuse(opened.key, problem)
        else:
            refuse(opened.key, Reason.SELF_REFERRAL)
    if touch is None:
        for opened in expired:
            refuse(opened.key, Reason.OUTSIDE_WINDOW)


def walk_up(key: str, before: Moment, get_link: GetLink) -> Iterator[Link]:
    """The link and its ancestors, nearest first, as the tree was at `before`.

    The claim that created a link also sets its parent, so an earlier tree is today's tree without later
    links. The first link that was shared later ends the walk and is included: it is not an ancestor, but a
    new fact may make it one. Accepted parents never form a cycle.
    """
    link = get_link(key)
    while link is not None:
        yield link
        is_later = link.first_ms >= before[0] and link.first >= before  # the first part is cheap
        if is_later or link.parent_id is None:
            return
        link = get_link(link.parent_id)


def _problem(key: str, before: Moment, get_link: GetLink) -> Reason | None:
    """The reason why a code has no link that was shared before `before`; None if it has one."""
    link = get_link(key)
    if link is None:
        return Reason.MALFORMED_CODE if is_malformed(key) else Reason.UNKNOWN_CODE
    return None if link.first < before else Reason.SHARED_LATER
