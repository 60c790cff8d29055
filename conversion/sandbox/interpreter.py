"""Which Python runs the programs, and which folders it needs to see."""

import sys
import sysconfig
from functools import lru_cache
from pathlib import Path

_PROGRAMS = Path(__file__).resolve().parent.parent / "programs"
# Where the programs are inside the sandbox: nothing else of this project is there.
_INSIDE = "/meeteasy"
# -I, -S: no environment, no user's or site's code at start-up. The paths are given instead.
_START = (
    "import sys; sys.path[:0] = sys.argv.pop().split(':'); from conversion.programs.work import main; main()"
)


@lru_cache
def library_folders() -> tuple[str, ...]:
    """Folders of this interpreter and its packages; they may be anywhere, e.g. in a virtual environment."""
    paths = sysconfig.get_paths()
    folders = [sys.base_prefix, *(str(Path(paths[name]).resolve()) for name in ("purelib", "platlib"))]
    return tuple(dict.fromkeys(folders))


@lru_cache
def folders_to_bind() -> tuple[tuple[str, str], ...]:
    """(source, place inside) of what must be bound besides /usr."""
    libraries = [folder for folder in library_folders() if not is_below_usr(folder)]
    return (*((folder, folder) for folder in libraries), (str(_PROGRAMS), f"{_INSIDE}/conversion/programs"))


def is_below_usr(path: str) -> bool:
    return Path(path).is_relative_to("/usr")


def command(given: str, *, is_inside: bool) -> list[str]:
    """Return the command that runs a program. given: its JSON argument."""
    project = _INSIDE if is_inside else str(_PROGRAMS.parent.parent)
    path = ":".join([project, *library_folders()[1:]])
    return [str(Path(sys.executable).resolve()), "-I", "-S", "-B", "-c", _START, given, path]
