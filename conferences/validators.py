"""Validators for the texts, settings and codes of conferences and registrations."""

import re
import unicodedata
import zoneinfo
from functools import lru_cache
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*\Z")
MAX_REMINDERS = 10
MAX_REMINDER_HOURS = 24 * 60


@lru_cache(maxsize=1)
def _zone_names() -> frozenset[str]:
    # Two names are not real zones: one is this machine's own setting, the other means that none is set.
    return frozenset(zoneinfo.available_timezones()) - {"localtime", "Factory"}


def validate_time_zone(name: str) -> None:
    """Refuse anything but an IANA zone name. `CST` and `UTC+8` are refused."""
    if name not in _zone_names():
        raise ValidationError(
            _("“%(name)s” is not an IANA time zone, e.g. Asia/Shanghai"), params={"name": name}
        )


def validate_single_line(text: str) -> None:
    """Refuse line breaks and control characters.

    Names appear in mail headers, SMS and file names, where a line break would start a new header or line.
    Format characters are allowed: emoji and several scripts need them.
    """
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp"):
            raise ValidationError(
                _("This contains the character U+%(code)s, which is not allowed in a single line."),
                code="control_character",
                params={"code": f"{ord(character):04X}"},
            )


def validate_languages(value: Any) -> None:
    """Require a list of one or more distinct language codes such as `zh-hans`. The first is the default."""
    if not isinstance(value, list) or not value or len(value) > 20:
        raise ValidationError(_("This must be a list of 1 to 20 language codes."))
    for code in value:
        if not isinstance(code, str) or len(code) > 16 or not _LANGUAGE.match(code):
            raise ValidationError(_("“%(code)s” is not a language code, e.g. zh-hans"), params={"code": code})
    if len(set(value)) != len(value):
        raise ValidationError(_("A language is named twice."))


def validate_reminder_hours(value: Any) -> None:
    """Require a list of distinct whole hours before the start. An empty list sends no reminders."""
    if not isinstance(value, list) or len(value) > MAX_REMINDERS:
        raise ValidationError(
            _("This must be a list of at most %(number)s numbers."), params={"number": MAX_REMINDERS}
        )
    for hours in value:
        if type(hours) is not int or not 1 <= hours <= MAX_REMINDER_HOURS:
            raise ValidationError(
                _("“%(hours)s” is not a whole number of hours from 1 to %(most)s."),
                params={"hours": hours, "most": MAX_REMINDER_HOURS},
            )
    if len(set(value)) != len(value):
        raise ValidationError(_("A reminder is named twice."))
