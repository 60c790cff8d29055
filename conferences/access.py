"""Look up conferences, and objects that belong to them, by ids that a user supplies. There is no other way.

Users get 404 for a conference that they are not a member of, as if it did not exist. A member whose role
does not allow the action gets 403, since they know that the conference exists.
"""

from typing import TypeVar

from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.db.models import Model, QuerySet
from django.http import Http404

from conferences.models import (
    Alias,
    CheckIn,
    Conference,
    EventKey,
    ExportJob,
    Job,
    Member,
    Passage,
    Registration,
)
from conferences.selectors.registrations import find_check_ins, find_registrations
from meeteasy.core.rows import Rows

Role = Member.Role
_Row = TypeVar("_Row", bound=Model)

# What each role may do, in terms of the role that an action asks for. A steward works at the door: scanning
# and searching, and nothing else.
_MAY_DO = {
    Role.OWNER: frozenset(Role),
    Role.HELPER: frozenset({Role.HELPER, Role.STEWARD, Role.VIEWER}),
    Role.STEWARD: frozenset({Role.STEWARD}),
    Role.VIEWER: frozenset({Role.VIEWER}),
}


_conferences = Rows(Conference, "conference")
_FIND_MEMBERSHIP = (
    "SELECT {}, member.id, member.role "
    "FROM conferences_member member JOIN conferences_conference conference "
    "ON conference.id = member.conference_id WHERE member.conference_id = %s AND member.user_id = %s"
)


def signed_in(user: User | AnonymousUser) -> User:
    """Return the user of a request that only signed-in users may make."""
    assert isinstance(user, User)
    return user


def may(role: str, action: Role) -> bool:
    """Whether members with this role may do what asks for the role `action`."""
    return action in _MAY_DO[Role(role)]


def roles_for(action: Role) -> list[Role]:
    """Return the roles that may do what asks for the role `action`."""
    return [role for role, actions in _MAY_DO.items() if action in actions]


def visible_conferences(
    user: User | AnonymousUser, *, role: Member.Role = Role.VIEWER
) -> QuerySet[Conference]:
    """Return the conferences in which `user` may do what asks for `role`."""
    if not user.is_authenticated:
        return Conference.objects.none()
    return Conference.objects.filter(members__user=user, members__role__in=roles_for(role))


def get_conference(
    user: User | AnonymousUser, conference_id: str, *, role: Member.Role = Role.VIEWER
) -> Conference:
    """Return the conference if `user` may do there what asks for `role`.

    Raises Http404 (no such conference, or not theirs) or PermissionDenied (their role does not allow it).
    """
    return get_membership(user, conference_id, role=role).conference


def get_membership(
    user: User | AnonymousUser, conference_id: str, *, role: Member.Role = Role.VIEWER
) -> Member:
    """Return the user's membership with its conference. Checks `role` and raises as get_conference does."""
    member = _find_membership(user, conference_id) if isinstance(user, User) else None
    if member is None:
        raise Http404(f"There is no conference {conference_id!r} that you are a member of.")
    if not may(member.role, role):
        raise PermissionDenied(
            f"This needs the role {role.value!r} in the conference; yours is {member.role!r}."
        )
    return member


def _find_membership(user: User, conference_id: str) -> Member | None:
    if "\0" in conference_id:  # PostgreSQL rejects it
        return None
    with connection.cursor() as cursor:
        cursor.execute(_FIND_MEMBERSHIP.format(_conferences.columns), [conference_id, user.pk])
        row = cursor.fetchone()
    if row is None:
        return None
    member = Member.from_db(connection.alias, ["id", "role"], row[-2:])
    member.conference, member.user = _conferences.make(row), user
    return member


def get_registration(
    user: User | AnonymousUser,
    conference_id: str,
    registration_id: str,
    *,
    role: Member.Role = Role.VIEWER,
) -> Registration:
    """Return a registration of the conference. Checks `role` and raises as get_conference does."""
    conference = get_conference(user, conference_id, role=role)
    return _get_row(find_registrations(conference), registration_id, "registration")


def get_check_in(
    user: User | AnonymousUser,
    conference_id: str,
    check_in_id: str,
    *,
    role: Member.Role = Role.VIEWER,
) -> CheckIn:
    """Return a check-in of the conference. Checks `role` and raises as get_conference does."""
    conference = get_conference(user, conference_id, role=role)
    return _get_row(find_check_ins(conference), check_in_id, "check-in")


def get_passage(
    user: User | AnonymousUser,
    conference_id: str,
    passage_id: str,
    *,
    role: Member.Role = Role.VIEWER,
) -> Passage:
    """Return a passage of the conference. Checks `role` and raises as get_conference does."""
    conference = get_conference(user, conference_id, role=role)
    return _get_row(Passage.objects.filter(registration__conference=conference), passage_id, "passage")


def get_job(
    user: User | AnonymousUser, conference_id: str, job_id: str, *, role: Member.Role = Role.HELPER
) -> Job:
    """Return a job of the conference. Checks `role` and raises as get_conference does."""
    conference = get_conference(user, conference_id, role=role)
    return _get_row(Job.objects.defer("content").filter(conference=conference), job_id, "job")


def get_export(user: User | AnonymousUser, conference_id: str, export_id: str) -> ExportJob:
    """Return an export of the conference, if the user may read what is in it. Raises as get_conference."""
    conference = get_conference(user, conference_id)
    found = _get_row(ExportJob.objects.filter(conference=conference), export_id, "export")
    get_conference(user, conference_id, role=Role(found.role))
    return found


def get_member(
    user: User | AnonymousUser,
    conference_id: str,
    member_id: int,
    *,
    role: Member.Role = Role.VIEWER,
) -> Member:
    """Return a member of the conference. Checks `role` and raises as get_conference does."""
    conference = get_conference(user, conference_id, role=role)
    return _get_row(conference.members.select_related("user"), member_id, "member")


def get_event_key(user: User | AnonymousUser, conference_id: str, key_id: int) -> EventKey:
    """Return a key of a conference that the user owns. Raises as get_conference does."""
    conference = get_conference(user, conference_id, role=Role.OWNER)
    return _get_row(conference.event_keys.select_related("created_by"), key_id, "key")


def get_alias(user: User | AnonymousUser, conference_id: str, alias_id: int) -> Alias:
    """Return an alias of a conference that the user owns. Raises as get_conference does."""
    conference = get_conference(user, conference_id, role=Role.OWNER)
    return _get_row(conference.aliases.all(), alias_id, "alias")


def _get_row(rows: QuerySet[_Row], key: str | int, name: str) -> _Row:
    """Return the row with this primary key. Raises Http404, which calls what is missing `name`."""
    # PostgreSQL rejects NUL, and neither database takes an integer of more than 8 bytes.
    is_possible = key < 2**63 if isinstance(key, int) else "\0" not in key
    found = rows.filter(pk=key).first() if is_possible else None
    if found is None:
        raise Http404(f"This conference has no {name} {key!r}.")
    return found
