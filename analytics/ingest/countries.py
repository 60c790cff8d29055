"""The country of a client's address, from a local file. The address itself goes no further than the door."""

import os
import shutil
import tempfile
import time
from functools import lru_cache
from typing import Any

import maxminddb

from meeteasy.core.logs import get_logger
from meeteasy.core.salts import plain_address

log = get_logger(__name__)

# A file that is replaced by a newer one is noticed after this time.
_LOOK_SECONDS = 60.0
_CACHED = 8192
# What reading a file that is missing, damaged or half-written raises.
UNREADABLE = (OSError, ValueError, maxminddb.InvalidDatabaseError)


class Countries:
    """Looks countries up in a MaxMind DB file, and opens it again when it was replaced.

    Files of MaxMind, DB-IP, IPinfo and the public-domain geo-whois-asn-country are read alike. A file that
    cannot be read costs the country, never the event.

    path: "" for none.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._reader: maxminddb.Reader | None = None
        self._version: tuple[int, int, int] | None = None
        self._look_at = 0.0
        self._find = lru_cache(maxsize=_CACHED)(self._look_up)

    def find(self, address: str) -> str:
        """Two capital letters (ISO 3166-1), or "" where the file does not know."""
        if not self._path:
            return ""
        if time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + _LOOK_SECONDS
            self._reopen()
        return self._find(address)

    def _reopen(self) -> None:
        try:
            status = os.stat(self._path)
            version = (status.st_ino, status.st_mtime_ns, status.st_size)
            if version == self._version:
                return
            reader = open_database(self._path)
        except UNREADABLE as error:
            # An open file stays in use, though its name may be gone.
            log.warning("country_database_unreadable", path=self._path, error=str(error))
            return
        self._reader, self._version = reader, version
        self._find.cache_clear()

    def _look_up(self, address: str) -> str:
        if self._reader is None:
            return ""
        try:
            return _read_country(self._reader.get(plain_address(address)))
        except UNREADABLE:  # no address, IPv6 in a file of IPv4 addresses, a damaged part of the file
            return ""


def open_database(path: str) -> maxminddb.Reader:
    """Open a private copy of the file. Raises one of UNREADABLE.

    The reader maps its file into memory. If somebody wrote over that file, or cut it, the process would be
    killed.
    """
    with tempfile.NamedTemporaryFile(prefix="countries-", suffix=".mmdb") as copy:
        shutil.copyfile(path, copy.name)
        return maxminddb.open_database(copy.name)  # what is mapped stays when the name is gone


def _read_country(record: Any) -> str:
    """`{"country": {"iso_code": "CN"}}`, `{"country_code": "CN"}` or `{"country": "CN"}`.

    Where an address only belongs to a network that is registered somewhere, that country is taken.
    """
    if not isinstance(record, dict):
        return ""
    for name in ("country", "country_code", "registered_country"):
        value = record.get(name)
        code = value.get("iso_code") if isinstance(value, dict) else value
        if isinstance(code, str) and len(code) == 2 and code.isascii() and code.isalpha():
            return code.upper()
    return ""
