"""The tables of analytics, alike on SQLite, PostgreSQL and MongoDB.

Natural string keys, no foreign keys, and only what `django-mongodb-backend` supports (docs/adr/0002).
"""

import datetime as dt
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from analytics.event_types import is_confirmed
from analytics.read_only_view import ReadOnlyView as ReadOnlyView
from analytics.segment import Segment as Segment  # one of the tables, in a file of its own
from meeteasy.core.fields import EncodedJSONField, KeyField
from meeteasy.core.jobs import LeasedModel

# A natural key, which on MongoDB is the document's `_id`: a unique index of any other field would have a
# filter there that no lookup uses.
_KEY = "_id"


class Event(models.Model):
    """One accepted occurrence. Written by the worker's bulk insert (analytics/store), then only read."""

    class Hold(models.TextChoices):
        """A report beyond a quota is held: it counts nowhere until an organizer releases it."""

        NONE = "", _("no")
        HELD = "held", _("held")
        VOID = "void", _("void")

    id = KeyField(primary_key=True, db_column=_KEY, max_length=160)  # event id/conference id
    conference_id = models.CharField(_("conference"), max_length=64)
    # Event types are not `choices`: a new type must not need a migration.
    type = models.CharField(_("type"), max_length=64)
    ts = models.DateTimeField(_("event time"))
    received_at = models.DateTimeField(_("received at"))
    local_date = models.DateField(
        _("local date"), null=True,
        help_text=_("The conference's own day; empty while there is no conference with this id."),
    )  # fmt: skip
    visitor_id = models.CharField(_("visitor"), max_length=64, blank=True)
    session_id = models.CharField(_("session"), max_length=64, blank=True)
    subject = models.CharField(_("subject"), max_length=64)
    is_bot = models.BooleanField(_("bot"), default=False)
    # Of the types that say something of a registration; by their names, no partial index could be made on
    # every MongoDB.
    is_attendance = models.BooleanField(_("of a registration"), default=False)
    data = EncodedJSONField(_("own fields"), default=dict)
    properties = EncodedJSONField(_("properties"), default=dict)
    hold = models.CharField(_("hold"), max_length=8, choices=Hold.choices, default="", blank=True)
    context = EncodedJSONField(_("context"), null=True)  # analytics/context, docs/adr/0034

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        indexes = [
            # Covers the whole summary of a (conference, day): analytics/days/figures.py. With the time
            # before the subject, events are added at the end of their day's part of the index; in the order
            # of subjects, each would write a page of its own (docs/adr/0004).
            models.Index(
                fields=["conference_id", "local_date", "is_bot", "type", "ts", "subject"],
                name="event_day_figures",
            ),
            # All that is known of a registration, over all days (docs/adr/0007). Views have no part in them,
            # nor what clients can send any number of: held reports, and those of crawlers.
            models.Index(
                fields=["conference_id", "subject"],
                name="event_of_registration",
                condition=models.Q(is_attendance=True, is_bot=False, hold=""),
            ),
            models.Index(
                fields=["conference_id", "visitor_id"],
                name="event_registration_visitor",
                condition=models.Q(type="registration", is_bot=False, hold=""),
            ),
            # Held and void reports alone (analytics/selectors/held.py).
            models.Index(
                fields=["conference_id", "id", "hold"],
                name="event_held",
                condition=models.Q(hold__gt=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"

    @staticmethod
    def key(event_id: str, conference_id: str) -> str:
        """Ids of events belong to a conference; in this order, the keys are in the order of time, too."""
        return f"{event_id}/{conference_id}"

    @property
    def event_id(self) -> str:
        """With the prefix of its class of sender (analytics/event_types)."""
        return self.id.rpartition("/")[0]

    @property
    def is_confirmed(self) -> bool:
        return is_confirmed(self.id)


class _HeldReports(models.Manager["HeldReport"]):
    def get_queryset(self) -> models.QuerySet["HeldReport"]:
        return super().get_queryset().filter(hold__gt="")


class HeldReport(Event):
    """A report beyond a quota, or one that was voided: the events that organizers decide about."""

    objects: ClassVar[_HeldReports] = _HeldReports()

    class Meta:
        proxy = True
        verbose_name = _("held report")
        verbose_name_plural = _("held reports")


class DirtyDay(models.Model):
    """A mark: the figures of a (conference, local day) must be recomputed.

    Every change inserts marks of its own, after the events are committed. Computing a day deletes exactly
    the marks that were read before the events, so a mark that arrives in between stays (docs/delivery.md).
    A mark without a date means that the conference's events must be redated first.
    """

    id = models.CharField(primary_key=True, db_column=_KEY, max_length=64)
    conference_id = models.CharField(_("conference"), max_length=64)
    local_date = models.DateField(_("local date"), null=True)
    marked_at = models.DateTimeField(_("marked at"))

    class Meta:
        verbose_name = _("dirty day")
        verbose_name_plural = _("dirty days")
        indexes = [
            models.Index(fields=["conference_id", "local_date"], name="dirtyday_conference_date"),
            models.Index(fields=["marked_at"], name="dirtyday_marked"),  # the oldest, however many there are
        ]

    def __str__(self) -> str:
        return f"{self.conference_id} {self.local_date or '(all days)'}"


class DailySummary(models.Model):
    """The figures of one conference on one local day: a pure function of the stored events."""

    id = models.CharField(primary_key=True, db_column=_KEY, max_length=96)  # conference_id:date
    conference_id = models.CharField(_("conference"), max_length=64)
    date = models.DateField(_("date"))
    # By name, as the catalogue of event types and other apps define them: {"pv": 12, "uv": 7, …}.
    figures = models.JSONField(_("figures"), default=dict)
    revision = models.PositiveIntegerField(
        _("revision"), default=1, help_text=_("Rises by one whenever a figure changes.")
    )
    # Counts computations, changed figures or not; the optimistic lock between two that run at once.
    computations = models.PositiveIntegerField(_("computations"), default=1)
    computed_at = models.DateTimeField(_("computed at"))
    closed_at = models.DateTimeField(
        _("closed at"), null=True, help_text=_("When the day was computed for the last time, after its end.")
    )

    class Meta:
        verbose_name = _("daily summary")
        verbose_name_plural = _("daily summaries")
        indexes = [models.Index(fields=["conference_id", "date"], name="summary_conference_date")]

    def __str__(self) -> str:
        return self.id

    @staticmethod
    def key(conference_id: str, date: dt.date) -> str:
        return f"{conference_id}:{date.isoformat()}"


class AppliedSettings(models.Model):
    """The settings of a conference under which its stored events got their days and were counted.

    If they differ from the conference's own, or are missing, its days are recomputed
    (analytics/days/redating.py). Comparing states cannot miss a change; passing changes on can.
    """

    conference_id = models.CharField(primary_key=True, db_column=_KEY, max_length=64)
    time_zone = models.CharField(max_length=64)
    zone_version = models.CharField(max_length=16, default="")  # of the zone's data (days/zones.py)
    trusts_clients = models.BooleanField(default=True)

    def __str__(self) -> str:
        return f"{self.conference_id}: {self.time_zone}"


class OwnEventSweep(models.Model):
    """Up to when all rows of a kind are known to have their own events (analytics/own_events.py)."""

    kind = models.CharField(primary_key=True, db_column=_KEY, max_length=64)
    complete_until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.kind}: {self.complete_until:%Y-%m-%d %H:%M:%S}"


class UnclaimedConference(models.Model):
    """The id of a conference that events named and that does not exist. They wait 7 days for it."""

    conference_id = models.CharField(_("conference id"), primary_key=True, db_column=_KEY, max_length=64)
    first_seen_at = models.DateTimeField(_("first seen at"))

    class Meta:
        verbose_name = _("unknown conference")
        verbose_name_plural = _("unknown conferences")

    def __str__(self) -> str:
        return self.conference_id


class DoorRules(models.Model):
    """What the organizers of a conference refuse at the event door (analytics/ingest/rules.py)."""

    conference_id = models.CharField(_("conference"), primary_key=True, db_column="_id", max_length=64)
    allowed_origins = models.JSONField(
        _("allowed origins"), default=list, blank=True,
        help_text=_("Pages that may send events, like https://example.org. Empty: all."),
    )  # fmt: skip
    origin_required = models.BooleanField(
        _("pages only"), default=False,
        help_text=_("Refuse events that name no page's origin: of server-side SDKs and scripts."),
    )  # fmt: skip
    blocked_networks = models.JSONField(
        _("blocked address ranges"), default=list, blank=True,
        help_text=_("Ranges like 192.0.2.0/24 whose events are refused."),
    )  # fmt: skip
    blocked_pages = models.JSONField(
        _("blocked pages"), default=list, blank=True,
        help_text=_("Patterns like /preview/* of pages whose views are refused."),
    )  # fmt: skip

    class Meta:
        verbose_name = _("rules of the event door")
        verbose_name_plural = _("rules of the event door")

    def __str__(self) -> str:
        return self.conference_id


class DeadLetter(models.Model):
    """Something from the stream that cannot be stored, kept whole, to be replayed once it can.

    Either a whole entry that failed too often, or a single row that the store refused.
    """

    id = models.CharField(primary_key=True, db_column=_KEY, max_length=160)  # entry id[:event key]
    entry_id = models.CharField(_("stream entry"), max_length=64)
    version = models.CharField(_("format version"), max_length=16)
    payload = models.BinaryField(_("payload"))  # all fields of the entry, a MessagePack map
    event_count = models.PositiveIntegerField(_("events"), null=True)
    error = models.TextField(_("error"))
    deliveries = models.PositiveIntegerField(_("deliveries"))
    created_at = models.DateTimeField(_("created at"))
    replayed_at = models.DateTimeField(_("replayed at"), null=True)

    class Meta:
        verbose_name = _("dead letter")
        verbose_name_plural = _("dead letters")
        ordering = ["-created_at"]
        # Finds those that wait without reading all payloads.
        indexes = [models.Index(fields=["replayed_at"], name="deadletter_replayed")]

    def __str__(self) -> str:
        return self.id


class HoldDecision(LeasedModel):
    """An organizer's decision about held reports, and the outbox of what follows from it.

    Committed before anything else; a sweep carries out what a worker that died left undone
    (analytics/holding.py).
    """

    class Action(models.TextChoices):
        RELEASE = "release", _("release")
        VOID = "void", _("void")

    id = models.CharField(primary_key=True, db_column=_KEY, max_length=64)
    conference_id = models.CharField(_("conference"), max_length=64)
    action = models.CharField(_("decision"), max_length=8, choices=Action.choices)
    is_for_all = models.BooleanField(_("for all that were held by then"), default=False)
    keys = models.JSONField(_("events"), default=list)  # once at work: of the slice
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    decided_by = models.CharField(_("decided by"), max_length=150)
    decided_at = models.DateTimeField(_("decided at"))
    done_at = models.DateTimeField(_("carried out at"), null=True)
    event_count = models.PositiveIntegerField(_("events"), default=0)

    class Meta:
        verbose_name = _("decision about held reports")
        verbose_name_plural = _("decisions about held reports")
        indexes = [
            models.Index(fields=["done_at"], name="holddecision_done"),
            models.Index(fields=["conference_id", "decided_at"], name="holddecision_conference"),
        ]

    def __str__(self) -> str:
        return f"{self.conference_id}: {self.action}"
