from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AnalyticsConfig(AppConfig):
    name = "analytics"
    verbose_name = _("Analytics")

    def ready(self) -> None:
        from analytics import checks, exports, receivers, retention  # noqa: F401  they register what they have
        from analytics.event_types import EVENT_TYPES
        from analytics.reactions import handlers

        handlers.discover_handlers()
        EVENT_TYPES.items()  # found now, while there is one thread
