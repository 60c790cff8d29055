"""Live sockets while things fail: a client that does not read, Redis gone, a web process gone."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from websockets.exceptions import ConnectionClosed

from tests.live.client import LiveClient, OpenLive
from tests.support.system import System

pytestmark = pytest.mark.processes

_FLOOD = """
import time
from live.log import Alert
from live.publish import publish_alerts
for number in range({count}):
    body = {{"type": "share", "at": "", "share": {{"code": str(number), "channel": "x" * 20_000}}}}
    publish_alerts("test", [Alert(f"flood:{{number}}", body)], rest_type="share")
    time.sleep(0.005)
"""
_REGISTER = """
from conferences.models import Conference
from conferences.services.registrations import register
print(register(conference=Conference.objects.get(id="test"), name="Ada", email="{email}").registration.id)
"""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    running = System(tmp_path_factory.mktemp("live-failures"))
    running.environment |= {"LIVE_HEARTBEAT_SECONDS": "2"}
    running.web_processes = 2
    running.start("web", "events")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def token(system: System) -> str:
    return system.token()


def test_dropping_a_stuck_client_costs_other_clients_nothing(
    system: System, token: str, open_live: OpenLive
) -> None:
    """20 MB of messages are far more than our queue and the kernel's buffers hold for a client."""
    slow = open_live(system, token=token, max_queue=1)
    slow.wait_for("snapshot")
    others = [open_live(system, token=token) for _ in range(3)]
    starts = [other.wait_for("snapshot")["seq"] for other in others]
    count = 1000

    def read_all(other: LiveClient) -> None:
        while other.messages[-1].get("share", {}).get("code") != str(count - 1):
            other.read(seconds=60)

    with ThreadPoolExecutor() as threads:
        reading = [threads.submit(read_all, other) for other in others]
        system.run_code(_FLOOD.format(count=count))
        for future in reading:
            future.result(timeout=60)
    for other, start in zip(others, starts, strict=True):
        numbers = [message["seq"] for message in other.messages[1:] if "seq" in message]
        assert numbers == list(range(start + 1, start + 1 + len(numbers)))

    # None: the connection ended without a close frame, which the client would not have read anyway.
    assert slow.close_code() in (1013, None)
    received = sum(message["type"] == "share" for message in slow.messages)
    assert received < count


def test_removing_a_user_closes_their_socket_at_once(system: System, token: str, open_live: OpenLive) -> None:
    """Long before the regular check, which comes every 30 seconds here."""
    system.run_code(
        """
from conferences.models import Conference, Member
from django.contrib.auth.models import User
Member.objects.create(conference_id="test", user=User.objects.create_user("bob"), role="helper")
"""
    )
    client = open_live(system, token=system.token("bob"))
    client.wait_for("snapshot")
    started = time.monotonic()
    owner = {"Authorization": f"Token {token}"}
    members = system.http.get("/api/conferences/test/members", headers=owner).json()["results"]
    bob = next(member for member in members if member["username"] == "bob")
    system.http.delete(f"/api/conferences/test/members/{bob['id']}", headers=owner).raise_for_status()
    assert client.close_code(seconds=20) == 4403
    assert time.monotonic() - started < 20


def test_clients_get_a_new_snapshot_after_a_redis_outage(
    system: System, token: str, open_live: OpenLive
) -> None:
    clients = [open_live(system, token=token) for _ in range(4)]
    before = [client.wait_for("snapshot")["attendance"]["registered"] for client in clients]
    system.valkey.kill()
    for client in clients:
        assert client.wait_for("heartbeat", behind=True)
    # No message can report this one, so the next snapshot must include it.
    system.run_code(_REGISTER.format(email="while-away@example.com"))
    system.valkey.start()
    for client, registered in zip(clients, before, strict=True):
        assert client.wait_for("snapshot")["attendance"]["registered"] == registered + 1
        assert client.wait_for("heartbeat")["behind"] is False

    registration_id = system.run_code(_REGISTER.format(email="afterwards@example.com")).strip()
    for client in clients:
        while client.wait_for("registration", seconds=60)["registration"]["id"] != registration_id:
            pass


def test_new_clients_must_retry_while_redis_is_away(system: System, token: str, open_live: OpenLive) -> None:
    system.valkey.kill()
    try:
        assert open_live(system, token=token).close_code() == 1013
    finally:
        system.valkey.start()
    system.wait_for(lambda: _opens(system, token, open_live), "the socket to open again")


def _opens(system: System, token: str, open_live: OpenLive) -> bool:
    try:
        open_live(system, token=token).wait_for("snapshot")
    except ConnectionClosed:
        return False
    return True


def test_a_client_reconnects_after_its_web_process_is_killed(
    system: System, token: str, open_live: OpenLive
) -> None:
    client = open_live(system, token=token)
    before = client.wait_for("snapshot")
    system.kill("web")
    assert client.close_code() is None
    system.start("web")
    registered = system.run_code(_REGISTER.format(email="after-kill@example.com")).strip()
    after = open_live(system, token=token).wait_for("snapshot")
    assert after["seq"] >= before["seq"]
    assert after["alerts"][0]["registration"]["id"] == registered
