"""The guards of the console's pages. Each page names the role that it needs; nothing is open by default."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase

from conferences.access import Role, get_membership, signed_in
from conferences.models import Member

ConferencePage = Callable[..., HttpResponseBase]


def conference_page(role: Role) -> Callable[[ConferencePage], ConferencePage]:
    """Make a view of (request, member, …) a page of a conference for those who may do what `role` may do.

    Others see the sign-in, 404 or 403, as conferences/access.py decides.
    """

    def decorate(view: ConferencePage) -> ConferencePage:
        @login_required
        @wraps(view)
        def guarded(request: HttpRequest, conference_id: str, **kwargs: Any) -> HttpResponseBase:
            member: Member = get_membership(signed_in(request.user), conference_id, role=role)
            return view(request, member, **kwargs)

        guarded.needed_role = role  # type: ignore[attr-defined]  # the walk over all addresses reads it
        return guarded

    return decorate
