"""Admin pages for conferences, registrations and check-ins. They use the same functions as the API."""

from conferences.admin.conferences import ConferenceAdmin
from conferences.admin.exports import ExportJobAdmin
from conferences.admin.jobs import JobAdmin
from conferences.admin.registrations import CheckInAdmin, RegistrationAdmin
from conferences.admin.senders import AliasAdmin, EventKeyAdmin

__all__ = [
    "AliasAdmin",
    "CheckInAdmin",
    "ConferenceAdmin",
    "EventKeyAdmin",
    "ExportJobAdmin",
    "JobAdmin",
    "RegistrationAdmin",
]
