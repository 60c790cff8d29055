"""A clock that a test can set while processes run: tests/support/clock.c, which needs a C compiler."""

import mmap
import shutil
import struct
import subprocess
import time
from pathlib import Path

_SOURCE = Path(__file__).with_name("clock.c")


class Clock:
    """The wall clock of all processes that are started with `environment`.

    clock = Clock(directory)
    system.environment |= clock.environment
    clock.set(hours=1)  # an hour fast from now on
    """

    def __init__(self, directory: Path) -> None:
        self.ahead_seconds = 0
        library, path = directory / "clock.so", directory / "clock"
        compiler = self.find_compiler()
        assert compiler is not None
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, _SOURCE], check=True)
        path.write_bytes(bytes(8))
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), 8)
        self.environment = {"LD_PRELOAD": str(library), "CLOCK_FILE": str(path)}

    @staticmethod
    def find_compiler() -> str | None:
        return shutil.which("cc") or shutil.which("gcc")

    def set(self, *, hours: float) -> None:
        """Let it go ahead of the real time by so many hours from now on; negative: behind."""
        self.ahead_seconds = round(hours * 3600)
        self._shared[:] = struct.pack("=q", self.ahead_seconds)

    def now(self) -> float:
        """Seconds since 1970, as the processes read them."""
        return time.time() + self.ahead_seconds
