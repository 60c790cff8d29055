"""Functions that change conferences, registrations and check-ins, for the API, admin and commands."""

from conferences.services.cancelling import cancel_conference, reinstate_conference
from conferences.services.conferences import create_conference, note_saved, update_conference

__all__ = [
    "cancel_conference",
    "create_conference",
    "note_saved",
    "reinstate_conference",
    "update_conference",
]
