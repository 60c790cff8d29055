"""System checks: the packages of what the settings ask for are installed."""

from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

_HINT = "pip install --require-hashes -r requirements-telemetry.txt"


def has_sentry() -> bool:
    return find_spec("sentry_sdk") is not None


def has_opentelemetry() -> bool:
    try:
        return find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:  # not even the packages around it
        return False


@register()
def check_packages(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if settings.SENTRY_DSN and not has_sentry():
        found.append(Error("SENTRY_DSN needs other packages", hint=_HINT, id="meeteasy.E001"))
    if settings.OTEL_EXPORTER_OTLP_ENDPOINT and not has_opentelemetry():
        message = "OTEL_EXPORTER_OTLP_ENDPOINT needs other packages"
        found.append(Error(message, hint=_HINT, id="meeteasy.E002"))
    return found
