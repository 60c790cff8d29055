"""Backups of everything that one installation keeps, made while it runs, and their restoring.

The order is what makes them whole (docs/operations.md): first the events that still wait in Redis, then the
database, then the files. An event that is stored in between is in both copies and counts once; a row's file
is there when the row is. MongoDB is backed up by its own tools, after this.
"""

from meeteasy.backups.making import make_backup
from meeteasy.backups.manifest import BackupError, Manifest
from meeteasy.backups.restoring import restore_backup

__all__ = ["BackupError", "Manifest", "make_backup", "restore_backup"]
