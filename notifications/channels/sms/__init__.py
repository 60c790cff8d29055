"""SMS through one of the providers in this folder; settings.SMS_PROVIDER names it."""

from notifications.channels.sms._base import SMS_PROVIDERS, Report, SmsProvider, get_provider
from notifications.channels.sms._channel import SmsChannel

__all__ = ["SMS_PROVIDERS", "Report", "SmsChannel", "SmsProvider", "get_provider"]
