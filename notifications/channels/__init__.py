"""The ways to a person, a file each: mail and SMS. SMS providers are files in channels/sms/."""

from notifications.channels._base import CHANNELS, Accepted, Channel, Failure, OnCall, register

__all__ = ["CHANNELS", "Accepted", "Channel", "Failure", "OnCall", "register"]
