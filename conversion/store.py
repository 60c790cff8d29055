"""The store of uploaded files and results: any of Django's storages (settings: STORAGES["conversion"]).

<conference>/inputs/<job>             an uploaded file, of one job
<conference>/outputs/<digest>.<type>  a result, of all jobs that have the same path
"""

import datetime as dt
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO, cast

from django.core.files import File
from django.core.files.storage import FileSystemStorage, Storage, storages

_PIECE = 1024 * 1024
_UNFINISHED = ".part"


def _storage() -> Storage:
    return storages["conversion"]


def open_file(path: str) -> BinaryIO:
    """Open a stored file as a real file. Raises FileNotFoundError, or OSError while the store is away."""
    storage = _storage()
    if isinstance(storage, FileSystemStorage):
        return Path(storage.path(path)).open("rb")
    copy = make_temporary()
    try:
        with storage.open(path, "rb") as stored:
            shutil.copyfileobj(stored, copy, _PIECE)
    except BaseException:
        copy.close()
        raise
    copy.seek(0)
    return copy


def open_stream(path: str) -> File:
    """Open a stored file to be sent to a client piece by piece. Raises as open_file does."""
    return _storage().open(path, "rb")


def make_temporary() -> BinaryIO:
    """Make a file without a name: it is gone when nobody has it open, even after kill -9."""
    return cast("BinaryIO", tempfile.TemporaryFile())


def exists(path: str) -> bool:
    return _storage().exists(path)


def put(path: str, content: IO[bytes]) -> None:
    """Store a file under a path, whole or not at all. An existing file is replaced."""
    content.seek(0)
    storage = _storage()
    if not isinstance(storage, FileSystemStorage):
        storage.save(path, File(content))  # an object appears when it is whole
        return
    place = Path(storage.path(path))
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = place.with_name(f"{place.name}.{secrets.token_hex(8)}{_UNFINISHED}")
    try:
        with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            shutil.copyfileobj(content, file, _PIECE)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(place)
    finally:
        aside.unlink(missing_ok=True)


def delete(path: str) -> None:
    """Delete a file; there need not be one."""
    if path:
        _storage().delete(path)


def modified_at(path: str) -> dt.datetime:
    """Return when a file was stored. Raises FileNotFoundError."""
    return _storage().get_modified_time(path)


def walk() -> Iterator[str]:
    """Yield the paths of all files."""
    yield from _walk("")


def _walk(folder: str) -> Iterator[str]:
    try:
        folders, names = _storage().listdir(folder)
    except FileNotFoundError:
        return
    for name in names:
        yield f"{folder}{name}"
    for name in folders:
        yield from _walk(f"{folder}{name}/")
