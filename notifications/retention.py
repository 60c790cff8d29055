"""Retention of messages: those that are through, by when they were written.

A message that waits or is being sent stays. None is written again for the same cause once its row is gone:
rounds of reminders and announcements have records of their own, and changes of a registration happen once.
"""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from conferences.models import Conference
from conferences.services.old_rows import count_by_day, delete_slices
from conferences.services.retention import Kind, keeps
from notifications.models import MailboxMessage, Notification
from notifications.services.outbox import RESENDABLE


def _messages(conference: Conference) -> QuerySet[Any]:
    return Notification.objects.filter(conference_id=conference.id, status__in=RESENDABLE)


def _delete(keys: list[Any]) -> None:
    # Unless one is sent again meanwhile.
    Notification.objects.filter(pk__in=keys, status__in=RESENDABLE).delete()


def _copies(conference: Conference) -> QuerySet[Any]:
    return MailboxMessage.objects.filter(conference_id=conference.id)


def _delete_copies(keys: list[Any]) -> None:
    MailboxMessage.objects.filter(pk__in=keys).delete()


for _name, _label, _find, _delete_slice in (
    ("messages", _("Mails and SMS"), _messages, _delete),
    ("mailbox", _("Messages in the development mailbox"), _copies, _delete_copies),
):
    keeps(
        Kind(
            _name, _label, "keep_messages_days", count_by_day(_find, "created_at"),
            delete_slices(_find, "created_at", _delete_slice),
        )
    )  # fmt: skip
