"""System checks of the settings of event pages."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from visuspace.providers import PROVIDERS


@register()
def check_provider(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Find a provider that does not exist."""
    if settings.PAGE_PROVIDER in PROVIDERS:
        return []
    known = ", ".join(sorted(PROVIDERS))
    message = f"PAGE_PROVIDER: there is no provider {settings.PAGE_PROVIDER!r}"
    return [Error(message, hint=f"There are: {known}.", id="visuspace.E001")]
