"""The choice of the database for a model."""

from typing import Any

from django.conf import settings
from django.db.models import Model


class AnalyticsRouter:
    """Sends the `analytics` app to its own database when `MONGODB_URI` gives it one; all else to `default`.

    Must come before `django_mongodb_backend.routers.MongoRouter`, which would otherwise decide first.
    """

    def _alias(self, app_label: str) -> str:
        return settings.ANALYTICS_DATABASE if app_label == "analytics" else "default"

    def db_for_read(self, model: type[Model], **hints: Any) -> str:
        return self._alias(model._meta.app_label)

    def db_for_write(self, model: type[Model], **hints: Any) -> str:
        return self._alias(model._meta.app_label)

    def allow_relation(self, left: Model, right: Model, **hints: Any) -> bool:
        return self._alias(left._meta.app_label) == self._alias(right._meta.app_label)

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == self._alias(app_label)
