"""Compare the locked packages with published advisories: `python3 .ci/audit.py`, which .ci/run calls.

An advisory that names a fixed version makes it fail; one without a fix is only shown. Where advisories
cannot be had (no network, no npm, a registry without them), that part is skipped by name with the reason: a
change is not wrong because a server is away.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = (
    "requirements.txt",
    "requirements-s3.txt",
    "requirements-telemetry.txt",
    "requirements-dev.txt",
)
NPM_FOLDERS = ("webapi", "tests/sdks")
_SECONDS = 180


class SkippedError(Exception):
    """Advisories cannot be had; the message says why."""


def run(command: list[str], folder: Path = ROOT) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(  # noqa: S603
            command, cwd=folder, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise SkippedError(f"{Path(command[0]).name} took more than {_SECONDS} s") from None


def last_line(*texts: str) -> str:
    lines = [line.strip() for text in texts for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "it said nothing"


def find_pip_audit() -> str:
    """Return the program, installed beside the project's packages if it is not on PATH."""
    found = shutil.which("pip-audit")
    if found:
        return found
    folder = ROOT / ".venv" / "audit"
    program = folder / "bin" / "pip-audit"
    if not program.exists():
        made = run([sys.executable, "-m", "venv", str(folder)])
        if made.returncode == 0:
            made = run(
                [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet",
                 "--disable-pip-version-check", "--require-hashes", "-r", "requirements-audit.txt"]
            )  # fmt: skip
        if made.returncode:
            shutil.rmtree(folder, ignore_errors=True)
            raise SkippedError(f"pip-audit could not be installed: {last_line(made.stdout, made.stderr)}")
    return str(program)


def audit_python() -> list[tuple[str, bool]]:
    """Return (advisory, whether there is a fix) of the Python packages. Raises SkippedError."""
    files = [part for name in REQUIREMENTS if (ROOT / name).exists() for part in ("-r", name)]
    done = run(
        [find_pip_audit(), "--require-hashes", "--disable-pip", "--progress-spinner", "off",
         "--format", "json", "--timeout", "15", *files]
    )  # fmt: skip
    try:
        packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]  # noqa: TID251
    except (ValueError, KeyError, TypeError):
        raise SkippedError(last_line(done.stdout, done.stderr)) from None
    found = []
    for package in packages:
        for advisory in package.get("vulns", []):
            fixes = advisory.get("fix_versions") or []
            text = f"{package['name']} {package['version']}: {advisory['id']}, "
            found.append((text + (f"fixed in {', '.join(fixes)}" if fixes else "no fix yet"), bool(fixes)))
    return found


def audit_npm(folder: str) -> list[tuple[str, bool]]:
    """Return (advisory, whether there is a fix) of a folder's packages. Raises SkippedError."""
    if not shutil.which("npm"):
        raise SkippedError("npm is not installed")
    if not (ROOT / folder / "package-lock.json").exists():
        raise SkippedError("there is no package-lock.json")
    done = run(["npm", "audit", "--json", "--package-lock-only"], ROOT / folder)
    try:
        answer: dict[str, Any] = json.loads(done.stdout)  # noqa: TID251
        packages: dict[str, dict[str, Any]] | None = answer.get("vulnerabilities")
    except (ValueError, AttributeError):
        raise SkippedError(last_line(done.stdout, done.stderr)) from None
    if packages is None:
        reason = (answer.get("error") or {}).get("summary") or answer.get("message") or done.stderr
        raise SkippedError(last_line(*str(reason).splitlines()[:1]))
    return [
        (f"{name}: {package.get('severity')}, {'a fix' if package.get('fixAvailable') else 'no fix yet'}",
         bool(package.get("fixAvailable")))
        for name, package in sorted(packages.items())
    ]  # fmt: skip


def main() -> int:
    failed = False
    parts = [("Python packages", audit_python)]
    parts += [
        (f"npm packages of {folder}", lambda folder=folder: audit_npm(folder)) for folder in NPM_FOLDERS
    ]
    for name, audit in parts:
        try:
            found = audit()
        except SkippedError as reason:
            sys.stdout.write(f"advisories of {name}: skipped, {reason}\n")
            continue
        sys.stdout.write(f"advisories of {name}: {len(found) or 'none'}\n")
        for text, has_fix in found:
            failed |= has_fix
            sys.stdout.write(f"  {text}\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
