"""What a program inside the sandbox can see, reach and leave behind: nothing."""

import http.server
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from conversion import store
from conversion.sandbox import bubblewrap, interpreter
from conversion.sandbox.child import Child
from tests.conversion.conftest import needs_sandbox

pytestmark = needs_sandbox

SECRET = "a file of this server"


def run_inside(code: str, *, seconds: float = 20, folder_bytes: int = 32 * 1024**2) -> Any:
    """Run Python code in a sandbox; returns what it puts into `found`."""
    source, output = store.make_temporary(), store.make_temporary()
    source.write(b"the document")
    source.seek(0)
    program = f"import json, sys\nfound = None\n{code}\nsys.stdout.write(json.dumps(found))"

    def command(info_fd: int) -> list[str]:
        python = interpreter.command("", is_inside=True)[0]
        return bubblewrap.wrap(
            [python, "-I", "-S", "-B", "-c", program],
            input_fd=source.fileno(), input_path="/job/input.txt", folder_bytes=folder_bytes, info_fd=info_fd,
        )  # fmt: skip

    deadline = time.monotonic() + seconds
    with source, output, Child(command, inherited=(source.fileno(),), output=output) as child:
        assert child.read(until=deadline), "it did not end in time"
        assert child.wait(until=deadline) == 0, child.printed.decode()
        output.seek(0)
        return msgspec.json.decode(output.read())


def test_it_sees_no_file_of_the_server(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    code = (
        "import os\nfound = []\n"
        f"for path in [{str(secret)!r}, {str(Path(__file__))!r}, '/etc/passwd', '/etc/shadow', '/root/.ssh', "
        "'/proc/1/environ', '/var/log', '/home', '/tmp']:\n"
        "    try:\n"
        "        found.append([path, os.listdir(path) if os.path.isdir(path) else open(path).read()])\n"
        "    except OSError:\n        pass\n"
    )
    seen = {path: content for path, content in run_inside(code)}
    assert seen.pop("/proc/1/environ", "") in ("", "LANG=C.UTF-8\0PATH=/usr/bin:/bin\0")
    assert seen.pop("/tmp") == [], "one of its own"
    assert seen == {}


def test_it_sees_only_its_own_processes_and_variables() -> None:
    os.environ["SECRET_OF_THE_WORKER"] = SECRET
    code = (
        "import os\n"
        "found = [sorted(os.environ), [int(n) for n in os.listdir('/proc') if n.isdigit()], os.getuid()]"
    )
    names, pids, uid = run_inside(code)
    assert set(names) <= {"LANG", "PATH", "PWD", "LC_CTYPE"}
    assert max(pids) < 10
    assert uid == 65534


def test_it_reads_the_document_and_cannot_change_it() -> None:
    code = (
        "found = [open('/job/input.txt').read()]\n"
        "for path in ('/job/input.txt', '/usr/x', '/x', '/dev/x', '/meeteasy/conversion/programs/x'):\n"
        "    try:\n        open(path, 'a').write('x')\n        found.append(path)\n"
        "    except OSError:\n        pass\n"
    )
    assert run_inside(code) == ["the document"]


def test_its_folder_is_bounded() -> None:
    code = (
        "found = 0\ntry:\n    with open('/job/x', 'wb') as file:\n        for _ in range(100):\n"
        "            found += file.write(bytes(1024 ** 2)); file.flush()\n"
        "except OSError as error:\n    assert error.errno == 28\n"
    )
    assert run_inside(code, folder_bytes=16 * 1024**2) <= 16 * 1024**2


@pytest.fixture
def listener() -> Iterator[tuple[int, list[str]]]:
    """A server on the loopback that notes what is asked of it."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port, asked
    server.shutdown()


def test_it_reaches_no_network(listener: tuple[int, list[str]]) -> None:
    port, asked = listener
    code = (
        f"import socket\nfound = []\nfor address in [('127.0.0.1', {port}), ('192.0.2.1', 80)]:\n"
        "    try:\n        socket.create_connection(address, 2)\n        found.append(address)\n"
        "    except OSError:\n        pass\n"
    )
    assert run_inside(code) == []
    assert asked == []


def test_it_can_make_no_namespaces() -> None:
    code = "import ctypes\nfound = ctypes.CDLL(None, use_errno=True).unshare(0x10000000)"
    assert run_inside(code) == -1


def test_its_end_ends_all_that_it_started() -> None:
    """A program that starts others and ignores SIGTERM is gone, with them, when the `with` ends."""
    code = (
        "import os, signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "for _ in range(5):\n    if os.fork() == 0:\n        os.setsid()\n        break\ntime.sleep(600)"
    )
    with pytest.raises(AssertionError, match="did not end"):
        run_inside(code, seconds=1)
    mine = psutil.Process()
    left = [process for process in mine.children(recursive=True) if "bwrap" in process.name()]
    assert left == []
    assert [
        process
        for process in psutil.process_iter(["cmdline"])
        if "time.sleep(600)" in str(process.info["cmdline"])
    ] == []
