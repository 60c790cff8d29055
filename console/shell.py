"""What surrounds every page: navigation, the switch between conferences, the zone, the account."""

import zoneinfo
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from conferences.access import Role, may, signed_in
from conferences.models import Conference, Member
from conferences.selectors.memberships import find_memberships

_SWITCHABLE = 12  # conferences in the switch; the list has all


@dataclass(frozen=True)
class Place:
    """A page in the navigation. narrow: it has a place in the bottom bar of phones."""

    name: str
    label: Any
    icon: str
    role: Role
    group: Any
    short: Any = ""
    narrow: bool = True


PLACES = [
    Place("overview", _("Overview"), "chart", Role.VIEWER, _("Analytics")),
    Place("live", _("Live"), "pulse", Role.VIEWER, _("Analytics"), narrow=False),
    Place("sharing", _("Share Tracking"), "branch", Role.VIEWER, _("Analytics"), short=_("Sharing")),
    Place("people", _("Registrations"), "people", Role.VIEWER, _("People"), short=_("People")),
    Place("desk", _("Check-in desk"), "scan", Role.STEWARD, _("People"), short=_("Desk")),
    Place("messages", _("Messages"), "mail", Role.VIEWER, _("People"), narrow=False),
    Place("notifications", _("Notifications"), "bell", Role.HELPER, _("People"), narrow=False),
    Place("held", _("Held reports"), "hold", Role.HELPER, _("People"), narrow=False),
    Place("page", _("Event page"), "page", Role.HELPER, _("People"), narrow=False),
    Place("files", _("Files"), "file", Role.HELPER, _("People"), narrow=False),
    Place("members", _("Members"), "people", Role.VIEWER, _("Settings"), narrow=False),
    Place("settings", _("Settings"), "sliders", Role.OWNER, _("Settings"), narrow=False),
]


def render_page(
    request: HttpRequest, template: str, context: dict[str, Any] | None = None, *,
    member: Member | None = None, place: str = "", status: int = 200,
) -> HttpResponse:  # fmt: skip
    """Render a page inside the shell. member: of the page's conference. place: where we are, by name."""
    user = signed_in(request.user)
    shell: dict[str, Any] = {
        "groups": _groups(member, place),
        "place": place,
        "switch": _switch(user),
        "me": _describe_user(user),
    }
    if member is not None:
        conference = member.conference
        zone = zoneinfo.ZoneInfo(conference.time_zone)
        shell |= {"zone": zone, "now": timezone.now()}
        with timezone.override(zone):
            return render(
                request, template,
                {"shell": shell, "member": member, "conference": conference, "may": _Allowed(member.role),
                 **(context or {})},
                status=status,
            )  # fmt: skip
    return render(request, template, {"shell": shell, **(context or {})}, status=status)


class _Allowed:
    """`may.owner` in a template: whether the page's member may do what owners may do."""

    def __init__(self, role: str) -> None:
        self._role = role

    def __getitem__(self, action: str) -> bool:
        return may(self._role, Role(action))


def _groups(member: Member | None, place: str) -> list[dict[str, Any]]:
    groups: list[dict[str, Any]] = []
    for item in PLACES:
        if member is None or not may(member.role, item.role):
            continue
        if not groups or groups[-1]["label"] != item.group:
            groups.append({"label": item.group, "places": []})
        groups[-1]["places"].append(
            {
                "label": item.label, "short": item.short or item.label, "icon": item.icon,
                "narrow": item.narrow, "here": item.name == place,
                "url": reverse(f"console-{item.name}", args=[member.conference_id]),
            }
        )  # fmt: skip
    return groups


def _switch(user: User) -> list[dict[str, Any]]:
    members = find_memberships(user)[:_SWITCHABLE]
    return [{"conference": member.conference, "url": home_url(member)} for member in members]


def home_url(member: Member) -> str:
    """Return the address of the first page of a conference that a member may see."""
    first = next(item for item in PLACES if may(member.role, item.role))
    return reverse(f"console-{first.name}", args=[member.conference_id])


def _describe_user(user: User) -> dict[str, str]:
    name = user.get_full_name() or user.get_username()
    words = name.split()
    initials = words[0][0] + words[-1][0] if len(words) > 1 else name[:2]
    return {"name": name, "initials": initials.upper(), "email": user.email}


def zone_of(conference: Conference) -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(conference.time_zone)
