"""Members of a conference, their roles, and open invitations."""

from django.contrib import messages
from django.core.exceptions import BadRequest, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from conferences.access import Role, get_member, may, signed_in
from conferences.models import Member
from conferences.services import members as services
from console.access import conference_page
from console.models import Invitation
from console.services import inviting
from console.shell import render_page
from meeteasy.core.errors import RefusedError


@require_safe
@conference_page(Role.VIEWER)
def member_list(request: HttpRequest, member: Member) -> HttpResponse:
    """The members. Owners also see mail addresses and open invitations."""
    context = {
        "members": member.conference.members.select_related("user").order_by("created_at", "id"),
        "roles": Role.choices,
        "invitations": Invitation.objects.filter(conference=member.conference, accepted_at=None)
        if may(member.role, Role.OWNER)
        else [],
        "valid_days": inviting.VALID_DAYS,
    }
    return render_page(request, "console/members.html", context, member=member, place="members")


@require_POST
@conference_page(Role.OWNER)
def invite(request: HttpRequest, member: Member) -> HttpResponse:
    role = _read_role(request)
    try:
        made = inviting.invite(
            member.conference, email=request.POST.get("email", ""), role=role, by=signed_in(request.user)
        )
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    except RefusedError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("An invitation goes to %(email)s.") % {"email": made.email})
    return redirect("console-members", member.conference_id)


@require_POST
@conference_page(Role.OWNER)
def withdraw_invitation(request: HttpRequest, member: Member, invitation_id: str) -> HttpResponse:
    inviting.withdraw(member.conference, invitation_id)
    messages.success(request, _("The invitation was withdrawn."))
    return redirect("console-members", member.conference_id)


@require_POST
@conference_page(Role.OWNER)
def change_role(request: HttpRequest, member: Member, member_id: int) -> HttpResponse:
    changed = get_member(request.user, member.conference_id, member_id, role=Role.OWNER)
    try:
        services.change_role(changed, _read_role(request))
    except RefusedError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("The role was changed."))
    return redirect("console-members", member.conference_id)


@require_POST
@conference_page(Role.OWNER)
def remove(request: HttpRequest, member: Member, member_id: int) -> HttpResponse:
    return _remove(request, get_member(request.user, member.conference_id, member_id, role=Role.OWNER))


def _remove(request: HttpRequest, member: Member) -> HttpResponse:
    is_own = member.user_id == request.user.pk
    try:
        services.remove_member(member)
    except RefusedError as error:
        messages.error(request, error.message)
        return redirect("console-members", member.conference_id)
    messages.success(request, _("You left the conference.") if is_own else _("The membership has ended."))
    return redirect("console-conferences") if is_own else redirect("console-members", member.conference_id)


def _read_role(request: HttpRequest) -> Role:
    role = request.POST.get("role", "")
    if role not in Role.values:
        raise BadRequest("There is no such role.")
    return Role(role)
