"""Settings: read from the environment, refused loudly by name, and all of them documented."""

import os
import re
import subprocess
import tempfile
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from meeteasy import env
from tests.support.forks import READ_AT_START, ROOT, start_python


def load(**variables: str) -> subprocess.CompletedProcess[str]:
    """Load the settings in a process that has these variables and no other of ours."""
    kept = {name: os.environ[name] for name in ("PATH", *READ_AT_START) if name in os.environ}
    code = "from meeteasy import settings; print(settings.SECRET_KEY, settings.DEBUG, settings.LOG_FORMAT)"
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = start_python(["-c", code], {**kept, **variables}, output=output, errors=errors)
        status = process.wait(60)
        output.seek(0)
        errors.seek(0)
        return subprocess.CompletedProcess(
            process.args, status, output.read().decode(), errors.read().decode()
        )


def test_without_a_secret_key_nothing_starts() -> None:
    result = load()

    assert result.returncode != 0
    assert "SECRET_KEY is not set" in result.stderr


def test_a_secret_may_come_in_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text("from a file\n")

    assert load(SECRET_KEY_FILE=str(secret)).stdout.split(" False")[0] == "from a file"


STRONG = "cVYyOnY1n3dZ7mTq0kWJ4bXh8uRrGpLsEaFi"


@pytest.mark.parametrize("weak", ["x", "changeme", "only-for-tests", "ab" * 40, STRONG[:31]])
def test_a_weak_key_is_refused_with_https_only(weak: str) -> None:
    for variables in (
        {"SECRET_KEY": weak},
        {"SECRET_KEY": STRONG, "SECRET_KEY_FALLBACKS": f"{STRONG}2,{weak}"},
    ):
        result = load(HTTPS_ONLY="1", **variables)
        assert result.returncode != 0
        named = list(variables)[-1]
        assert f"{named} is too weak for HTTPS_ONLY" in result.stderr.strip().splitlines()[-1]
        assert weak not in result.stderr or len(weak) == 1, "a log must not hold the key"
        assert load(**variables).returncode == 0, "without HTTPS_ONLY, on one's own machine, it may be weak"


def test_a_strong_key_starts_with_https_only() -> None:
    result = load(HTTPS_ONLY="1", SECRET_KEY=STRONG, SECRET_KEY_FALLBACKS=f"{STRONG}2")
    assert result.stdout.startswith(f"{STRONG} False")


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"SECRET_KEY_FILE": "/nowhere/at/all"}, "SECRET_KEY_FILE"),
        ({"SECRET_KEY": "x", "SECRET_KEY_FILE": "/dev/null"}, "SECRET_KEY_FILE"),
        ({"SECRET_KEY": "x", "DEBUG": "perhaps"}, "DEBUG"),
        ({"SECRET_KEY": "x", "DEBUG": "1", "HTTPS_ONLY": "1"}, "DEBUG"),
        ({"SECRET_KEY": "x", "PORT": "http"}, "PORT"),
        ({"SECRET_KEY": "x", "INGEST_ACCEPTANCE_DAYS": "0"}, "INGEST_ACCEPTANCE_DAYS"),
        ({"SECRET_KEY": "x", "INGEST_RATE_PER_SECOND": "-1"}, "INGEST_RATE_PER_SECOND"),
        ({"SECRET_KEY": "x", "INGEST_QUEUE_MAX_BYTES": "1.5"}, "INGEST_QUEUE_MAX_BYTES"),
        ({"SECRET_KEY": "x", "TRUSTED_PROXIES": "*"}, "TRUSTED_PROXIES"),
        ({"SECRET_KEY": "x", "TRUSTED_PROXIES": "10.0.0.5/8"}, "TRUSTED_PROXIES"),
        ({"SECRET_KEY": "x", "LOG_FORMAT": "xml"}, "LOG_FORMAT"),
        ({"SECRET_KEY": "x", "LOG_LEVEL": "loud"}, "LOG_LEVEL"),
    ],
)
def test_a_bad_value_stops_the_start_and_is_named(variables: dict[str, str], named: str) -> None:
    result = load(**variables)

    assert result.returncode != 0
    assert "ImproperlyConfigured" in result.stderr
    assert named in result.stderr.strip().splitlines()[-1]


def test_the_readers_accept_valid_values(monkeypatch: pytest.MonkeyPatch) -> None:
    for written, expected in [
        ("1", True),
        ("Yes", True),
        ("on", True),
        ("0", False),
        ("", False),
        ("No", False),
    ]:
        monkeypatch.setenv("SOME", written)
        assert env.read_bool("SOME") is expected
    monkeypatch.setenv("SOME", " a, b,,c ")
    assert env.read_list("SOME") == ["a", "b", "c"]
    monkeypatch.setenv("SOME", "007")
    assert env.read_int("SOME", 1) == 7
    monkeypatch.setenv("SOME", "JSON")
    assert env.read_choice("SOME", ("text", "json"), "text") == "json"
    monkeypatch.delenv("SOME")
    assert (env.read_str("SOME", "d"), env.read_int("SOME", 5), env.read_list("SOME")) == ("d", 5, [])
    assert env.read_optional("SOME") is None


def test_an_empty_file_is_valid_but_duplicates_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "empty").touch()
    monkeypatch.setenv("SOME_FILE", str(tmp_path / "empty"))
    assert env.read_str("SOME", "default") == ""
    monkeypatch.setenv("SOME", "")
    with pytest.raises(ImproperlyConfigured, match="SOME or SOME_FILE"):
        env.read_str("SOME")


def test_bin_run_prefers_the_environment_over_dotenv(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DATA_DIR=elsewhere\nPORT=1\nLOG_LEVEL='DEBUG'\n")
    given = {"PATH": os.environ["PATH"], "PORT": "2", "SECRET_KEY": "a $b 'c'"}
    script = f'. {ROOT}/bin/env.sh; echo "$DATA_DIR|$PORT|$LOG_LEVEL|$SECRET_KEY"'
    printed = subprocess.run(
        ["bash", "-eu", "-c", script], cwd=tmp_path, env=given, capture_output=True, check=True
    )
    assert printed.stdout.decode().strip() == "elsewhere|2|DEBUG|a $b 'c'"
    assert {path.name for path in tmp_path.iterdir()} == {".env", "elsewhere"}


def sources() -> list[Path]:
    skipped = {".venv", "var", "tests", "benchmarks", "node_modules"}
    return [path for path in ROOT.rglob("*.py") if path.relative_to(ROOT).parts[0] not in skipped]


def variables_read() -> set[str]:
    names: set[str] = set()
    for path in sources():
        text = path.read_text(encoding="utf-8")
        names |= set(re.findall(r"""env\.read_\w+\(\s*["'](\w+)["']""", text))
        names |= set(re.findall(r"""environ(?:\.get)?[(\[]\s*["'](\w+)["']""", text))
    names |= set(re.findall(r"\$\{(\w+)", (ROOT / "Procfile").read_text(encoding="utf-8")))
    # The last two come from systemd.
    return names - {"PATH", "DJANGO_SETTINGS_MODULE", "NOTIFY_SOCKET", "WATCHDOG_USEC"}


def documented() -> set[str]:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    return set(re.findall(r"`([A-Z][A-Z0-9_]+)(?:\*|=[^`]*)?`", text))


def test_every_variable_in_use_is_documented() -> None:
    assert {"SECRET_KEY", "PORT", "WEB_PROCESSES", "INGEST_RATE_PER_SECOND"} <= variables_read()
    assert variables_read() - documented() == set()


def test_every_documented_variable_is_in_use() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    assert len(rows) > 20
    assert {
        name for row in rows for name in re.findall(r"`([A-Z][A-Z0-9_]+)\*?`", row)
    } - variables_read() == set()
