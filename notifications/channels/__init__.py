"""Channels to a person, one file each: mail and SMS. SMS providers are files in channels/sms/."""

from notifications.channels._base import CHANNELS, Accepted, Call, Channel, Failure, register

__all__ = ["CHANNELS", "Accepted", "Call", "Channel", "Failure", "register"]
