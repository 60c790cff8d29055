from typing import ClassVar

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from conferences.models import Registration
from meeteasy.core.queues import Queue
from notifications.channels._base import Accepted, Call, Channel, register
from notifications.channels.sms._base import SMS_PROVIDERS, get_provider
from notifications.models import Notification
from notifications.rendering import Sms, render_sms


@register
class SmsChannel(Channel):
    name: ClassVar[str] = "sms"
    label = _("SMS")
    queue: ClassVar[Queue] = Queue.NOTIFICATIONS_SMS
    task_name: ClassVar[str] = "notifications.send_sms"
    drain_task_name: ClassVar[str] = "notifications.send_due_sms"
    # Providers do not recognise a repeated request, and the phone would show both.
    resends_unknown: ClassVar[bool] = False

    def provider_name(self) -> str:
        return settings.SMS_PROVIDER

    def rate_per_second(self) -> float:
        return settings.SMS_RATE_PER_SECOND

    def render(self, notification: Notification, registration: Registration, *, sequence: int) -> Sms:
        return render_sms(notification, registration)

    def send(self, notification: Notification, message: Sms, *, call: Call) -> Accepted:
        return get_provider().send(notification, message, call=call)

    def look_up(self, notification: Notification) -> Accepted | None:
        """Ask the provider that was called. It may differ from the current one."""
        provider = SMS_PROVIDERS.get(notification.provider)
        return None if provider is None else provider.look_up(notification)
