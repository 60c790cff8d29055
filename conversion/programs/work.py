"""Starts a program inside the sandbox: limits first, then the decoder, then the report.

The outside gives one JSON argument and reads two streams. Standard output is a file that becomes the result.
Standard error has messages, each on a line that begins with the record separator of RFC 7464; whatever else
decoders print there is only logged.
"""

import importlib
import json
import os
import resource
import sys
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

MARK = "\x1e"


class FileError(Exception):
    """The file cannot be converted. code: a Problem of conversion/problems.py."""

    def __init__(self, code: str, **details: Any) -> None:
        super().__init__(code)
        self.code, self.details = code, details


class Work:
    """What a program works on.

    input: path of the file, which is read-only. folder: the only place for files of its own. output: the
    result goes here. output_bytes: no file that it writes may be larger. arguments: what the converter says.
    kind: of the input.
    """

    def __init__(self, given: dict[str, Any], output: BinaryIO) -> None:
        self.input = Path(given["input"])
        self.folder = Path(given["folder"])
        self.kind: str = given["kind"]
        self.arguments: dict[str, Any] = given["arguments"]
        self.output = output
        self.output_bytes: int = given["limits"]["output_bytes"]

    def show_progress(self, done: int, total: int) -> None:
        _tell({"progress": [done, total]})


def main() -> NoReturn:
    """Run a program. Exits with 0 after a result or a known problem, else with the decoder's failure."""
    given = json.loads(sys.argv[1])  # noqa: TID251  msgspec is not bound into the sandbox
    _limit(given["limits"])
    output = os.fdopen(os.dup(1), "w+b")
    os.dup2(2, 1)  # a library that prints must not print into the result
    try:
        work = Work(given, output)
        facts = importlib.import_module(f"conversion.programs.{given['program']}").run(work)
        output.flush()
        _tell({"facts": facts})
    except FileError as error:
        _tell({"problem": error.code, "details": error.details})
    except MemoryError:
        _tell({"problem": "out_of_memory", "details": {}})
    except OSError as error:
        if error.errno not in (27, 28):  # EFBIG, ENOSPC: the sandbox's own folder, or the result's limit
            raise
        _tell({"problem": "output_too_large", "details": {}})
    sys.stderr.flush()
    os._exit(0)  # decoders may crash in their destructors


def _limit(limits: dict[str, int]) -> None:
    """Bound this process and all that it starts, before a byte of the file is read."""
    # The soft limit of processor time ends a program by SIGXCPU, which says why; the hard one by SIGKILL.
    resource.setrlimit(resource.RLIMIT_CPU, (limits["seconds"], limits["seconds"] + 5))
    for name, value in (
        (resource.RLIMIT_AS, limits["memory_bytes"]),
        (resource.RLIMIT_FSIZE, limits["output_bytes"]),
        (resource.RLIMIT_NOFILE, 256),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(name, (value, value))


def _tell(message: dict[str, Any]) -> None:
    sys.stderr.write(f"{MARK}{json.dumps(message)}\n")
    sys.stderr.flush()
