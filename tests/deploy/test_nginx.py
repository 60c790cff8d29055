"""deploy/nginx/meeteasy.conf in a real nginx before two web servers. Only its addresses are changed."""

import os
import re
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect

from tests.support.clients import PostingClients
from tests.support.services import free_port
from tests.support.system import ROOT, System

pytestmark = pytest.mark.processes

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
NAME = "meet.example"
MEGABYTE = 1024 * 1024


class Proxy:
    """nginx with the configuration, before the web servers of a system."""

    def __init__(self, directory: Path, servers: list[int]) -> None:
        self.tls, self.plain = free_port(), free_port()
        self.url = f"https://127.0.0.1:{self.tls}"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", f"/CN={NAME}",
             "-keyout", directory / "privkey.pem", "-out", directory / "fullchain.pem"],
            check=True, capture_output=True,
        )  # fmt: skip
        text = (ROOT / "deploy" / "nginx" / "meeteasy.conf").read_text(encoding="utf-8")
        for old, new in (
            ("listen 443 ", f"listen 127.0.0.1:{self.tls} "),
            ("listen 80;", f"listen 127.0.0.1:{self.plain};"),
            ("/etc/ssl/meeteasy", str(directory)),
            ("127.0.0.1:8000 ", f"127.0.0.1:{servers[0]} "),
            ("127.0.0.1:8001 ", f"127.0.0.1:{servers[1]} "),
        ):
            assert text.count(old) in (1, 2), old
            text = text.replace(old, new)
        text = re.sub(r"^ *listen \[::\].*\n", "", text, flags=re.M)
        (directory / "site.conf").write_text(text)
        (directory / "nginx.conf").write_text(
            f"daemon off; pid {directory}/nginx.pid; error_log {directory}/error.log;\n"
            + ("user root;\n" if os.geteuid() == 0 else "")  # who alone may enter pytest's folders
            + "worker_processes 1; events { worker_connections 1024; }\n"
            f"http {{ access_log off; client_body_temp_path {directory}/body; "
            + "".join(
                f"{kind}_temp_path {directory}/{kind}; " for kind in ("proxy", "fastcgi", "uwsgi", "scgi")
            )
            + f"include {directory}/site.conf; }}\n"
        )
        assert NGINX is not None
        self.process = subprocess.Popen(
            [NGINX, "-e", str(directory / "error.log"), "-c", str(directory / "nginx.conf")]
        )

    def client(self, address: str = "127.0.0.1", **headers: str) -> httpx.Client:
        """A client at an address of the loopback network. headers: `Content_Type="text/csv"`."""
        transport = httpx.HTTPTransport(local_address=address, verify=False)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.Client(
            base_url=self.url, transport=transport, timeout=30, headers={"Host": NAME, **given}
        )

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture(scope="module")
def behind_proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[System, Proxy]]:
    """A system of two web servers, one process each, that only speaks https, and the proxy."""
    if NGINX is None:
        pytest.skip("nginx is not installed (bin/test installs it as root on Debian)")
    directory = tmp_path_factory.mktemp("proxy")
    directory.chmod(0o755)
    system = System(directory)
    # A fake address of the client would then be believed, were it not overwritten.
    system.environment |= {
        "SECRET_KEY": "only-for-tests-but-long-enough-for-https",
        "HTTPS_ONLY": "true",
        "ALLOWED_HOSTS": f"{NAME},127.0.0.1",
        "CSRF_TRUSTED_ORIGINS": f"https://{NAME}",
        "TRUSTED_PROXIES": "127.0.0.1",
        "INGEST_RATE_PER_SECOND": "20",
    }
    second = free_port()
    system.start("web", "events", "daily", "beat")
    system.start_web("web-2", port=second)
    proxy = Proxy(directory, [system.port, second])
    system.wait_for(lambda: _answers(proxy), "nginx to answer")
    yield system, proxy
    proxy.stop()
    system.stop()


def _answers(proxy: Proxy) -> bool:
    try:
        with proxy.client() as client:
            return client.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False


def test_it_ends_tls_and_redirects_to_it(behind_proxy: tuple[System, Proxy]) -> None:
    system, proxy = behind_proxy
    plain = httpx.get(f"http://127.0.0.1:{proxy.plain}/admin/", headers={"Host": NAME})
    assert (plain.status_code, plain.headers["location"]) == (308, f"https://{NAME}/admin/")
    assert system.http.get("/admin/login/").status_code == 301, "the control: without the proxy no https"

    with proxy.client() as client:
        page = client.get("/admin/login/")
        assert page.status_code == 200
        assert "max-age" in page.headers["strict-transport-security"]
        form = {"csrfmiddlewaretoken": page.cookies["csrftoken"], "username": "nobody", "password": "wrong"}
        headers = {"Referer": f"https://{NAME}/admin/login/", "Origin": f"https://{NAME}"}
        assert client.post("/admin/login/", data=form, headers=headers).status_code == 200
        assert client.get("/metrics").status_code == 404


def test_a_client_cannot_choose_its_address(behind_proxy: tuple[System, Proxy]) -> None:
    """Each has a rate of its own, whatever it says."""
    _, proxy = behind_proxy
    batch = {"events": [{"type": "page_view", "conference_id": "test", "page": "/"}]}

    def post(client: httpx.Client, number: int) -> int:
        headers = {"X-Forwarded-For": f"192.0.2.{number % 250}", "X-Real-IP": "192.0.2.1"}
        return client.post("/api/analytics/events", json=batch, headers=headers).status_code

    with proxy.client("127.0.0.2") as flooding, proxy.client("127.0.0.3") as other:
        statuses = [post(flooding, number) for number in range(150)]
        assert set(statuses) == {202, 429}
        assert statuses.count(429) > 20
        assert post(other, 0) == 202


def test_a_web_socket_gets_live_counts_through_it(behind_proxy: tuple[System, Proxy]) -> None:
    system, proxy = behind_proxy
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with connect(
        f"wss://127.0.0.1:{proxy.tls}/ws/conferences/test/live",
        ssl=context, proxy=None, additional_headers={"Authorization": f"Token {system.token()}"},
    ) as socket:  # fmt: skip
        assert "snapshot" in str(socket.recv(timeout=30))
        with proxy.client("127.0.0.4") as client:
            registration = {"type": "registration", "conference_id": "test", "form_id": "f"}
            answer = client.post("/api/analytics/events", json={"events": [registration]})
            assert answer.status_code == 202
        deadline = time.monotonic() + 30
        while "registration" not in str(socket.recv(timeout=30)):
            assert time.monotonic() < deadline


def test_uploads_have_the_limits_of_the_server(behind_proxy: tuple[System, Proxy]) -> None:
    system, proxy = behind_proxy
    authorization = f"Token {system.token()}"
    with proxy.client("127.0.0.5", Authorization=authorization, Content_Type="text/csv") as client:
        for path, limit in (
            ("/api/conferences", 1), ("/api/conferences/test/registrations/import", 11),
        ):  # fmt: skip
            over = client.post(path, content=b"x" * (limit * MEGABYTE + 1))
            assert over.status_code == 413, path
            assert over.json()["error"]["code"] == "too_large"
            below = client.post(path, content=b"x" * (limit * MEGABYTE * 9 // 10))
            assert below.status_code in (400, 415), (path, below.text)
        large = client.post("/api/conversions", content=b"x" * (60 * MEGABYTE))
        assert large.status_code != 413


def test_a_dying_web_server_loses_no_event(behind_proxy: tuple[System, Proxy]) -> None:
    system, proxy = behind_proxy
    with PostingClients(proxy.url, threads=2, pause_seconds=0.2, host=NAME) as clients:
        clients.wait_for_batches(20)
        system.kill("web-2")
        clients.wait_for_batches(20)
    with closing(system.redis()) as connection:
        system.wait_for(lambda: connection.xlen("stream:analytics.events") == 0, "an empty stream")
    found = system.run_code(
        "from analytics.models import Event\n"
        "print(*(e.event_id for e in Event.objects.filter(session_id='').only('id')))"
    ).split()
    mine = [event_id for event_id in found if event_id in clients.ids]
    assert sorted(mine) == sorted(clients.ids)
