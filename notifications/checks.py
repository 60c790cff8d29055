"""System checks for settings. Without them, each message would fail later in a worker."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.utils.module_loading import import_string

from meeteasy.core.queues import WORKER_OPTIONS, Queue
from notifications.channels.sms import SMS_PROVIDERS
from notifications.tasks import SEND_EMAIL_SECONDS

# The longest time for connecting and all SMTP steps before the mail's end (channels/_smtp.py).
_BEFORE_THE_ANSWER_SECONDS = 1000


@register()
def check_sms_provider(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    provider = SMS_PROVIDERS.get(settings.SMS_PROVIDER)
    if provider is None:
        names = ", ".join(sorted(SMS_PROVIDERS))
        return [
            Error(
                f"SMS_PROVIDER is {settings.SMS_PROVIDER!r}, which is not one of: {names}",
                id="notifications.E001",
            )
        ]
    return [
        Error(
            f"SMS_PROVIDER={provider.name} needs {name}",
            hint="See docs/settings.md.",
            id="notifications.E002",
        )
        for name in provider.required_settings
        if not getattr(settings, name)
    ]


@register()
def check_mail_backend(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    try:
        import_string(settings.EMAIL_BACKEND)
    except ImportError as error:
        return [Error(f"EMAIL_BACKEND: {error}", hint="See EMAIL_PROVIDER.", id="notifications.E003")]
    return []


@register()
def check_lease(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Check that the lease covers an SMS task. A mail renews its lease while it waits; an SMS does not."""
    longest = WORKER_OPTIONS[Queue.NOTIFICATIONS_SMS].time_limit_seconds
    if longest < settings.NOTIFICATIONS_LEASE_SECONDS:
        return []
    return [
        Warning(
            f"NOTIFICATIONS_LEASE_SECONDS is {settings.NOTIFICATIONS_LEASE_SECONDS}, not more than a task "
            f"may take ({longest}): an SMS could be sent twice",
            id="notifications.W001",
        )
    ]


@register()
def check_answer_timeout(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    most = SEND_EMAIL_SECONDS - _BEFORE_THE_ANSWER_SECONDS
    if most >= settings.EMAIL_ANSWER_TIMEOUT:
        return []
    return [Error(f"EMAIL_ANSWER_TIMEOUT is more than {most}", id="notifications.E004")]
