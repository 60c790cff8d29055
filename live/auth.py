"""Checks who may open a socket, and whether they still may.

Organizers' browsers send their session cookie. The handshake must then come from a page of ours: the
same-origin policy does not cover web sockets, so any page could otherwise open one with its visitor's cookie.
Other clients send an API token in the `Authorization` header or, from a browser, as the subprotocol
`token.<key>`. The token is never in the address, which servers and proxies log.
"""

from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.http.request import split_domain_port, validate_host
from django.utils.http import is_same_domain
from rest_framework.exceptions import AuthenticationFailed

from conferences.access import Role, get_conference, roles_for
from conferences.models import Member
from live.outbox import Close
from meeteasy.core.logs import get_logger
from meeteasy.core.tokens import ApiToken, TokenAuthentication

log = get_logger(__name__)

SUBPROTOCOL = "meeteasy.live"
_TOKEN_SUBPROTOCOL = "token."  # noqa: S105  a prefix
_TOKEN_SCHEMES = ("token ", "bearer ")

Scope = MutableMapping[str, Any]


@dataclass(frozen=True)
class Credential:
    """The credential that opened a socket. It is checked again as long as the socket is open."""

    user_id: int
    token: str | None = None  # its digest
    session_key: str | None = None
    # Changes with the password, and so ends all sessions.
    session_hash: str | None = None


def open_for(scope: Scope, conference_id: str) -> Credential | None:
    """Return the credential of a handshake if its user is a member of the conference. None refuses it."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    token = _read_token(headers, scope.get("subprotocols", []))
    credential: Credential | None
    if token is not None:
        user, credential = _from_token(token)
    else:
        user, credential = _from_session(scope, headers)
    if credential is None:
        kind = "session or origin" if token is None else "token"
        log.info("live_refused", conference_id=conference_id, because=kind)
        return None
    try:
        get_conference(user, conference_id)
    except (Http404, PermissionDenied):
        log.info("live_refused", conference_id=conference_id, because="membership", user_id=user.pk)
        return None
    return credential


def _read_token(headers: Mapping[str, str], subprotocols: Iterable[str]) -> str | None:
    header = headers.get("authorization", "")
    if header.lower().startswith(_TOKEN_SCHEMES):
        return header.partition(" ")[2].strip()
    for name in subprotocols:
        if name.startswith(_TOKEN_SUBPROTOCOL):
            return name[len(_TOKEN_SUBPROTOCOL) :]
    return None


def _from_token(key: str) -> tuple[User | AnonymousUser, Credential | None]:
    try:
        user, digest = TokenAuthentication().authenticate_credentials(key)
    except AuthenticationFailed:
        return AnonymousUser(), None
    return user, Credential(user.pk, token=digest)


def _from_session(scope: Scope, headers: Mapping[str, str]) -> tuple[User | AnonymousUser, Credential | None]:
    user = scope["user"]
    if not user.is_authenticated or not _is_own_page(headers):
        return AnonymousUser(), None
    return user, Credential(
        user.pk, session_key=scope["session"].session_key, session_hash=user.get_session_auth_hash()
    )


def _is_own_page(headers: Mapping[str, str]) -> bool:
    """Whether the handshake comes from a page of this host or a trusted one, as in Django's CSRF check. The
    scheme is not compared, because a proxy in front may have changed ours."""
    host, origin = headers.get("host", ""), headers.get("origin", "")
    parts = urlsplit(origin)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return False
    domain, _ = split_domain_port(host)
    if domain and validate_host(domain, settings.ALLOWED_HOSTS) and parts.netloc.lower() == host.lower():
        return True
    for trusted in settings.CSRF_TRUSTED_ORIGINS:
        scheme, _, pattern = trusted.partition("://")
        if scheme == parts.scheme and is_same_domain(parts.netloc.lower(), pattern.lstrip("*").lower()):
            return True
    return False


def find_ended(conference_id: str, credentials: Iterable[Credential]) -> dict[Credential, Close]:
    """Return the credentials that no longer open the conference, and why."""
    credentials = set(credentials)
    user_ids = {credential.user_id for credential in credentials}
    members = set(
        Member.objects.filter(
            conference_id=conference_id, user_id__in=user_ids, role__in=roles_for(Role.VIEWER)
        ).values_list("user_id", flat=True)
    )
    users = {user.pk: user for user in User.objects.filter(pk__in=user_ids, is_active=True)}
    tokens = set(
        ApiToken.objects.filter(pk__in=[credential.token for credential in credentials if credential.token])
        .values_list("pk", flat=True)
    )  # fmt: skip
    sessions = import_module(settings.SESSION_ENGINE).SessionStore
    ended = {}
    for credential in credentials:
        user = users.get(credential.user_id)
        if credential.token is not None:
            valid = credential.token in tokens
        else:
            valid = user is not None and credential.session_hash == user.get_session_auth_hash()
            valid = valid and "_auth_user_id" in sessions(credential.session_key)
        if user is None or not valid:
            ended[credential] = Close.CREDENTIALS_ENDED
        elif credential.user_id not in members:
            ended[credential] = Close.MEMBERSHIP_ENDED
    return ended
