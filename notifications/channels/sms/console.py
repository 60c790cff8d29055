"""The default provider. It logs an SMS and, in development, shows it on the mailbox page."""

from typing import ClassVar

from django.conf import settings

from meeteasy.core.logs import get_logger
from notifications import mailbox
from notifications.channels._base import Accepted, Call
from notifications.channels.sms._base import SmsProvider, register
from notifications.models import Notification
from notifications.rendering import Sms

log = get_logger(__name__)


@register
class ConsoleProvider(SmsProvider):
    name: ClassVar[str] = "console"

    def send(self, notification: Notification, sms: Sms, *, call: Call) -> Accepted:
        call.begin()
        if settings.DEVELOPMENT_MAILBOX:
            mailbox.keep_sms(
                recipient=notification.recipient, text=sms.text, conference_id=notification.conference_id
            )
        log.info("sms_printed", notification=str(notification.id), segments=sms.segments.count)
        return Accepted()
