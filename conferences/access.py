"""The only door for ids of conferences, and of what belongs to them, that a user supplies.

A conference that the user is not a member of answers 404, as if it did not exist. A member whose role does
not allow the action gets 403, since they know of it anyway.
"""

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import QuerySet
from django.http import Http404
from rest_framework.exceptions import PermissionDenied

from conferences.models import CheckIn, Conference, Job, Member, Registration
from conferences.selectors.registrations import find_check_ins, find_registrations

Role = Member.Role

# Each role may do what the roles after it may, and more.
_RANKED = [Role.OWNER, Role.HELPER, Role.VIEWER]


def signed_in(user: User | AnonymousUser) -> User:
    """The user of a request that only signed-in users may make."""
    assert isinstance(user, User)
    return user


def visible_conferences(user: User | AnonymousUser) -> QuerySet[Conference]:
    """The conferences that `user` is a member of, in whatever role."""
    if not user.is_authenticated:
        return Conference.objects.none()
    return Conference.objects.filter(members__user=user)


def get_conference(
    user: User | AnonymousUser, conference_id: str, *, role: Member.Role = Role.VIEWER
) -> Conference:
    """The conference, if `user` holds at least `role` in it.

    Raises Http404 (no such conference, or not theirs) or PermissionDenied (their role is too low).
    """
    member = (
        Member.objects.select_related("conference").filter(conference_id=conference_id, user=user).first()
        if user.is_authenticated and "\0" not in conference_id  # which PostgreSQL refuses even to compare
        else None
    )
    if member is None:
        raise Http404(f"There is no conference {conference_id!r} that you are a member of.")
    if _RANKED.index(Role(member.role)) > _RANKED.index(role):
        raise PermissionDenied(
            f"This needs the role {role.value!r} in the conference; yours is {member.role!r}."
        )
    return member.conference


def get_registration(
    user: User | AnonymousUser,
    conference_id: str,
    registration_id: str,
    *,
    role: Member.Role = Role.VIEWER,
) -> Registration:
    """A registration of that conference, if `user` holds at least `role` in it. Raises as get_conference."""
    conference = get_conference(user, conference_id, role=role)
    found = find_registrations(conference).filter(id=registration_id).first()
    if found is None:
        raise Http404(f"This conference has no registration {registration_id!r}.")
    return found


def get_check_in(
    user: User | AnonymousUser,
    conference_id: str,
    check_in_id: str,
    *,
    role: Member.Role = Role.VIEWER,
) -> CheckIn:
    """A check-in of that conference, if `user` holds at least `role` in it. Raises as get_conference."""
    conference = get_conference(user, conference_id, role=role)
    found = find_check_ins(conference).filter(id=check_in_id).first()
    if found is None:
        raise Http404(f"This conference has no check-in {check_in_id!r}.")
    return found


def get_job(
    user: User | AnonymousUser, conference_id: str, job_id: str, *, role: Member.Role = Role.HELPER
) -> Job:
    """A job of that conference, if `user` holds at least `role` in it. Raises as get_conference."""
    conference = get_conference(user, conference_id, role=role)
    found = Job.objects.defer("content").filter(conference=conference, id=job_id).first()
    if found is None:
        raise Http404(f"This conference has no job {job_id!r}.")
    return found


def get_member(
    user: User | AnonymousUser,
    conference_id: str,
    member_id: int,
    *,
    role: Member.Role = Role.VIEWER,
) -> Member:
    """A member of that conference, if `user` holds at least `role` in it. Raises as get_conference."""
    conference = get_conference(user, conference_id, role=role)
    found = Member.objects.select_related("user").filter(conference=conference, id=member_id).first()
    if found is None:
        raise Http404(f"This conference has no member {member_id!r}.")
    return found
