"""Register the invented people, cancel and check in, through the services that the form and the desk call."""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import OuterRef, Subquery
from django.db.models.functions import Coalesce

from conferences.models import CheckIn, Conference, Registration
from conferences.services.checkins import check_in
from conferences.services.registrations import decide, register
from conferences.states import Action
from meeteasy.core.errors import RefusedError
from meeteasy.demo.history import Attendee
from notifications.models import Notification

_PEOPLE_AT_ONCE = 50
_Item = TypeVar("_Item")


@dataclass
class Added:
    """What a run has added; what was there already is not counted. events: those of visitors and bots."""

    events: int = 0
    registrations: int = 0
    check_ins: int = 0


def register_everybody(conference: Conference, attendees: Sequence[Attendee], *, by: User) -> Added:
    """Let the attendees register, cancel and arrive, in the order of time.

    Whoever is registered stays as they are, and whoever was ever checked in is not checked in again: people
    may have played with them. Nobody gets a mail.
    """
    registrations = Registration.objects.filter(conference=conference)
    ids = dict(registrations.values_list("email", "id"))
    check_ins = CheckIn.objects.filter(registration__conference=conference)
    arrived = set(check_ins.values_list("registration__email", flat=True))
    known = set(ids)
    work = _Attending(conference, by, ids)
    steps: list[tuple[dt.datetime, Callable[[], None]]] = []
    for item in attendees:
        email = item.person.email
        if email not in known:
            steps.append((item.registered_at, partial(work.enter, item)))
            if item.cancelled_at is not None:
                steps.append((item.cancelled_at, partial(work.cancel, item)))
        if item.arrived_at is not None and email not in arrived:
            steps.append((item.arrived_at, partial(work.arrive, item)))
    steps.sort(key=lambda step: step[0])
    for piece in in_pieces(steps, _PEOPLE_AT_ONCE):
        with transaction.atomic():
            for _at, take in piece:
                take()
            _keep_mails_as_sent(conference)
    return work.added


class _Attending:
    """ids: registrations by mail address."""

    def __init__(self, conference: Conference, by: User, ids: dict[str, str]) -> None:
        self._conference, self._by, self._ids = conference, by, ids
        self.added = Added()

    def enter(self, item: Attendee) -> None:
        person = item.person
        outcome = register(
            conference=self._conference, name=person.name, email=person.email, phone=person.phone,
            language=person.language, form_id="main", answers=item.answers, visitor_id=item.visitor_id,
            share_code=item.share_code, now=item.registered_at,
        )  # fmt: skip
        self._ids[person.email] = outcome.registration.id
        self.added.registrations += outcome.created

    def cancel(self, item: Attendee) -> None:
        decide(self._ids[item.person.email], Action.CANCEL, by=None, now=item.cancelled_at)

    def arrive(self, item: Attendee) -> None:
        try:
            outcome = check_in(
                self._ids[item.person.email], by=self._by, method="qr", gate=item.gate, now=item.arrived_at
            )
        except RefusedError:
            return  # a place on the waiting list opens no door
        self.added.check_ins += outcome.created


def _keep_mails_as_sent(conference: Conference) -> None:
    """In the transaction that writes them, so that no worker ever sees one to send."""
    about = Registration.objects.filter(id=OuterRef("registration_id"))
    moment = Coalesce(Subquery(about.values("decided_at")), Subquery(about.values("registered_at")))
    Notification.objects.filter(conference_id=conference.id, status=Notification.Status.QUEUED).update(
        status=Notification.Status.SENT, provider="demo", scheduled_for=moment, created_at=moment,
        sent_at=moment,
    )  # fmt: skip


def in_pieces(items: Sequence[_Item], size: int) -> Iterator[Sequence[_Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
