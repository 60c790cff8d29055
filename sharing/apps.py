from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class SharingConfig(AppConfig):
    name = "sharing"
    verbose_name = _("Sharing")

    def ready(self) -> None:
        from sharing import exports, receivers  # noqa: F401  they register what they have

        post_migrate.connect(receivers.note_missing_models_after_migrating, sender=self)
