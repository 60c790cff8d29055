"""Mail settings from the environment: a provider of django-anymail, an SMTP server, or neither."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from meeteasy import env


@dataclass(frozen=True)
class MailSettings:
    """The values of Django's EMAIL_… settings."""

    backend: str
    host: str = "localhost"
    port: int = 25
    user: str = ""
    password: str = ""
    use_tls: bool = False
    use_ssl: bool = False


def read_mail_settings(*, development_mailbox: bool) -> MailSettings:
    """Read EMAIL_PROVIDER (a name of anymail's), else EMAIL_URL, else EMAIL_HOST and its companions.

    Without any of them mail goes to the development mailbox if it is on, else to a mail server on this
    machine.
    """
    provider, url, host = (
        env.read_str("EMAIL_PROVIDER"),
        env.read_str("EMAIL_URL"),
        env.read_str("EMAIL_HOST"),
    )
    if sum(map(bool, (provider, url, host))) > 1:
        raise ImproperlyConfigured("set one of EMAIL_PROVIDER, EMAIL_URL and EMAIL_HOST")
    if provider:
        return MailSettings(f"anymail.backends.{provider}.EmailBackend")
    if url:
        return _parse(url)
    if development_mailbox and not host:
        return MailSettings("notifications.mailbox.EmailBackend")
    use_tls, use_ssl = env.read_bool("EMAIL_USE_TLS"), env.read_bool("EMAIL_USE_SSL")
    if use_tls and use_ssl:
        raise ImproperlyConfigured("set EMAIL_USE_TLS or EMAIL_USE_SSL, not both")
    return MailSettings(
        "notifications.channels._smtp.EmailBackend",
        host=host or "localhost",
        port=env.read_int("EMAIL_PORT", 465 if use_ssl else 587 if use_tls else 25, minimum=1),
        user=env.read_str("EMAIL_HOST_USER"),
        password=env.read_str("EMAIL_HOST_PASSWORD"),
        use_tls=use_tls,
        use_ssl=use_ssl,
    )


def read_anymail_settings() -> dict[str, Any]:
    """`ANYMAIL_SENDGRID_API_KEY` becomes `ANYMAIL["SENDGRID_API_KEY"]`, as its documentation names them."""
    return dict(env.read_prefixed("ANYMAIL_"))


def _parse(url: str) -> MailSettings:
    """`smtp://host`, `smtp+tls://user:password@host:587` (STARTTLS) or `smtps://…` (TLS from the start)."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ImproperlyConfigured(f"EMAIL_URL: {error}") from error
    if parts.scheme not in ("smtp", "smtp+tls", "smtps") or not parts.hostname:
        # The value itself may hold a password and does not belong in a log.
        raise ImproperlyConfigured("EMAIL_URL must look like smtp+tls://user:password@host:587")
    return MailSettings(
        "notifications.channels._smtp.EmailBackend",
        host=parts.hostname,
        port=port or {"smtp": 25, "smtp+tls": 587, "smtps": 465}[parts.scheme],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        use_tls=parts.scheme == "smtp+tls",
        use_ssl=parts.scheme == "smtps",
    )
