"""The live socket from outside: real web processes and workers, real sockets."""

import re
import threading
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest
from websockets.exceptions import InvalidStatus

from tests.live.client import OpenLive
from tests.support.system import System

pytestmark = pytest.mark.processes

_REGISTER = """
from conferences.models import Conference
from conferences.services.registrations import register
for number in range({start}, {stop}):
    row = register(conference=Conference.objects.get(id="{conference_id}"),
                   name=f"Guest {{number}} 嘉宾", email=f"guest{{number}}@example.com").registration
    print(row.id)
"""
_CHARLIE = "from django.contrib.auth.models import User; User.objects.filter(username='charlie')"
_OTHER = """
from django.contrib.auth import get_user_model
from conferences.services.conferences import create_conference
for name in ("alice", "charlie"):
    user = get_user_model().objects.create_user(name, f"{name}@example.com", "a-long-password")
    create_conference(owner=user, id=f"{name}s", name=f"Conference of {name}", time_zone="UTC")
"""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """One system for all tests of this file. Each test has a conference of its own."""
    running = System(tmp_path_factory.mktemp("live"))
    running.environment |= {"LIVE_HEARTBEAT_SECONDS": "1", "LIVE_RECHECK_SECONDS": "1"}
    running.web_processes = 2
    running.start("web", "events")
    running.run_code(_OTHER)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def token(system: System) -> str:
    return system.token()


def register(system: System, start: int, stop: int, conference_id: str = "test") -> list[str]:
    return system.run_code(_REGISTER.format(start=start, stop=stop, conference_id=conference_id)).split()


def read_open_sockets(system: System) -> float:
    """Of all web processes, from the metrics of one."""
    (line,) = re.findall(r"^meeteasy_live_sockets (\S+)$", system.http.get("/metrics").text, re.M)
    return float(line)


def page_views(count: int) -> list[dict[str, str]]:
    return [
        {"type": "page_view", "conference_id": "test", "page": "/", "visitor_id": f"v{number}"}
        for number in range(count)
    ]


def test_alerts_reach_sockets_on_every_web_process_in_order(
    open_live: OpenLive, system: System, token: str
) -> None:
    # Two web processes share the listening socket, so of many connections each gets some.
    clients = [open_live(system, token=token) for _ in range(12)]
    snapshots = [client.wait_for("snapshot") for client in clients]
    before = snapshots[0]["attendance"]
    system.wait_for(lambda: read_open_sockets(system) >= 12, "the count of sockets")

    [registration_id] = register(system, 0, 1)
    system.run_code(
        "from conferences.services.checkins import check_in\n"
        f"check_in('{registration_id}', by=None, gate='A')"
    )

    for client, snapshot in zip(clients, snapshots, strict=True):
        alert = client.wait_for("registration")
        assert alert["registration"] == {
            "id": registration_id, "name": "Guest 0 嘉宾", "state": "approved", "new": True
        }  # fmt: skip
        checkin = client.wait_for("checkin")
        assert checkin["checkin"]["registration_id"] == registration_id
        assert checkin["checkin"]["gate"] == "A"
        assert checkin["attendance"]["checked_in"] == before["checked_in"] + 1
        numbers = [message["seq"] for message in client.messages[1:] if "seq" in message]
        assert numbers == list(range(snapshot["seq"] + 1, snapshot["seq"] + 1 + len(numbers)))


def test_a_snapshot_has_the_numbers_and_the_last_alerts(
    open_live: OpenLive, system: System, token: str
) -> None:
    ids = register(system, 100, 103)
    snapshot = open_live(system, token=token).wait_for("snapshot")
    assert snapshot["conference"] == {"id": "test", "name": "Test conference", "time_zone": "UTC"}
    assert [alert["registration"]["id"] for alert in snapshot["alerts"][:3]] == ids[::-1]
    attendance = snapshot["attendance"]
    assert attendance["registered"] == attendance["approved"] >= 3
    assert attendance["percentage"] == round(100 * attendance["checked_in"] / attendance["approved"], 1)
    assert set(snapshot["today"]) == {"date", "pv", "uv", "visitors_now"}


def test_a_client_that_missed_messages_gets_them_by_resync(
    open_live: OpenLive, system: System, token: str
) -> None:
    client = open_live(system, token=token)
    start = client.wait_for("snapshot")["seq"]
    ids = register(system, 200, 205)
    while client.wait_for("registration")["registration"]["id"] != ids[-1]:
        pass
    # Those of earlier tests may still be on their way, and come first.
    live = [message for message in client.messages if message.get("seq", start) > start]
    assert [m["registration"]["id"] for m in live if m["type"] == "registration"][-5:] == ids

    client.messages.clear()
    client.resync(start)
    client.wait_for("registration", seq=live[-1]["seq"])
    again = [message for message in client.messages if "seq" in message]
    assert [message["seq"] for message in again] == [message["seq"] for message in live]
    assert [message["seq"] for message in again] == list(range(start + 1, live[-1]["seq"] + 1))
    assert [m.get("registration") for m in again] == [m.get("registration") for m in live]


def test_a_client_far_behind_gets_a_snapshot(open_live: OpenLive, system: System, token: str) -> None:
    client = open_live(system, token=token)
    first = client.wait_for("snapshot")
    client.resync(first["seq"] - 100_000)
    assert client.wait_for("snapshot")["seq"] >= first["seq"]


@pytest.mark.parametrize("conference_id", ["test", "alices", "no-such-conference"])
def test_strangers_are_refused_in_the_handshake(
    open_live: OpenLive, system: System, conference_id: str
) -> None:
    """Charlie is a member of another conference."""
    charlie = system.token("charlie")
    with pytest.raises(InvalidStatus) as refused:
        open_live(system, token=charlie, conference_id=conference_id)
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Token 0123456789012345678901234567890123456789"},
        {"Authorization": "Basic b3JnYW5pemVyOg=="},
        {"Cookie": "sessionid=doesnotexist", "Origin": "http://127.0.0.1"},
    ],
)
def test_anonymous_clients_are_refused_in_the_handshake(
    open_live: OpenLive, system: System, headers: dict[str, str]
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        open_live(system, additional_headers=headers)
    assert refused.value.response.status_code == 403


def test_other_addresses_are_refused(open_live: OpenLive, system: System, token: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        open_live(system, token=token, conference_id="test/live/more")
    assert refused.value.response.status_code == 403


def sign_in(system: System, name: str = "alice") -> dict[str, str]:
    """Return the session cookie that the admin's login page sets."""
    key = system.run_code(
        f"""
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
user = get_user_model().objects.get(username="{name}")
session = SessionStore()
session[SESSION_KEY] = str(user.pk)
session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
session[HASH_SESSION_KEY] = user.get_session_auth_hash()
session.create()
print(session.session_key)
"""
    ).strip()
    return {"Cookie": f"sessionid={key}"}


def test_a_session_opens_only_from_our_own_pages(open_live: OpenLive, system: System) -> None:
    cookie = sign_in(system)
    own = f"http://127.0.0.1:{system.port}"
    client = open_live(system, conference_id="alices", additional_headers=cookie, origin=own)
    assert client.wait_for("snapshot")["conference"]["id"] == "alices"
    for origin in ("https://evil.example", f"http://127.0.0.1:{system.port + 1}", "null", None):
        with pytest.raises(InvalidStatus) as refused:
            open_live(system, conference_id="alices", additional_headers=cookie, origin=origin)
        assert refused.value.response.status_code == 403


def test_a_browser_sends_its_token_as_a_subprotocol(open_live: OpenLive, system: System, token: str) -> None:
    client = open_live(system, subprotocols=["meeteasy.live", f"token.{token}"])
    assert client.wait_for("snapshot")
    assert client.socket.subprotocol == "meeteasy.live"


def test_a_socket_is_closed_when_the_membership_ends(open_live: OpenLive, system: System) -> None:
    client = open_live(system, token=system.token("alice"), conference_id="alices")
    client.wait_for("snapshot")
    system.run_code(
        """
from conferences.models import Member
Member.objects.get(user__username="alice", conference_id="alices").delete()
"""
    )
    assert client.close_code() == 4403
    system.run_code(
        """
from conferences.models import Member
from django.contrib.auth import get_user_model
alice = get_user_model().objects.get(username="alice")
Member.objects.create(user=alice, conference_id="alices", role="owner")
"""
    )


@pytest.mark.parametrize(
    "end",
    [
        "from meeteasy.models import ApiToken; ApiToken.objects.filter(user__username='charlie').delete()",
        f"{_CHARLIE}.update(is_active=False)",
    ],
    ids=["token revoked", "user deactivated"],
)
def test_a_socket_is_closed_when_its_credential_ends(open_live: OpenLive, system: System, end: str) -> None:
    system.run_code(f"{_CHARLIE}.update(is_active=True)")
    # A new one: `system.token` remembers what this test revokes.
    token = system.manage("drf_create_token", "--reset", "charlie").split()[2]
    client = open_live(system, token=token, conference_id="charlies")
    client.wait_for("snapshot")
    system.run_code(end.format(token=token))
    assert client.close_code() == 4401


@pytest.mark.parametrize(
    "end",
    [
        "from django.contrib.sessions.models import Session; Session.objects.all().delete()",
        "from django.contrib.auth.models import User; "
        "u = User.objects.get(username='alice'); u.set_password('another-password'); u.save()",
    ],
    ids=["signed out", "password changed"],
)
def test_a_socket_is_closed_when_its_session_ends(open_live: OpenLive, system: System, end: str) -> None:
    own = f"http://127.0.0.1:{system.port}"
    client = open_live(system, conference_id="alices", additional_headers=sign_in(system), origin=own)
    client.wait_for("snapshot")
    system.run_code(end)
    assert client.close_code() == 4401


def test_heartbeats_come_while_nothing_happens(open_live: OpenLive, system: System, token: str) -> None:
    client = open_live(system, token=token)
    snapshot = client.wait_for("snapshot")
    for _ in range(2):
        heartbeat = client.wait_for("heartbeat", seconds=10)
        assert heartbeat["behind"] is False
        assert heartbeat["last_seq"] >= snapshot["seq"]


def test_a_connection_that_served_http_becomes_a_socket(
    open_live: OpenLive, system: System, token: str
) -> None:
    connection = HTTPConnection("127.0.0.1", system.port, timeout=30)
    connection.request("GET", "/healthz")
    assert connection.getresponse().read() == b'{"status":"ok"}'
    client = open_live(system, token=token, sock=connection.sock)
    client.wait_for("snapshot")
    for _ in range(7):  # an HTTP connection is closed when it has been idle for 5 seconds
        client.wait_for("heartbeat", seconds=10)


def test_pv_is_throttled_but_the_last_count_arrives(open_live: OpenLive, system: System, token: str) -> None:
    client = open_live(system, token=token)
    start = client.wait_for("snapshot")["today"]["pv"]
    stop = threading.Event()
    sent = 0

    def visit() -> None:
        nonlocal sent
        while not stop.is_set():
            assert system.post(page_views(5)).status_code == 202
            sent += 5

    visitor = threading.Thread(target=visit)
    visitor.start()
    try:
        client.read_for(4)
        while sum(message["type"] == "pv" for message in client.messages) < 3:
            client.wait_for("pv")
    finally:
        stop.set()
        visitor.join()
    last = client.wait_for("pv", pv=start + sent, seconds=30)
    assert last["visitors_now"] >= 5
    times = [message["arrived"] for message in client.messages if message["type"] == "pv"]
    # At most two begin within any second, apart from network jitter.
    assert all(third - first > 0.9 for first, third in zip(times, times[2:], strict=False))


def test_a_repeated_share_is_announced_once(open_live: OpenLive, system: System, token: str) -> None:
    client = open_live(system, token=token)
    client.wait_for("snapshot")
    share = {"type": "share", "conference_id": "test", "event_id": "share-1"}
    share |= {"share_code": "c0de", "channel": "wechat"}
    system.post([share])
    assert client.wait_for("share")["share"] == {"code": "c0de", "channel": "wechat", "parent_code": None}
    system.post([share])
    system.post([{**share, "event_id": "share-2", "share_code": "other"}])
    assert client.wait_for("share")["share"]["code"] == "other"


def test_many_registrations_at_once_are_counted_in_one_message(
    open_live: OpenLive, system: System, token: str
) -> None:
    client = open_live(system, token=token)
    client.wait_for("snapshot")
    system.post(
        [
            {
                "type": "registration",
                "conference_id": "test",
                "form_id": "f",
                "registration_id": f"ext{number}",
            }
            for number in range(300)
        ]
    )
    more = 0
    while more == 0:
        more = client.wait_for("registration").get("more", 0)
    told = [message for message in client.messages if message["type"] == "registration"]
    assert [message.get("registration", {}).get("state") for message in told] == ["reported"] * 20 + [None]
    assert more == 280


def test_any_message_other_than_resync_closes_the_socket(
    open_live: OpenLive, system: System, token: str
) -> None:
    for text in (
        "",
        "{",
        '{"type":"resync"}',
        '{"type":"resync","since":"x"}',
        "[" * 3000,
        '{"type":"drop"}',
    ):
        client = open_live(system, token=token)
        client.wait_for("snapshot")
        client.socket.send(text)
        assert client.close_code() == 4400, text


def test_a_client_that_keeps_asking_is_closed(open_live: OpenLive, system: System, token: str) -> None:
    client = open_live(system, token=token)
    seq = client.wait_for("snapshot")["seq"]
    for _ in range(30):
        client.resync(seq)
    assert client.close_code() == 4429
