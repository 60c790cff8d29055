"""What a digest says: the same summary that the API gives, of a day or a week, beside the period before."""

import datetime as dt
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from analytics.ranges.results import PANELS, Totals
from analytics.selectors.summary import get_summary
from conferences.access import Role, may
from console.models import Digest, OrganizerMail
from console.panels import label_value
from console.services.digest_links import make_stop_url
from console.services.digest_times import first_day

ROWS = 5  # of each panel


def describe_digest(mail: OrganizerMail) -> dict[str, Any] | None:
    """Return the figures; None if the digest was ended meanwhile, or nothing happened.

    Raises NotReadyError while too much must be summed up first; the outbox tries again later.
    """
    pk, period, last_text = mail.about.split(":")
    digest = Digest.objects.select_related("member__conference").filter(pk=int(pk)).first()
    if digest is None or not may(digest.member.role, Role.VIEWER):
        return None
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
    return {
        "conference": conference, "first": first, "last": last, "is_week": first != last,
        "figures": _list_figures(totals, before),
        "days": summary.days if first != last else [],
        "panels": _list_panels(summary.panels),
        "url": f"{settings.PUBLIC_URL}{reverse('console-overview', args=[conference.id])}"
               f"?from={first.isoformat()}&to={last.isoformat()}",
        "stop_url": make_stop_url(digest),
    }  # fmt: skip


def _list_figures(totals: Totals, before: Totals) -> list[dict[str, Any]]:
    """The totals, each with that of the period before."""
    labels = {
        "uv": _("Visitors"), "pv": _("Page views"), "visits": _("Visits"),
        "registrations": _("Registrations"), "checkins": _("Check-ins"), "shares": _("Shares"),
        "share_conversions": _("Registrations through shares"),
    }  # fmt: skip
    return [
        {"label": label, "value": getattr(totals, name), "before": getattr(before, name)}
        for name, label in labels.items()
    ]


def _list_panels(panels: dict[str, Any]) -> list[dict[str, Any]]:
    """The panels that have rows. What is counted differs, so each says it."""
    labels = {
        "pages": _("Pages"), "entry_pages": _("Entry pages"), "referrers": _("Referrers"),
        "groups": _("Groups of referrers"), "campaigns": _("Campaigns"), "sources": _("Campaign sources"),
        "mediums": _("Campaign media"), "channels": _("Channels of shares"), "devices": _("Devices"),
        "browsers": _("Browsers"), "systems": _("Operating systems"), "apps": _("Apps"),
        "countries": _("Countries"),
    }  # fmt: skip
    counted = {"channels": _("shares"), "entry_pages": _("visits")}
    return [
        {
            "label": label,
            "counted": counted.get(name, _("page views")),
            "rows": [
                {"value": label_value(PANELS[name], row.value), "count": row.count, "visitors": row.visitors}
                for row in panels[name].rows
            ],
            "others": panels[name].others_count,
        }
        for name, label in labels.items()
        if name in panels and panels[name].rows
    ]
