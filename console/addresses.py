"""Addresses of the console that are given to people."""

from django.conf import settings
from django.urls import reverse


def view_url(token: str) -> str:
    """Return the address that a read-only link's token opens."""
    return settings.PUBLIC_URL + reverse("console-view", args=[token])
