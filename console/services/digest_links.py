"""Signed links that end a digest. They allow nothing else, and do not expire: people keep mails for years."""

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse

from console.models import Digest

_signer = Signer(salt="console.digest")


def make_stop_url(digest: Digest) -> str:
    token = _signer.sign(str(digest.pk))
    return settings.PUBLIC_URL + reverse("console-digest-stop", args=[token])


def read_stop_token(token: str) -> int | None:
    """Return the id of the digest of a link, which may have ended; None if the link was not made here."""
    try:
        return int(_signer.unsign(token))
    except BadSignature:
        return None
