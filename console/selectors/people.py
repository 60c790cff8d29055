"""Who a sharer is: the name under which they registered, the label of a campaign link, or a short id."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from conferences.models import Conference, Registration
from console.labels import shorten_id
from sharing.derivation.facts import ANONYMOUS, USER, known_as, visitor_id_of

_NAMES_AT_ONCE = 500


@dataclass(frozen=True)
class Person:
    """A sharer as pages show them. is_name: it is a name, not an id."""

    name: str
    is_name: bool
    registration_id: str = ""


def name_sharers(conference: Conference, sharers: Iterable[str]) -> dict[str, Person]:
    """Return the person of each sharer, in two queries."""
    wanted = list(dict.fromkeys(sharers))[:_NAMES_AT_ONCE]
    visitors = {sharer: visitor for sharer in wanted if (visitor := visitor_id_of(sharer)) is not None}
    users = _name_users([sharer for sharer in wanted if sharer.startswith(USER)])
    registered = Registration.objects.filter(
        conference=conference, visitor_id__in=list(visitors.values())
    ).order_by("registered_at", "id")
    by_visitor: dict[str, tuple[str, str]] = {}
    for visitor, key, name in registered.values_list("visitor_id", "id", "name"):
        by_visitor.setdefault(visitor, (key, name))
    found = {}
    for sharer in wanted:
        visitor = visitors.get(sharer, "")
        if sharer in users:
            found[sharer] = Person(users[sharer], True)
        elif visitor in by_visitor:
            key, name = by_visitor[visitor]
            found[sharer] = Person(name, True, key)
        elif sharer.startswith("erased:"):
            found[sharer] = Person(_("erased"), False)
        else:
            found[sharer] = Person(shorten_id(sharer.removeprefix(ANONYMOUS)), False)
    return found


def find_sharers(conference: Conference, registrations: Iterable[Registration]) -> list[str]:
    """Return the ids in the tree of people who registered with a visitor id."""
    return [known_as(row.visitor_id) for row in registrations if row.visitor_id]


def _name_users(sharers: list[str]) -> dict[str, str]:
    keys = {int(sharer.removeprefix(USER)): sharer for sharer in sharers if sharer[len(USER) :].isdecimal()}
    users = User.objects.filter(pk__in=keys)
    return {keys[user.pk]: user.get_full_name() or user.get_username() for user in users}
