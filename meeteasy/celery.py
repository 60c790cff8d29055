"""The Celery application. Tasks live in each app's tasks.py, declared by `core.queues.queue_task`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "meeteasy.settings")

app = Celery("meeteasy")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
