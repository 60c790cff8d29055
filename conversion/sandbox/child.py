"""A running program: what it says, and its end."""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, BinaryIO

import msgspec

from conversion.problems import ConversionError, Problem

_MARK = b"\x1e"
_MOST_PRINTED = 4_000
_MOST_UNREAD = 64 * 1024
_READ_AT_ONCE = 16 * 1024
_END_SECONDS = 5.0


class _Message(msgspec.Struct):
    """A message of conversion/programs/work.py. The program may be in a stranger's hands: all is bounded."""

    progress: tuple[int, int] | None = None
    facts: dict[str, int | float | str] | None = None
    problem: Problem | None = None
    details: dict[str, int | float | str | None] = {}


class _Info(msgspec.Struct):
    """What bubblewrap writes to --info-fd."""

    child_pid: int = msgspec.field(name="child-pid")


class Child:
    """A started program. Use it in a `with`, whose end is the program's end, whatever happens.

    command: returns the command line. It is given a descriptor to which bubblewrap may write the id of the
        first process inside. inherited: descriptors that the program needs. on_end: called last.
    """

    def __init__(
        self,
        command: Callable[[int], list[str]],
        *,
        output: BinaryIO,
        inherited: tuple[int, ...] = (),
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        self.facts: dict[str, Any] | None = None
        self.problem: ConversionError | None = None
        self.progress: tuple[int, int] | None = None
        self.printed = b""
        self._unread = b""
        self._info = b""
        self._on_end = on_end
        errors, errors_end = os.pipe()
        info, info_end = os.pipe()
        self._streams = {errors: self._take_errors, info: self._take_info}
        try:
            self._process = subprocess.Popen(  # noqa: S603  our own arguments
                command(info_end), stdin=subprocess.DEVNULL, stdout=output, stderr=errors_end, env={},
                start_new_session=True, pass_fds=(*inherited, info_end),
            )  # fmt: skip
        except BaseException:
            self._close()
            on_end()
            raise
        finally:
            os.close(errors_end)
            os.close(info_end)
        self._selector = selectors.DefaultSelector()
        for stream in self._streams:
            self._selector.register(stream, selectors.EVENT_READ)

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._kill()
        finally:
            self._selector.close()
            self._close()
            self._on_end()

    def read(self, *, until: float) -> bool:
        """Read what the program says, until it has closed its streams or `until` (monotonic). Returns whether
        it has closed them."""
        while self._streams:
            left = until - time.monotonic()
            if left <= 0:
                return False
            for key, _ in self._selector.select(left):
                self._read_from(key.fd)
        return True

    def wait(self, *, until: float) -> int | None:
        """Return the exit code; None if it does not end in time."""
        with suppress(subprocess.TimeoutExpired):
            return self._process.wait(max(0.0, until - time.monotonic()))
        return None

    def _read_from(self, stream: int) -> None:
        piece = os.read(stream, _READ_AT_ONCE)
        if piece:
            self._streams[stream](piece)
            return
        self._selector.unregister(stream)
        del self._streams[stream]
        os.close(stream)

    def _take_info(self, piece: bytes) -> None:
        self._info = (self._info + piece)[:_MOST_UNREAD]

    def _take_errors(self, piece: bytes) -> None:
        *lines, self._unread = (self._unread + piece).split(b"\n")
        self._unread = self._unread[-_MOST_UNREAD:]
        for line in lines:
            if not line.startswith(_MARK):
                self.printed = (self.printed + line + b"\n")[-_MOST_PRINTED:]
                continue
            with suppress(msgspec.DecodeError):
                self._take(msgspec.json.decode(line[1:], type=_Message))

    def _take(self, message: _Message) -> None:
        if message.progress is not None:
            done, total = message.progress
            if 0 <= done <= total < 2**31:
                self.progress = message.progress
        if message.facts is not None:
            self.facts = message.facts
        if message.problem is not None:
            self.problem = ConversionError(message.problem, **message.details)

    def _kill(self) -> None:
        """End the program and all its processes, and collect them.

        In a sandbox the first process inside goes first: the kernel ends the others with it, and bubblewrap,
        which is its parent, collects it. If bubblewrap went first, it would be a zombie wherever process 1
        collects none, as in many containers.
        """
        if self._process.poll() is None:
            inside = self._find_pid_inside()
            if inside is not None:
                with suppress(ProcessLookupError):
                    os.kill(inside, signal.SIGKILL)
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(_END_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _find_pid_inside(self) -> int | None:
        with suppress(msgspec.DecodeError):
            return msgspec.json.decode(self._info, type=_Info).child_pid
        return None

    def _close(self) -> None:
        for stream in self._streams:
            os.close(stream)
        self._streams = {}
