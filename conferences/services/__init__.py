"""What changes conferences, registrations and check-ins: the functions behind API, admin and commands."""

from conferences.services.conferences import announce_saved, create_conference, update_conference

__all__ = ["announce_saved", "create_conference", "update_conference"]
