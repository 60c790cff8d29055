"""The list of registrations: how many are in each state, who brought each of them, whom they brought."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, QuerySet

from conferences import badges
from conferences.models import CheckIn, Conference, Registration
from conferences.selectors.registrations import active_check_in, find_registrations
from conferences.states import State
from console.selectors.people import Person, name_sharers
from console.selectors.share_rows import describe
from sharing.derivation.facts import known_as
from sharing.models import CreditSum, ShareConversion

CHECKED_IN = {"in": True, "out": False}


@dataclass(frozen=True)
class PeopleFilter:
    """What the address of the list says. state: "" for all. entered: "in", "out", or "" for all."""

    q: str = ""
    state: str = ""
    entered: str = ""

    def matching(self) -> dict[str, Any]:
        """Return the arguments of `find_registrations`, as jobs and exports take them."""
        return {
            "state": self.state or None, "checked_in": CHECKED_IN.get(self.entered), "text": self.q,
        }  # fmt: skip

    def address(self, **changes: str) -> str:
        """Return the query string of this filter with some changes; what is empty is left out."""
        given = {"q": self.q, "state": self.state, "in": self.entered, **changes}
        return "?" + urlencode({name: value for name, value in given.items() if value})

    @property
    def is_empty(self) -> bool:
        return not (self.q or self.state or self.entered)

    @property
    def order(self) -> tuple[str, str]:
        """The newest come first; on the waiting list whoever gets the next place does."""
        if self.state == State.WAITING:
            return ("registered_at", "id")
        return ("-registered_at", "-id")


@dataclass(frozen=True)
class PersonRow:
    """A row of the list. came_by: the sharer of the link that they opened; None if they came by themselves.

    brought: registrations that came through them, directly or through others.
    """

    registration: Registration
    check_in: CheckIn | None
    came_by: Person | None
    brought: int


def find_people(conference: Conference, wanted: PeopleFilter) -> QuerySet[Registration]:
    """Return the registrations of a filter. A whole badge code finds its holder. Raises RefusedError."""
    matching = wanted.matching()
    if ":" in wanted.q:  # a signed code; names, addresses and numbers have none
        matching["text"] = badges.find_by_code(conference, wanted.q).id
    return find_registrations(conference, **matching)


def count_states(conference: Conference) -> dict[str, int]:
    """Return the number of registrations in each state, of `all`, and of the `taken` places."""
    counted = Registration.objects.filter(conference=conference).order_by().values_list("state")
    found = dict.fromkeys(State.values, 0) | dict(counted.annotate(count=Count("*")))
    taken = sum(found[state] for state in Registration.STANDING)
    return {**found, "all": sum(found.values()), "taken": taken}


def make_rows(conference: Conference, registrations: Sequence[Registration]) -> list[PersonRow]:
    """Describe registrations from `find_registrations`, in four queries."""
    keys = {f"{conference.id}/{row.id}": row.id for row in registrations}
    came = ShareConversion.objects.filter(pk__in=keys).select_related("nearest")
    links = {keys[str(item.registration_id)]: item.nearest for item in came}
    people = name_sharers(conference, [link.sharer for link in links.values()])
    brought = count_brought(conference, [row.visitor_id for row in registrations])
    return [
        PersonRow(
            registration=row,
            check_in=active_check_in(row),
            came_by=describe(links[row.id], people)["person"] if row.id in links else None,
            brought=brought.get(row.visitor_id, (0, 0))[0],
        )
        for row in registrations
    ]


def count_brought(conference: Conference, visitors: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Return how many registrations came through each visitor: in all, and directly."""
    sharers = {known_as(visitor): visitor for visitor in visitors if visitor}
    sums = CreditSum.objects.filter(conference_id=conference.id, kind=CreditSum.Kind.SHARER, name__in=sharers)
    return {
        sharers[name]: (registrations, direct)
        for name, registrations, direct in sums.values_list("name", "registrations", "direct")
    }
