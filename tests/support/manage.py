"""manage.py for tests that call it often: Django is loaded once, and each command runs in a fork of that.

    python -m tests.support.manage

reads a command a line (an array of what comes after `manage.py`) and answers with a line: [code, output,
errors].
"""

import json
import os
import sys
import tempfile
import threading
from collections.abc import Mapping
from typing import IO

from tests.support.forks import start_python


class Manage:
    """The process, as one environment needs it. A command is a process of its own, as from a shell."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = dict(environment)
        self._lock = threading.Lock()
        commands, self._commands = _make_pipe()
        self._answers, answers = _make_pipe()
        with commands, answers, open(2, "wb", closefd=False) as errors:
            self._process = start_python(
                ["-m", "tests.support.manage"], self.environment,
                input=commands, output=answers, errors=errors,
            )  # fmt: skip

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Returns the exit code, and what was printed to standard output and to standard error."""
        with self._lock:
            self._commands.write(json.dumps(arguments).encode() + b"\n")
            self._commands.flush()
            answer = self._answers.readline()
        if not answer:
            raise AssertionError(f"manage.py {arguments}: Django could not be loaded")
        code, output, errors = json.loads(answer)
        return code, output, errors

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._commands.close()
        self._answers.close()


def _make_pipe() -> tuple[IO[bytes], IO[bytes]]:
    """The end to read from, and the one to write to."""
    reading, writing = os.pipe()
    return open(reading, "rb"), open(writing, "wb")


def _serve() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "meeteasy.settings")
    django.setup()
    for line in sys.stdin.buffer:
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            child = os.fork()
            if child == 0:
                os.dup2(output.fileno(), 1)
                os.dup2(errors.fileno(), 2)
                _run(json.loads(line))
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            printed = []
            for file in (output, errors):
                file.seek(0)
                printed.append(file.read().decode())
        print(json.dumps([code, *printed]), flush=True)  # noqa: T201


def _run(arguments: list[str]) -> None:
    import traceback

    from django.core.management import execute_from_command_line

    code = 1
    try:
        execute_from_command_line(["manage.py", *arguments])
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(bool(end.code))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
