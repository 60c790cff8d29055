"""What changes conferences, registrations and check-ins: the functions behind API, admin and commands."""

from conferences.services.conferences import create_conference, note_saved, update_conference

__all__ = ["create_conference", "note_saved", "update_conference"]
