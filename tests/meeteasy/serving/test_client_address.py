"""Whose address counts as the client's behind proxies."""

from typing import Any

import pytest
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from meeteasy import env


async def address_seen(proxies: str, peer: str, forwarded: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The client's address as the application sees it, with TRUSTED_PROXIES=`proxies`."""
    monkeypatch.setenv("PROXIES", proxies)
    seen: list[str] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["client"][0])

    # As `manage.py web` passes them on.
    server = ProxyHeadersMiddleware(application, trusted_hosts=",".join(env.read_networks("PROXIES")))
    headers = [(b"x-forwarded-for", forwarded.encode())]
    scope: Any = {"type": "http", "client": (peer, 1), "headers": headers, "scheme": "http"}
    await server(scope, None, None)  # type: ignore[arg-type]
    return seen[0]


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("10.0.0.5", "203.0.113.7", "203.0.113.7"),
        ("::ffff:10.0.0.5", "203.0.113.7", "203.0.113.7"),  # the server listens on IPv6
        ("10.0.0.5", "198.51.100.9, 203.0.113.7", "203.0.113.7"),  # the first is what the client made up
        ("10.0.0.5", "203.0.113.7, ::ffff:10.0.0.6", "203.0.113.7"),
        ("2001:db8:0:0::5", "203.0.113.7", "203.0.113.7"),
        ("10.1.0.5", "203.0.113.7", "10.1.0.5"),
        ("192.0.2.1", "203.0.113.7", "192.0.2.1"),
    ],
)
async def test_only_trusted_hops_name_the_client(
    peer: str, forwarded: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await address_seen("10.0.0.0/16, 2001:db8::5", peer, forwarded, monkeypatch) == expected
