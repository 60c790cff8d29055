from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ConsoleConfig(AppConfig):
    name = "console"
    verbose_name = _("Console")

    def ready(self) -> None:
        # What is deleted with a conference, and whom messages go to.
        from console import receivers, selections  # noqa: F401  they register it
