"""Runs one program on one file, watches it, and ends it with everything that it started."""

import os
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from django.conf import settings

from conversion.problems import ConversionError, Problem
from conversion.sandbox import bubblewrap, interpreter, unsandboxed
from conversion.sandbox.child import Child
from meeteasy.core.logs import get_logger

log = get_logger(__name__)

# How often `keep_alive` is called.
TICK_SECONDS = 1.0
_PIECE = 1024 * 1024
# The limit of processor time, and the kernel or somebody else; we never kill a program that we judge.
_PROBLEM_OF_SIGNAL: dict[int, Problem] = {signal.SIGXCPU: Problem.TIMEOUT, signal.SIGKILL: Problem.KILLED}


@dataclass(frozen=True)
class Program:
    """A run of conversion/programs/<name>.py.

    extra: folders that it must see besides. memory_bytes: address space of each of its processes.
    output_bytes: of the largest file that it may write.
    """

    name: str
    kind: str
    arguments: dict[str, Any]
    seconds: float
    memory_bytes: int
    output_bytes: int
    extra: tuple[str, ...] = ()

    def describe(self, folder: str) -> str:
        """Return the JSON that the program reads (conversion/programs/work.py)."""
        given = {
            "program": self.name,
            "kind": self.kind,
            "input": f"{folder}/input.{self.kind}",
            "folder": folder,
            "arguments": self.arguments,
            "limits": {
                "memory_bytes": self.memory_bytes,
                "seconds": round(self.seconds),
                "output_bytes": self.output_bytes,
            },
        }
        return msgspec.json.encode(given).decode()


def run(
    program: Program,
    *,
    source: BinaryIO,
    output: BinaryIO,
    keep_alive: Callable[[], None],
    show_progress: Callable[[int, int], None],
) -> dict[str, Any]:
    """Run a program on the file `source`. Its result goes to the file `output`; returns its facts.

    Both must be real files. keep_alive: called every TICK_SECONDS; what it raises ends the program.
    Raises ConversionError.
    """
    source.seek(0)
    start = _start_unsandboxed if settings.CONVERT_WITHOUT_SANDBOX else _start_sandboxed
    with start(program, source, output) as child:
        deadline = time.monotonic() + program.seconds
        while not child.read(until=min(deadline, time.monotonic() + TICK_SECONDS)):
            if time.monotonic() >= deadline:
                raise ConversionError(Problem.TIMEOUT, seconds=round(program.seconds))
            keep_alive()
            if child.progress is not None:
                show_progress(*child.progress)
        code = child.wait(until=deadline)
    return _judge(program, code, child, output)


def _judge(program: Program, code: int | None, child: Child, output: BinaryIO) -> dict[str, Any]:
    if child.problem is not None:
        raise child.problem
    if child.facts is None or code != 0:
        printed = child.printed.decode("utf-8", "replace")[-1000:]
        log.warning("conversion_program_failed", program=program.name, exit_code=code, printed=printed)
        raise ConversionError(_PROBLEM_OF_SIGNAL.get(_signal_of(code), Problem.CRASHED), exit_code=code)
    output.seek(0, os.SEEK_END)
    if output.tell() == 0:
        raise ConversionError(Problem.EMPTY_OUTPUT)
    output.seek(0)
    return child.facts


def _signal_of(code: int | None) -> int:
    """Return the signal that ended a program, 0 if none did. bubblewrap reports it as a shell does."""
    if code is None:
        return 0
    return -code if code < 0 else max(0, code - 128)


def _start_sandboxed(program: Program, source: BinaryIO, output: BinaryIO) -> Child:
    bubblewrap.check()
    # bubblewrap reads from where the descriptor stands, which Python's own buffer does not say.
    os.lseek(source.fileno(), 0, os.SEEK_SET)

    def command(info_fd: int) -> list[str]:
        return bubblewrap.wrap(
            interpreter.command(program.describe(bubblewrap.FOLDER), is_inside=True),
            input_fd=source.fileno(),
            input_path=f"{bubblewrap.FOLDER}/input.{program.kind}",
            folder_bytes=settings.CONVERT_FOLDER_BYTES,
            info_fd=info_fd,
            extra=program.extra,
        )

    return Child(command, inherited=(source.fileno(),), output=output)


def _start_unsandboxed(program: Program, source: BinaryIO, output: BinaryIO) -> Child:
    folder = unsandboxed.make_folder()
    with (folder / f"input.{program.kind}").open("wb") as copy:
        shutil.copyfileobj(source, copy, _PIECE)
    command = interpreter.command(program.describe(str(folder)), is_inside=False)
    return Child(lambda info_fd: command, output=output, on_end=lambda: _remove(folder))


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
