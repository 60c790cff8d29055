"""The rules: whom a registration credits. Pure functions of what happened before it, by event time.

What each term means: docs/definitions.md. How the same end state follows from any order of arrival:
docs/sharing.md. Nothing here reads a database, so each rule can be tested by itself.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import Protocol

import msgspec
from django.utils.translation import gettext_lazy as _

from sharing.rules.codes import chain_digest, code_of, is_malformed

# When something happened: (UTC milliseconds, event id). Comparing two of them says which was first.
Moment = tuple[int, str]
_DAY_MS = 86_400_000
# How many of a visitor's opens before a registration are looked at for one that counts. Without a bound, n
# opens of invented codes and n registrations by one visitor would write n * n reasons.
MAX_OPENS = 50


class Reason(StrEnum):
    """Why something is not credited."""

    BOT = "bot"
    MALFORMED_CODE = "malformed_code"
    UNKNOWN_CODE = "unknown_code"
    # Never stored: how sharing/selectors/not_credited.py shows an unknown code that another conference has.
    FOREIGN_CODE = "foreign_code"
    SHARED_LATER = "shared_later"
    OUTSIDE_WINDOW = "outside_window"
    SELF_REFERRAL = "self_referral"
    SHARER_ALREADY_CREDITED = "sharer_already_credited"
    CHAIN_CONTRADICTS_TREE = "chain_contradicts_tree"
    NOT_TRUSTED = "not_trusted"
    TOO_MANY_OPENS = "too_many_opens"


REASON_LABELS = {
    Reason.BOT: _("opened by a bot"),
    Reason.MALFORMED_CODE: _("wrong form or signature of the code"),
    Reason.UNKNOWN_CODE: _("no such code in this conference"),
    Reason.FOREIGN_CODE: _("a code of another conference"),
    Reason.SHARED_LATER: _("shared after the registration only"),
    Reason.OUTSIDE_WINDOW: _("opened before the attribution window"),
    Reason.SELF_REFERRAL: _("the sharer registered"),
    Reason.SHARER_ALREADY_CREDITED: _("its sharer has a nearer credit"),
    Reason.NOT_TRUSTED: _("a registration that only a client reported"),
    Reason.TOO_MANY_OPENS: _("opened before more opens than are looked at"),
    Reason.CHAIN_CONTRADICTS_TREE: _("the browser reported another chain; the tree decided"),
}


class Link(Protocol):
    """What the rules ask about a link: who shared it first and when, and its accepted parent since when."""

    key: str
    sharer: str
    first: Moment
    parent: str | None
    parent_moment: Moment


class Open(msgspec.Struct, frozen=True, gc=False):
    """A visitor opened a code. key: `<conference id>/<code>`."""

    key: str
    moment: Moment
    visitor: str = ""
    is_bot: bool = False
    chain_digest: str = ""


class Registration(msgspec.Struct, frozen=True, gc=False):
    """A registration: when, by whom ("": unknown), with which code ("": none), and the window.

    is_trusted: whether it counts at all; a conference may count only those of our own form.
    """

    moment: Moment
    visitor: str
    code_key: str
    window_days: int
    is_trusted: bool = True


class Credited(msgspec.Struct, frozen=True, gc=False):
    """A credit: the link, its place in the chain (1: nearest), and its age at the registration."""

    key: str
    distance: int
    age_ms: int


class Uncredited(msgspec.Struct, frozen=True, gc=False):
    """What is not credited, and its place in the chain, if it is in it."""

    key: str
    reason: Reason
    distance: int | None = None


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """All that follows for a registration; credits from the nearest to the root-most."""

    credits: tuple[Credited, ...] = ()
    refused: tuple[Uncredited, ...] = ()


GetLink = Callable[[str], Link | None]


def attribute(registration: Registration, opens: Sequence[Open], get_link: GetLink) -> Outcome:
    """Whom the registration credits.

    opens: those of its visitor in its conference, at any time, in order; bots' included.
    get_link: a link of that conference by key, with its final parent; None: no such link.
    """
    refused: dict[tuple[str, Reason], Uncredited] = {}

    def refuse(key: str, reason: Reason, distance: int | None = None) -> None:
        refused.setdefault((key, reason), Uncredited(key, reason, distance))

    touch = find_touch(registration, opens, get_link, refuse)
    given: list[Credited] = []
    if touch is not None and not registration.is_trusted:
        refuse(touch.key, Reason.NOT_TRUSTED)
    elif touch is not None:
        credited: set[str] = set()
        chain = list(walk_up(touch.key, registration.moment, get_link))
        for distance, link in enumerate(chain, start=1):
            if link.first >= registration.moment:
                refuse(link.key, Reason.SHARED_LATER, distance)
            elif link.sharer == registration.visitor:
                refuse(link.key, Reason.SELF_REFERRAL, distance)
            elif link.sharer in credited:
                refuse(link.key, Reason.SHARER_ALREADY_CREDITED, distance)
            else:
                credited.add(link.sharer)
                given.append(Credited(link.key, distance, registration.moment[0] - link.first[0]))
        if touch.chain_digest and touch.chain_digest != chain_digest(
            [code_of(link.key) for link in reversed(chain) if link.first < registration.moment]
        ):
            refuse(touch.key, Reason.CHAIN_CONTRADICTS_TREE)
    return Outcome(tuple(given), tuple(sorted(refused.values(), key=lambda item: (item.key, item.reason))))


def find_touch(
    registration: Registration,
    opens: Sequence[Open],
    get_link: GetLink,
    refuse: Callable[[str, Reason], None],
) -> Open | None:
    """What brought the registrant: the last open before it that counts, or the code that it came with.

    An open that does not count (a bot's, of a code that was not shared by then) is as if it had not
    happened: the one before it is looked at. The registration's own code counts where no open within the
    window does, e.g. because the form stands on another site; but not if it is known to have been opened
    before the window only.
    """
    oldest_ms = registration.moment[0] - registration.window_days * _DAY_MS
    too_old: list[Open] = []
    end = bisect_left(opens, registration.moment, key=lambda item: item.moment)
    start = max(0, end - MAX_OPENS)
    for opened in reversed(opens[start:end]):
        if opened.is_bot:
            refuse(opened.key, Reason.BOT)
        elif opened.moment[0] < oldest_ms:
            too_old.append(opened)
        elif (problem := _problem(opened.key, registration.moment, get_link)) is None:
            return opened
        else:
            refuse(opened.key, problem)

    code = registration.code_key
    if code:
        problem = _problem(code, registration.moment, get_link)
        if problem is not None:
            refuse(code, problem)
        elif all(opened.key != code for opened in too_old):
            return Open(code, registration.moment, registration.visitor)
    for opened in too_old:
        refuse(opened.key, Reason.OUTSIDE_WINDOW)
    if start:
        refuse(opens[start - 1].key, Reason.TOO_MANY_OPENS)
    return None


def walk_up(key: str, before: Moment, get_link: GetLink) -> Iterator[Link]:
    """The link and its ancestors, nearest first, as the tree was at `before`.

    Of each link only the first claim to a parent counts, so the tree of an earlier time is today's without
    the claims that came later. Ends with a link that was shared later itself, if there is one: it is no
    ancestor, but what is learnt about it may make it one. Accepted parents never form a cycle.
    """
    link = get_link(key)
    while link is not None:
        yield link
        if link.first >= before or link.parent is None or link.parent_moment >= before:
            return
        link = get_link(link.parent)


def _problem(key: str, before: Moment, get_link: GetLink) -> Reason | None:
    """Why a code does not stand for a link that was shared before; None: it does."""
    link = get_link(key)
    if link is None:
        return Reason.MALFORMED_CODE if is_malformed(key) else Reason.UNKNOWN_CODE
    return None if link.first < before else Reason.SHARED_LATER
