"""What the event door reads of a request besides its body, and how a door refuses one."""

from collections.abc import MutableMapping
from typing import Any

import msgspec

Scope = MutableMapping[str, Any]


class Request(msgspec.Struct, frozen=True, gc=False):
    """The headers that matter, and the query, as they were sent; b"" for each that is missing."""

    path: str
    content_type: bytes
    length: bytes
    user_agent: bytes
    encoding: bytes
    origin: bytes
    authorization: bytes
    query: bytes
    address: str

    @property
    def agent(self) -> str:
        return self.user_agent.decode("latin-1")


class RefusedError(Exception):
    """The request as a whole is refused. The door says so in its protocol's own form."""

    def __init__(self, status: int, code: str, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.retry_after = status, code, retry_after


def read_request(scope: Scope) -> Request:
    get = dict(scope["headers"]).get
    client = scope.get("client")
    return Request(
        scope.get("path", ""),
        get(b"content-type", b""),
        get(b"content-length", b""),
        get(b"user-agent", b""),
        get(b"content-encoding", b""),
        get(b"origin", b""),
        get(b"authorization", b""),
        scope.get("query_string", b""),
        client[0] if client else "",
    )
