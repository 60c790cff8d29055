"""Messages from organizers to a selection of registrants, through the outbox.

A message is one row. When its time has come, the sweeper writes its copies in slices, few enough that the
mail of somebody who just registered does not wait for thousands of them. Each slice is one transaction that
also moves the position on, and the key of a copy is the message and the address. So everybody gets at most
one, whatever crashes, and however often they registered.
"""

import datetime as dt
import hashlib
import secrets
import time
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from conferences.models import Conference, Registration
from meeteasy.core.errors import RefusedError
from meeteasy.core.logs import get_logger
from notifications.message_types import MESSAGE_TYPES
from notifications.message_types.organizer_message import pick_written
from notifications.models import Mailing, Notification, normalise_address
from notifications.selections import select
from notifications.services import outbox

log = get_logger(__name__)
Status = Mailing.Status

_ROWS_AT_ONCE = 500
# While this many copies of a message wait, no more are written.
_MOST_WAITING = 500
_BUDGET_SECONDS = 20


class _OvertakenError(Exception):
    """Another worker wrote the slice, or somebody stopped the message. The slice is rolled back."""


def draft_mailing(
    conference: Conference, *, texts: dict[str, Any], selection: dict[str, Any], by: User,
    channel: str = "email",
) -> Mailing:  # fmt: skip
    """Store a draft. channel, texts and selection: as `Mailing` has them."""
    return Mailing.objects.create(
        conference_id=conference.id, channel=channel, texts=texts, selection=selection,
        created_by=by.get_username(),
    )  # fmt: skip


def change_draft(
    mailing: Mailing, *, texts: dict[str, Any], selection: dict[str, Any], channel: str = "email"
) -> None:
    """Raises RefusedError `not_a_draft`."""
    changed = Mailing.objects.filter(pk=mailing.pk, status=Status.DRAFT).update(
        channel=channel, texts=texts, selection=selection
    )
    if not changed:
        raise RefusedError("not_a_draft", _("This message is planned already. Stop it to change it."))


def delete_draft(mailing: Mailing) -> None:
    """Raises RefusedError `not_a_draft`."""
    if not Mailing.objects.filter(pk=mailing.pk, status=Status.DRAFT).delete()[0]:
        raise RefusedError("not_a_draft", _("Only drafts are deleted: what was sent stays on record."))


def plan_mailing(mailing: Mailing, *, scheduled_for: dt.datetime | None, by: User) -> None:
    """Send a draft at a time; now if there is none. Two clicks plan it once.

    Raises RefusedError: `not_a_draft`, or `in_the_past`.
    """
    now = timezone.now()
    if scheduled_for is not None and scheduled_for < now - dt.timedelta(minutes=1):
        raise RefusedError("in_the_past", _("This time has passed."))
    planned = Mailing.objects.filter(pk=mailing.pk, status=Status.DRAFT).update(
        status=Status.PLANNED, scheduled_for=scheduled_for or now, planned_by=by.get_username()
    )
    if not planned:
        raise RefusedError("not_a_draft", _("This message is planned already."))
    log.info("mailing_planned", mailing=str(mailing.pk), by=by.get_username())


def stop_mailing(mailing: Mailing, *, by: User) -> int:
    """Stop a message: copies that wait are not sent. Returns their number. Stopping it again does nothing."""
    now, name = timezone.now(), by.get_username()
    stopped = Mailing.objects.filter(pk=mailing.pk, status__in=[Status.PLANNED, Status.WRITTEN]).update(
        status=Status.STOPPED, stopped_by=name, finished_at=now
    )
    if not stopped:
        return 0
    waiting = Notification.objects.filter(mailing_id=mailing.pk, status=Notification.Status.QUEUED)
    count = waiting.update(
        status=Notification.Status.SUPPRESSED, last_error=f"stopped by {name}", updated_at=now
    )
    log.info("mailing_stopped", mailing=str(mailing.pk), by=name, copies=count)
    return count


def send_test(mailing: Mailing, registration: Registration, *, to: str, language: str) -> Notification:
    """Send a copy of a mail to an organizer's own address, as the registrant would get it in a language.

    Each call sends one. registration: its conference is loaded.
    """
    key = f"mailing-test:{mailing.pk.hex}:{secrets.token_hex(8)}"
    row = _make_copy(mailing, registration, language=language, now=timezone.now(), key=key)
    assert row is not None  # every registration has a mail address
    row.recipient, row.facts, row.mailing_id = to, {**row.facts, "is_test": True}, None
    row.on_request = True
    row.scheduled_for = row.created_at
    row.save(force_insert=True)
    transaction.on_commit(lambda: outbox.ring_for([row]), robust=True)
    return row


def write_due_mailings(*, now: dt.datetime | None = None) -> int:
    """Write copies of messages whose time has come, for some seconds. Returns the number of copies."""
    stop_at, made = time.monotonic() + _BUDGET_SECONDS, 0
    due = Mailing.objects.filter(status=Status.PLANNED, scheduled_for__lte=now or timezone.now())
    for mailing in due.order_by("scheduled_for"):
        while time.monotonic() < stop_at and not _has_enough_waiting(mailing):
            try:
                written = _write_slice(mailing)
            except _OvertakenError:
                break
            except Exception:  # the next tick tries again; other messages and the sweep go on
                log.exception("mailing_not_written", mailing=str(mailing.pk))
                break
            if written is None:
                break
            made += written
    return made


def _has_enough_waiting(mailing: Mailing) -> bool:
    waiting = Notification.objects.filter(mailing_id=mailing.pk, status=Notification.Status.QUEUED)
    return waiting.count() >= _MOST_WAITING


def _write_slice(mailing: Mailing) -> int | None:
    """Write the copies of the next registrants. Returns None when all have theirs."""
    now = timezone.now()
    conference = Conference.objects.filter(pk=mailing.conference_id).first()
    rows: list[Registration] = []
    if conference is not None:
        found = select(conference, mailing.selection).filter(id__gt=mailing.position)
        rows = list(found.order_by("id")[:_ROWS_AT_ONCE])
    same = Mailing.objects.filter(pk=mailing.pk, status=Status.PLANNED, position=mailing.position)
    if not rows:
        same.update(status=Status.WRITTEN, finished_at=now)
        return None
    copies: dict[str, Notification] = {}
    for registration in rows:
        registration.conference = conference  # type: ignore[assignment]  # found above
        language = pick_written(mailing.texts, registration.language)
        copy = _make_copy(mailing, registration, language=language, now=now)
        if copy is not None:
            copies.setdefault(copy.dedupe_key, copy)
    with transaction.atomic():
        known = Notification.objects.filter(dedupe_key__in=copies).values_list("dedupe_key", flat=True)
        new = [copy for key, copy in copies.items() if key not in set(known)]
        if not same.update(position=rows[-1].id, written=mailing.written + len(new)):
            raise _OvertakenError
        Notification.objects.bulk_create(new)
        transaction.on_commit(lambda: outbox.ring_for(new), robust=True)
    mailing.position, mailing.written = rows[-1].id, mailing.written + len(new)
    return len(new)


def _make_copy(
    mailing: Mailing, registration: Registration, *, language: str, now: dt.datetime, key: str = ""
) -> Notification | None:
    """Return an unsaved copy; None for a person without an address of the message's channel."""
    copy = outbox.make_draft(
        registration, message_type=MESSAGE_TYPES["organizer_message"], channel=mailing.channel, now=now,
        mailing=str(mailing.pk),
    )  # fmt: skip
    if copy is None:
        return None
    address = hashlib.sha256(normalise_address(copy.recipient).encode()).hexdigest()
    copy.dedupe_key = key or f"mailing:{mailing.pk.hex}:{address}"
    copy.language = language
    copy.mailing_id = mailing.pk
    return copy
