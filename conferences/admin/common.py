"""Helpers of the conference admin pages: local times, and actions on many rows."""

import datetime as dt
import zoneinfo
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import ngettext

from conferences.access import signed_in
from conferences.models import Conference
from meeteasy.core.errors import RefusedError

_NAMED_REFUSALS = 5


def local_time(moment: dt.datetime | None, conference: Conference) -> str:
    """Format a moment in the conference's zone, e.g. `2027-05-18 09:00 (Asia/Shanghai)`."""
    if moment is None:
        return "–"
    zone = zoneinfo.ZoneInfo(conference.time_zone)
    return f"{timezone.localtime(moment, zone):%Y-%m-%d %H:%M} ({zone.key})"


def act_on_each(
    request: HttpRequest,
    queryset: QuerySet[Any],
    act: Callable[[Any, User], str | None],
    *,
    history: str,
) -> None:
    """Run a bulk action on each row separately, so that a refused row does not affect the others.

    act: returns None if it changed the row, else the reason why there was nothing to do. history: the text
    for the history of each changed row.
    """
    by = signed_in(request.user)
    done: list[Any] = []
    refused: dict[str, list[str]] = {}
    for found in queryset:
        try:
            reason = act(found, by)
        except RefusedError as error:
            reason = error.message
        if reason is None:
            done.append(found)
        else:
            refused.setdefault(reason, []).append(str(found))
    if done:
        rows = queryset.model._default_manager.filter(pk__in=[found.pk for found in done])
        LogEntry.objects.log_actions(by.pk, rows, CHANGE, change_message=history)
        text = ngettext("Done for %(number)d entry.", "Done for %(number)d entries.", len(done))
        messages.success(request, text % {"number": len(done)})
    for reason, names in refused.items():
        more = f" (+{len(names) - _NAMED_REFUSALS})" if len(names) > _NAMED_REFUSALS else ""
        messages.warning(request, f"{reason} {'; '.join(names[:_NAMED_REFUSALS])}{more}")
