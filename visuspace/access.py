"""Look up pages, speakers and sessions by ids that a user supplies. There is no other way."""

from typing import Any, TypeVar

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Model
from django.http import Http404

from conferences.access import Role, get_conference
from conferences.models import Member
from visuspace.models import GenerationJob, Page, Picture, Session, Speaker

_Owned = TypeVar("_Owned", bound=Model)


def get_page(user: User | AnonymousUser, page_id: str, *, role: Member.Role = Role.VIEWER) -> Page:
    """Return a page of a conference that `user` may see. Raises as get_conference does."""
    return _get(Page, user, page_id, role, related=("conference", "draft", "published"))


def get_speaker(user: User | AnonymousUser, speaker_id: str, *, role: Member.Role) -> Speaker:
    return _get(Speaker, user, speaker_id, role)


def get_session(user: User | AnonymousUser, session_id: str, *, role: Member.Role) -> Session:
    return _get(Session, user, session_id, role)


def get_picture(user: User | AnonymousUser, picture_id: str, *, role: Member.Role) -> Picture:
    return _get(Picture, user, picture_id, role)


def get_generation(user: User | AnonymousUser, job_id: str) -> GenerationJob:
    found = GenerationJob.objects.select_related("page", "revision").filter(pk=job_id).first()
    if found is None:
        raise Http404(f"There is no job {job_id!r}.")
    get_conference(user, found.page.conference_id)
    return found


def _get(
    model: type[_Owned],
    user: User | AnonymousUser,
    pk: str,
    role: Member.Role,
    *,
    related: tuple[str, ...] = ("conference",),
) -> _Owned:
    found: Any = model._default_manager.select_related(*related).filter(pk=pk).first()
    missing = f"There is no {model._meta.verbose_name} {pk!r}."
    if found is None:
        raise Http404(missing)
    try:
        get_conference(user, found.conference_id, role=role)
    except Http404:
        raise Http404(missing) from None
    result: _Owned = found
    return result
