from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    name = "analytics"

    def ready(self) -> None:
        from analytics import handlers, receivers  # noqa: F401  receivers connect to conferences' signals

        handlers.discover_handlers()
