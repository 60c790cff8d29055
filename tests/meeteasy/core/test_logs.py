"""What clients can cause does not fill the log."""

import io
import logging

import pytest
from django.test import Client

from meeteasy.core.logs import SparseSecurity


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What goes to stderr, by the handler of the settings."""
    (handler,) = (
        handler
        for handler in logging.getLogger().handlers
        if isinstance(handler, logging.StreamHandler)
        and any(isinstance(item, SparseSecurity) for item in handler.filters)
    )
    (sparse,) = handler.filters
    monkeypatch.setattr(sparse, "_last", {})
    stream = io.StringIO()
    monkeypatch.setattr(handler, "stream", stream)
    return stream


def ask(path: str, host: str = "evil.example") -> tuple[int, str]:
    answer = Client(raise_request_exception=False).get(path, headers={"host": host})
    return answer.status_code, answer.headers["Content-Type"]


@pytest.mark.parametrize("path", ["/api/conferences", "/api/nothing", "/", "/conf/summit", "/admin/"])
def test_a_wrong_host_is_refused_in_the_form_of_its_address(path: str) -> None:
    is_api = path.startswith("/api/")
    assert ask(path) == (400, "application/json" if is_api else "text/html; charset=utf-8")


def test_requests_with_wrong_hosts_do_not_fill_the_log(
    log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(50):
        ask("/api/conferences", f"evil{number}.{'x' * 5000}")
    lines = log.getvalue().splitlines()
    assert len(lines) == 1, "no traceback either"
    assert "evil0.xxx" in lines[0]
    assert len(lines[0]) < 500

    monkeypatch.setattr(SparseSecurity, "_SECONDS", 0)
    ask("/api/conferences", "late.example")
    assert "'late.example'" in log.getvalue()
    assert "(49 more left out)" in log.getvalue()


def test_other_errors_are_all_logged_with_their_tracebacks(log: io.StringIO) -> None:
    """The control."""
    for number in range(3):
        try:
            raise ValueError(number)
        except ValueError:
            logging.getLogger("django.request").exception("failed: %s", number)
    assert log.getvalue().count("Traceback") == 3
