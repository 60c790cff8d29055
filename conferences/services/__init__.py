"""Functions that change conferences, registrations and check-ins, for the API, admin and commands."""

from conferences.services.conferences import create_conference, note_saved, update_conference

__all__ = ["create_conference", "note_saved", "update_conference"]
