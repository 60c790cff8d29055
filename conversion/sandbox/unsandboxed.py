"""Folders of runs without a sandbox (CONVERT_WITHOUT_SANDBOX): on disk, so a killed worker leaves its own."""

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

_PREFIX = "meeteasy-conversion-"


def make_folder() -> Path:
    """Make a folder that names this process."""
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))


def remove_abandoned_folders() -> int:
    """Remove the folders of processes of this machine that are gone. Returns how many."""
    removed = 0
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        pid = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if pid.isdigit() and not _is_running(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)
            removed += 1
    return removed


def _is_running(pid: int) -> bool:
    with suppress(ProcessLookupError):
        with suppress(PermissionError):
            os.kill(pid, 0)
        return True
    return False
