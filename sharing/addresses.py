"""Addresses that people share."""

from django.conf import settings

from sharing.models import ShareLink
from sharing.rules.codes import public_code


def share_url(link: ShareLink) -> str:
    """The address of a share link: the conference's page with the code, signed if the code needs it."""
    code = public_code(link.conference_id, link.code)
    return f"{settings.PUBLIC_URL}/conf/{link.conference_id}?_s={code}"
