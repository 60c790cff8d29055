"""Conferences and their members, registrations and check-ins."""

from conferences.models.conference import Conference, DeletedConference, Member
from conferences.models.desk import DeskSettings, Passage
from conferences.models.erased import ErasedVisitor
from conferences.models.export import ExportJob
from conferences.models.idempotency import IdempotencyKey
from conferences.models.job import Job
from conferences.models.receipt import RegistrationReceipt
from conferences.models.registration import CheckIn, Registration, StateChange
from conferences.models.senders import Alias, EventKey
from conferences.validators import validate_time_zone

__all__ = [
    "Alias",
    "CheckIn",
    "Conference",
    "DeletedConference",
    "DeskSettings",
    "ErasedVisitor",
    "EventKey",
    "ExportJob",
    "IdempotencyKey",
    "Job",
    "Member",
    "Passage",
    "Registration",
    "RegistrationReceipt",
    "StateChange",
    "validate_time_zone",
]
