"""What is sent to others about this system's work: errors to Sentry, spans to an OpenTelemetry collector.

Off unless settings name a receiver; the packages are in requirements-telemetry.txt. What leaves is chosen
field by field, so that no address, mail, id of a visitor or token does. The log has the rest, under the same
request's id.
"""

from django.conf import settings


def start() -> None:
    """Start what the settings ask for. Call it once, when the apps are ready; forks inherit it."""
    if settings.SENTRY_DSN:
        from meeteasy.telemetry import sentry

        sentry.start()
    if settings.OTEL_EXPORTER_OTLP_ENDPOINT:
        from meeteasy.telemetry import spans

        spans.start()
