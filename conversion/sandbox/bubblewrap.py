"""The command line of bubblewrap: which part of this machine a program sees.

It sees /usr, the fonts, LibreOffice's configuration, a Python, the file (read-only) and a folder in memory
that vanishes with the processes, however they end. It has no network, no other processes, no environment, no
capabilities, and no way to make another user namespace.
"""

import shutil
import subprocess
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from conversion.problems import ConversionError, Problem
from conversion.sandbox import interpreter

FOLDER = "/job"
_NOBODY = "65534"
_TOP_LEVEL = ("/bin", "/lib", "/lib32", "/lib64", "/libx32", "/sbin")
# Fonts with their cache, and the configuration of Debian's LibreOffice. /etc/alternatives leads to libraries.
_SHARED = (
    "/etc/fonts", "/var/cache/fontconfig", "/etc/libreoffice", "/etc/alternatives", "/etc/ld.so.cache",
    "/usr/local/share/fonts",
)  # fmt: skip
_CHECK_SECONDS = 20
_TEMPORARY_BYTES = 16 * 1024 * 1024


def wrap(
    command: list[str],
    *,
    input_fd: int,
    input_path: str,
    folder_bytes: int,
    info_fd: int,
    extra: Iterable[str] = (),
) -> list[str]:
    """Return the command that runs `command` in a sandbox.

    input_fd: a copy of what it reads becomes the file `input_path`. folder_bytes: room in FOLDER. info_fd:
    bwrap writes the id of the first process inside there. extra: more folders to see, read-only.
    Raises ConversionError.
    """
    return [
        *_options(extra),
        "--info-fd", str(info_fd),
        "--size", str(folder_bytes), "--tmpfs", FOLDER,
        "--ro-bind-data", str(input_fd), input_path,
        "--remount-ro", "/",
        "--chdir", FOLDER, "--", *command,
    ]  # fmt: skip


def _options(extra: Iterable[str] = ()) -> list[str]:
    program = find_program()
    options = [
        program, "--unshare-user", "--unshare-all", "--disable-userns", "--die-with-parent", "--new-session",
        "--clearenv", "--cap-drop", "ALL", "--uid", _NOBODY, "--gid", _NOBODY, "--hostname", "sandbox",
        "--setenv", "LANG", "C.UTF-8", "--setenv", "PATH", "/usr/bin:/bin",
        # LibreOffice makes a socket in /tmp, whatever TMPDIR says.
        "--size", str(_TEMPORARY_BYTES), "--tmpfs", "/tmp",  # noqa: S108  of the sandbox
        "--ro-bind", "/usr", "/usr", "--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev",
    ]  # fmt: skip
    for path in _TOP_LEVEL:
        found = Path(path)
        if found.is_symlink():
            options += ["--symlink", str(found.readlink()), path]
        elif found.exists():
            options += ["--ro-bind", path, path]
    for path in (*_SHARED, *extra):
        options += ["--ro-bind-try", path, path]
    for source, place in interpreter.folders_to_bind():
        options += ["--ro-bind", source, place]
    return options


def find_program() -> str:
    """Return bubblewrap's path. Raises ConversionError."""
    program = shutil.which("bwrap")
    if program is None:
        raise ConversionError(Problem.SANDBOX_MISSING, reason="bwrap is not installed")
    return program


def check() -> None:
    """Check that sandboxes can be made here; containers may forbid it. Raises ConversionError."""
    failure = _try_once(find_program())
    if failure:
        _try_once.cache_clear()  # an operator may mend it while we run
        raise ConversionError(Problem.SANDBOX_MISSING, reason=failure)


@lru_cache(maxsize=1)
def _try_once(program: str) -> str:
    try:
        result = subprocess.run(  # noqa: S603  our own arguments
            [*_options(), "--", "/usr/bin/true"], capture_output=True, timeout=_CHECK_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)[:300]
    return "" if result.returncode == 0 else result.stderr.decode("utf-8", "replace")[-300:] or "it failed"
