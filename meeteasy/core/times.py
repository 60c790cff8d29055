"""Moments that people write: local times of a zone, unless they carry an offset."""

import datetime as dt
import zoneinfo

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _


def localize(moment: dt.datetime, zone: zoneinfo.ZoneInfo) -> dt.datetime:
    """Read a naive moment as local time of `zone`. One with an offset stays. Raises ValidationError for a
    local time that the change to summer time skips, or that the change back makes ambiguous, and for one at
    the calendar's end that is beyond it in UTC."""
    if moment.tzinfo is not None:
        return moment
    early, late = moment.replace(tzinfo=zone, fold=0), moment.replace(tzinfo=zone, fold=1)
    try:
        returned = early.astimezone(dt.UTC).astimezone(zone).replace(tzinfo=None)
    except OverflowError:
        raise ValidationError(_("This is not a time."), code="overflow") from None
    if returned != moment:
        raise ValidationError(
            _("%(time)s does not exist in %(zone)s: the clocks change then."),
            code="nonexistent_time", params={"time": moment, "zone": zone.key},
        )  # fmt: skip
    if early.utcoffset() != late.utcoffset():
        raise ValidationError(
            _("%(time)s occurs twice in %(zone)s: add the offset."),
            code="ambiguous_time", params={"time": moment, "zone": zone.key},
        )  # fmt: skip
    return early
