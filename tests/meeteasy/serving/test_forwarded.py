"""What proxies say of a client counts only if the proxy is configured. Here this machine is the proxy."""

from collections.abc import Iterator

import httpx
import pytest

from tests.support.system import System

pytestmark = pytest.mark.processes

REGISTER = "/api/conferences/test/registrations"
STRONG_KEY = "cVYyOnY1n3dZ7mTq0kWJ4bXh8uRrGpLsEaFi"


def start(system: System, **environment: str) -> System:
    """A web server that takes three registrations a minute of an address, and no events of 203.0.113.0/24."""
    system.environment |= {"REGISTRATION_RATE_PER_MINUTE": "3", **environment}
    system.prepare()
    system.run_code(
        "from analytics.models import DoorRules\n"
        "DoorRules.objects.create(conference_id='test', blocked_networks=['203.0.113.0/24'])"
    )
    system.start("web")
    return system


@pytest.fixture(scope="module")
def behind_a_stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A proxy is configured, and it is another machine."""
    system = start(System(tmp_path_factory.mktemp("stranger")), TRUSTED_PROXIES="192.0.2.1")
    yield system
    system.stop()


@pytest.fixture(scope="module")
def behind_a_proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    system = start(
        System(tmp_path_factory.mktemp("proxy")),
        TRUSTED_PROXIES="192.0.2.1, 127.0.0.0/8", HTTPS_ONLY="1", SECRET_KEY=STRONG_KEY,
    )  # fmt: skip
    yield system
    system.stop()


def send_event(system: System, **headers: str) -> httpx.Response:
    event = {"type": "page_view", "conference_id": "test", "page": "/"}
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return system.http.post("/api/analytics/events", json={"events": [event]}, headers=given)


def register(system: System, number: int, headers: dict[str, str]) -> int:
    person = {"name": "Ann", "email": f"ann{number}@example.com"}
    return system.http.post(REGISTER, json=person, headers=headers).status_code


def test_a_strangers_forwarded_address_opens_and_closes_nothing(behind_a_stranger: System) -> None:
    assert send_event(behind_a_stranger, X_Forwarded_For="203.0.113.7").status_code == 202
    names = ("X-Forwarded-For", "X_Forwarded_For", "Forwarded", "X-Real-IP")
    statuses = [
        register(behind_a_stranger, number, {names[number % 4]: f"198.51.100.{number}"})
        for number in range(6)
    ]
    assert statuses == [201, 201, 201, 429, 429, 429], "all six have one address"


def test_a_proxys_forwarded_address_counts(behind_a_proxy: System) -> None:
    answer = send_event(behind_a_proxy, X_Forwarded_For="203.0.113.7")
    assert (answer.status_code, answer.json()["error"]["details"]["rejected"][0]["code"]) == (
        400,
        "blocked_address",
    )
    assert send_event(behind_a_proxy, X_Forwarded_For="198.51.100.7").status_code == 202
    statuses = [
        register(
            behind_a_proxy,
            number,
            {"X-Forwarded-For": f"198.51.100.{number // 4}", "X-Forwarded-Proto": "https"},
        )
        for number in range(8)
    ]
    assert statuses == [201, 201, 201, 429] * 2, "two addresses have three each"


def test_only_the_proxys_own_hop_is_believed(behind_a_proxy: System) -> None:
    """A client may send the header, too; the proxy appends the address that it sees."""
    forged = "198.51.100.9, 203.0.113.7"
    assert send_event(behind_a_proxy, X_Forwarded_For=forged).status_code == 400


def test_https_is_believed_of_proxies_only(behind_a_proxy: System, behind_a_stranger: System) -> None:
    https = {"X-Forwarded-Proto": "https"}
    assert behind_a_proxy.http.get("/api/conferences", headers=https).status_code == 401
    plain = behind_a_proxy.http.get("/api/conferences")
    assert (plain.status_code, plain.headers["location"][:8]) == (301, "https://")
    page = behind_a_stranger.http.get("/accounts/login/", headers=https)
    assert "secure" not in page.headers["set-cookie"].lower()
