"""What is in a backup and of which release it is. It is written last: a folder without it is no backup."""

import hashlib
from pathlib import Path

import msgspec

_NAME = "manifest.json"


class BackupError(Exception):
    """The backup cannot be made or restored; the message says why, for the operator."""


class Manifest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """counts: rows of each table, as copied. files: SHA-256 by path."""

    format: int = 1
    release: str
    made_at: str
    database: str  # sqlite or postgresql
    analytics: str  # the same, or mongodb: not in here
    migrations: dict[str, list[str]]
    stream_entries: int
    counts: dict[str, int]
    files: dict[str, str]

    def write(self, folder: Path) -> None:
        text = msgspec.json.format(msgspec.json.encode(self), indent=1)
        (folder / _NAME).write_bytes(text + b"\n")


def read_manifest(folder: Path) -> Manifest:
    """Raises BackupError, also if a file of the backup was changed or is missing."""
    try:
        manifest = msgspec.json.decode((folder / _NAME).read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise BackupError(f"{folder} is no complete backup: it has no {_NAME}") from None
    except msgspec.DecodeError as error:
        raise BackupError(f"{folder / _NAME} cannot be read: {error}") from None
    for name, digest in manifest.files.items():
        path = folder / name
        if not path.is_file() or digest_of(path) != digest:
            raise BackupError(f"{path} is missing or was changed since the backup")
    return manifest


def digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
