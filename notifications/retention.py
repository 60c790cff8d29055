"""Retention of messages: those that are through, by when they were written.

A message that waits or is being sent stays. None is written again for the same cause once its row is gone:
rounds of reminders and announcements have records of their own, and changes of a registration happen once.
"""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from conferences.models import Conference
from conferences.services.old_rows import keeps_rows
from notifications.models import MailboxMessage, Notification
from notifications.services.outbox import RESENDABLE


def _messages(conference: Conference) -> QuerySet[Any]:
    return Notification.objects.filter(conference_id=conference.id, status__in=RESENDABLE)


def _copies(conference: Conference) -> QuerySet[Any]:
    return MailboxMessage.objects.filter(conference_id=conference.id)


keeps_rows("messages", _("Mails and SMS"), "keep_messages_days", _messages, "created_at")
keeps_rows("mailbox", _("Messages in the development mailbox"), "keep_messages_days", _copies, "created_at")
