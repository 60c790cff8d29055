"""What members can export: a class per kind of rows. Apps above this one register theirs in `exports.py`."""

from conferences.exports._base import EXPORTS, Export, register

__all__ = ["EXPORTS", "Export", "register"]
