"""What a digest says: the summary of API and overview, of a day or a week, beside the one before."""

import datetime as dt
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from analytics.ranges.results import Step, Summary, Totals
from analytics.ranges.segments import NotReadyError
from analytics.selectors.summary import get_summary
from analytics.stream.queue import has_unfinished
from conferences.access import Role, may
from console.models import Digest, OrganizerMail
from console.panels import KINDS, label_value
from console.services.digest_links import make_stop_url
from console.services.digest_times import first_day

ROWS = 5  # of each panel


def describe_digest(mail: OrganizerMail) -> dict[str, Any] | None:
    """Return the figures; None if the digest was ended meanwhile, or nothing happened.

    Raises NotReadyError while too much must be summed up first, or while events wait that were accepted
    before the mail was written; the outbox tries again later.
    """
    pk, period, last_text = mail.about.split(":")
    digest = Digest.objects.select_related("member__conference").filter(pk=int(pk)).first()
    if digest is None or not may(digest.member.role, Role.VIEWER):
        return None
    if has_unfinished(before=mail.created_at):  # they may be all that happened
        raise NotReadyError("events that were accepted before are still being stored")
    conference, last = digest.member.conference, dt.date.fromisoformat(last_text)
    first = first_day(period, last)
    summary = get_summary(conference, first=first, last=last, limit=ROWS, is_asked=False)
    totals = summary.totals
    if not (totals.pv or totals.registrations or totals.checkins or totals.shares):
        return None
    length = last - first + dt.timedelta(days=1)
    before = get_summary(
        conference, first=first - length, last=last - length, panels=(), is_asked=False
    ).totals  # not its comparison: that knows nothing of shares
    address = f"{reverse('console-overview', args=[conference.id])}?from={first}&to={last}"
    return {
        "language": digest.language, "conference": conference, "first": first, "last": last,
        "is_week": first != last,
        "figures": _list_figures(totals, before), "funnel": _list_funnel(summary.funnel),
        "days": summary.days if first != last else [], "panels": _list_panels(summary),
        "url": f"{settings.PUBLIC_URL}{address}", "stop_url": make_stop_url(digest),
    }  # fmt: skip


def _list_figures(totals: Totals, before: Totals) -> list[dict[str, Any]]:
    """The totals, each with that of the period before. Reported registrations only where there are some."""
    labels = {
        "uv": _("Visitors"), "pv": _("Page views"), "visits": _("Visits"), "share_opens": _("Share opens"),
        "shares": _("Shares"), "registrations": _("Registrations"),
        "registrations_reported": _("Only reported, of these"),
        "share_conversions": _("Through sharing"), "checkins": _("Check-ins"),
    }  # fmt: skip
    return [
        {"label": label, "value": getattr(totals, name), "before": getattr(before, name)}
        for name, label in labels.items()
        if name != "registrations_reported" or totals.registrations_reported
    ]


def _list_funnel(steps: list[Step]) -> list[dict[str, Any]]:
    labels = {
        "page_view": _("Saw a page"), "share_open": _("Opened a share link"),
        "registration": _("Registered"), "checkin": _("Checked in"),
    }  # fmt: skip
    return [{"label": labels.get(step.step, step.step), "visitors": step.visitors} for step in steps]


def _list_panels(summary: Summary) -> list[dict[str, Any]]:
    """The overview's panels that have rows."""
    return [
        {
            "label": kind.label,
            "unit": kind.unit,
            "rows": [
                {"value": label_value(kind.dimension, row.value), "count": row.count}
                for row in summary.panels[name].rows
            ],
            "others": summary.panels[name].others_count,
        }
        for name, kind in KINDS.items()
        if name in summary.panels and summary.panels[name].rows
    ]
