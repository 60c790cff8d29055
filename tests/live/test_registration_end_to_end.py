"""A registration from end to end, from outside, on everything that `bin/run` starts."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.live.client import OpenLive
from tests.support.services import free_port
from tests.support.system import ROOT, System

pytestmark = pytest.mark.processes


class EverythingUp(System):
    """`manage.py up`, which is what `bin/run` calls once the packages are there, and a browser's session."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        del self.environment["REDIS_URL"]
        self.environment |= {"VALKEY_PORT": str(free_port()), "HOST": "127.0.0.1"}
        self.environment["DEVELOPMENT_MAILBOX"] = "true"  # as bin/env.sh has it

    def start_everything(self) -> None:
        with open(self.directory / "up.log", "wb") as log:
            self.processes["up"] = subprocess.Popen(
                [sys.executable, "manage.py", "up"],
                cwd=ROOT, env=self.environment, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self.wait_for(self._web_answers, "the web server to answer", seconds=120)

    def sign_in(self) -> None:
        """Sign in on the sign-in page with the password that the first start prints."""
        # It prints that a moment after it answers.
        password = self.wait_for(
            lambda: re.search(rb"organizer, password (\S+)\)", self.log("up")), "the password"
        )
        page = self.http.get("/accounts/login/").text
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        assert token is not None
        answer = self.http.post(
            "/accounts/login/",
            data={
                "username": "organizer",
                "password": password[1].decode(),
                "csrfmiddlewaretoken": token[1],
            },
            headers={"Referer": self.url},
        )
        assert answer.status_code == 302, answer.text

    def stop(self) -> None:
        self.http.close()
        up = self.processes.pop("up", None)
        if up is not None:
            up.send_signal(signal.SIGTERM)
            up.wait(40)


@pytest.fixture
def everything(tmp_path: Path) -> Iterator[EverythingUp]:
    running = EverythingUp(tmp_path)
    running.start_everything()
    yield running
    running.stop()


def test_a_registration_is_confirmed_alerted_and_counted(
    everything: EverythingUp, open_live: OpenLive
) -> None:
    everything.sign_in()
    cookies = "; ".join(f"{name}={value}" for name, value in everything.http.cookies.items())
    socket = open_live(everything, additional_headers={"Cookie": cookies}, origin=everything.url)
    assert socket.wait_for("snapshot")["attendance"]["registered"] == 0

    # A person without an account registers.
    answer = httpx.post(
        f"{everything.url}/api/conferences/test/registrations",
        json={"name": "Ada Lovelace 爱达", "email": "ada@example.com"},
        timeout=30,
    )
    assert answer.status_code == 201, answer.text

    alert = socket.wait_for("registration")
    assert alert["registration"]["name"] == "Ada Lovelace 爱达"
    assert alert["attendance"]["registered"] == 1

    def find_mail() -> str | None:
        found = re.search(r'href="(/dev/mailbox/\d+)"', everything.http.get("/dev/mailbox").text)
        return found and found[1]

    mail = everything.http.get(everything.wait_for(find_mail, "the confirmation in the mailbox")).text
    assert "ada@example.com" in mail
    assert "Test conference" in mail

    def find_summary() -> dict[str, int] | None:
        answer = everything.http.get("/api/analytics/daily", params={"conference_id": "test"})
        results: list[dict[str, int]] = answer.json()["results"]
        return results[0] if results and results[0]["registrations"] else None

    assert everything.wait_for(find_summary, "the day's summary")["registrations"] == 1
