from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class VisuspaceConfig(AppConfig):
    name = "visuspace"
    verbose_name = _("Event pages")

    def ready(self) -> None:
        from visuspace import checks, receivers, retention  # noqa: F401  they register themselves
