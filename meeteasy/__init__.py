"""Settings, wiring and the plumbing that every app shares."""

from meeteasy.celery import app as celery_app

__all__ = ["celery_app"]
