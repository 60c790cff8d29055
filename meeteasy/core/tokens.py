"""API tokens. Only a token's SHA-256 is stored, so nobody can use a token from the database.

A token has 240 random bits, so it needs neither a salt nor a slow hash.
"""

import hashlib
import secrets
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.utils.translation import gettext_lazy as _
from rest_framework import authentication, exceptions
from rest_framework.request import Request

from meeteasy.core.fields import KeyField
from meeteasy.core.rows import Rows


def digest_of(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


class ApiToken(models.Model):
    """A token of a user, who may have several. It is shown once, when it is made."""

    digest = KeyField(_("SHA-256"), primary_key=True, max_length=64, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens", verbose_name=_("user")
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        app_label = "meeteasy"
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.user} · {self.digest[:8]}…"


def create_token(user: User) -> str:
    """Make a new token for the user. The token itself is stored nowhere."""
    key = secrets.token_urlsafe(30)
    ApiToken.objects.create(user=user, digest=digest_of(key))
    return key


_users = Rows(User, "person")
_FIND_USER = (
    "SELECT {} FROM meeteasy_apitoken token JOIN auth_user person ON person.id = token.user_id "
    "WHERE token.digest = %s"
)


class TokenAuthentication(authentication.TokenAuthentication):
    """`Authorization: Token …` or `Bearer …`."""

    model = ApiToken

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        given = authentication.get_authorization_header(request).split()
        self.keyword = "Bearer" if given and given[0].lower() == b"bearer" else "Token"
        return super().authenticate(request)

    def authenticate_header(self, request: Request) -> str:
        return "Token"

    def authenticate_credentials(self, key: str) -> tuple[User, str]:
        """The user, and the token's digest. Raises AuthenticationFailed."""
        digest = digest_of(key)
        user = next(iter(_users.read(_FIND_USER.format(_users.columns), [digest])), None)
        if user is None or not user.is_active:
            raise exceptions.AuthenticationFailed(_("Invalid token."))
        return user, digest
