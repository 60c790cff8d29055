"""Forms for creating, copying and changing conferences: times in the conference's zone, no JSON."""

import datetime as dt
import zoneinfo
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from conferences.models import Conference
from conferences.validators import MAX_REMINDERS, validate_time_zone
from meeteasy.core.times import localize

TIMES = ("starts_at", "ends_at", "registration_opens_at", "registration_closes_at")
HOURS_A_DAY = 24


class LocalDateTimeField(forms.DateTimeField):
    """A wall-clock time; the form says later of which zone."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
        super().__init__(required=False, widget=widget, **kwargs)

    def to_python(self, value: Any) -> dt.datetime | None:
        # Without a current zone Django leaves the time as it was typed.
        if value in self.empty_values:
            return None
        for pattern in ("%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"):
            try:
                return dt.datetime.strptime(str(value).strip(), pattern)  # noqa: DTZ007  a wall clock
            except ValueError:
                continue
        raise ValidationError(_("This is no date and time like 2026-11-26 09:00."), code="invalid")


class ZoneField(forms.CharField):
    """An IANA zone, picked from a list that can be searched by city in the reader's language."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.TextInput(attrs={"list": "zones", "autocomplete": "off", "spellcheck": "false"})
        super().__init__(label=_("Time zone"), max_length=64, widget=widget,
                         validators=[validate_time_zone], **kwargs)  # fmt: skip


class NewConferenceForm(forms.Form):
    name = forms.CharField(
        label=_("Name"), max_length=200, help_text=_("Shown on the page, in mails and on badges.")
    )
    id = forms.CharField(
        label=_("Short name in the address"), max_length=64, required=False,
        help_text=_("Part of the public address. It cannot be changed later. Empty: made from the name."),
    )  # fmt: skip
    time_zone = ZoneField(help_text=_("Days are counted and times are shown in this zone."))
    starts_at = LocalDateTimeField(label=_("Starts"))
    ends_at = LocalDateTimeField(label=_("Ends"))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not cleaned.get("id"):
            cleaned["id"] = make_id(cleaned.get("name", ""))
        localize_times(self)
        return cleaned


class CopyConferenceForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=200)
    id = forms.CharField(
        label=_("Short name in the address"), max_length=64, required=False,
        help_text=_("Empty: made from the name."),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not cleaned.get("id"):
            cleaned["id"] = make_id(cleaned.get("name", ""))
        return cleaned


def make_id(name: str) -> str:
    """Return a short name for the address: of the conference's name, or of today where that has no Latin."""
    made = slugify(name)[:48].strip("-_")
    candidate = made or f"c{timezone.now():%Y%m%d}"
    number, result = 1, candidate
    while Conference.objects.filter(id=result).exists() and number < 100:
        number += 1
        result = f"{candidate}-{number}"
    return result


def localize_times(form: forms.Form) -> None:
    """Read the form's times as times of its zone, and note errors at their fields."""
    try:
        zone = zoneinfo.ZoneInfo(form.cleaned_data.get("time_zone") or "UTC")
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):  # refused by its own field
        return
    for name in TIMES:
        moment = form.cleaned_data.get(name)
        if moment is not None:
            try:
                form.cleaned_data[name] = localize(moment, zone)
            except ValidationError as error:
                form.add_error(name, error)


class SettingsForm(forms.Form):
    """All settings of a conference. Refuses input that is older than the last change."""

    name = forms.CharField(label=_("Name"), max_length=200)
    tagline = forms.CharField(
        label=_("One sentence about it"), max_length=300, required=False,
        help_text=_("For the event page and its previews in messengers."),
    )  # fmt: skip
    venue = forms.CharField(label=_("Venue"), max_length=300, required=False)
    time_zone = ZoneField(help_text=_("Changing it counts all days again."))
    starts_at = LocalDateTimeField(label=_("Starts"))
    ends_at = LocalDateTimeField(label=_("Ends"))
    registration_opens_at = LocalDateTimeField(
        label=_("Registration opens"), help_text=_("Empty: it is open at once.")
    )
    registration_closes_at = LocalDateTimeField(
        label=_("Registration closes"), help_text=_("Empty: it closes when the conference ends.")
    )
    capacity = forms.IntegerField(
        label=_("Places"), required=False, min_value=1, help_text=_("Empty: any number.")
    )
    waiting_list = forms.BooleanField(
        label=_("Keep a waiting list when all places are taken"), required=False
    )
    approval_required = forms.BooleanField(label=_("Approve registrations by hand"), required=False)
    languages = forms.MultipleChoiceField(label=_("Languages"), widget=forms.CheckboxSelectMultiple)
    main_language = forms.ChoiceField(
        label=_("Main language"), help_text=_("For attendees who prefer a language that is not chosen.")
    )
    phone_region = forms.CharField(
        label=_("Phone region"), max_length=2, required=False,
        help_text=_("Country of phone numbers without “+”, e.g. CN. Empty: such numbers are refused."),
    )  # fmt: skip
    quiet_from = forms.TimeField(
        label=_("Quiet from"), required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text=_("Reminders wait during these hours."),
    )  # fmt: skip
    quiet_until = forms.TimeField(
        label=_("Quiet until"), required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    trust_client_registrations = forms.BooleanField(
        label=_("Count registrations that browsers and other systems report"), required=False
    )
    attribution_window_days = forms.IntegerField(
        label=_("Attribution window in days"), min_value=1, max_value=365,
        help_text=_("How long before registering a share link may have been opened."),
    )  # fmt: skip
    seen_revision = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, conference: Conference, data: Any = None) -> None:
        super().__init__(data, initial=self._read(conference))
        self.conference = conference
        known = dict(settings.LANGUAGES) | {
            code: code for code in conference.languages if code not in dict(settings.LANGUAGES)
        }
        for name in ("languages", "main_language"):
            self.fields[name].choices = list(known.items())  # type: ignore[attr-defined]

    @staticmethod
    def _read(conference: Conference) -> dict[str, Any]:
        zone = zoneinfo.ZoneInfo(conference.time_zone)
        found = {
            name: getattr(conference, name) for name in SettingsForm.base_fields if hasattr(conference, name)
        }
        for name in TIMES:
            if found[name] is not None:
                found[name] = timezone.make_naive(found[name], zone)
        return {
            **found, "main_language": conference.languages[0], "seen_revision": conference.revision,
        }  # fmt: skip

    def clean_phone_region(self) -> str:
        return str(self.cleaned_data["phone_region"]).upper()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        localize_times(self)
        main, chosen = cleaned.get("main_language"), cleaned.get("languages")
        if main and chosen:
            if main not in chosen:
                self.add_error("main_language", _("Choose one of the languages above."))
            cleaned["languages"] = [main, *(code for code in chosen if code != main)]
        if cleaned.get("seen_revision") != self.conference.revision:
            raise ValidationError(
                _("Somebody else changed these settings after you opened the page. Nothing was saved: "
                  "open it again to see them."),
                code="stale",
            )  # fmt: skip
        return cleaned

    def changes(self) -> dict[str, Any]:
        """Return the fields that differ from the conference."""
        given = {
            name: self.cleaned_data[name] for name in self.cleaned_data if hasattr(self.conference, name)
        }
        return {name: value for name, value in given.items() if getattr(self.conference, name) != value}


class ReminderForm(forms.Form):
    """A row: how long before the start a reminder goes out. An empty row is no reminder."""

    amount = forms.IntegerField(label=_("How long before"), min_value=1, max_value=1440, required=False)
    unit = forms.TypedChoiceField(
        label=_("Unit"), coerce=int, choices=[(1, _("hours")), (HOURS_A_DAY, _("days"))]
    )


ReminderRows = forms.formset_factory(
    ReminderForm, extra=0, max_num=MAX_REMINDERS, validate_max=True, absolute_max=MAX_REMINDERS + 1
)


def reminder_rows(hours: list[int]) -> list[dict[str, int]]:
    """Return the rows of reminders, in days where they are whole ones."""
    return [
        {"amount": hour // HOURS_A_DAY, "unit": HOURS_A_DAY}
        if hour % HOURS_A_DAY == 0
        else {"amount": hour, "unit": 1}
        for hour in hours
    ]


def reminder_hours(rows: Any) -> list[int]:
    """Return the hours before the start of the filled rows, the longest first."""
    hours = {row["amount"] * row["unit"] for row in rows.cleaned_data if row.get("amount")}
    return sorted(hours, reverse=True)
